/**
 * Writes the zapatos types of the schemas botbox and reporting, in src/database/zapatos. Always from a fresh database
 * on plain PostgreSQL, so that the output depends on db/migrations and on nothing else.
 *
 * Two things are put right after zapatos is done. Its Selectable types say `Int8String` where our pool parses bigint to
 * a number. And it leaves a placeholder file for every domain, and for every enum that another schema's view shows;
 * those become one file, written from the catalogue: a domain over numeric is a string, an enum is its labels.
 *
 * Use the `Selectable` types for rows that the pool returns. Zapatos's own shortcuts (db.select and the like) travel as
 * JSON, whose numbers are floats: not for money.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'zapatos/generate';
import { startEmbedded } from '../embedded/server.ts';
import { migrate } from '../migrate/migrate.ts';
import { createPool, type Pool } from '../pool.ts';

/** Runs `work` on a migrated database that is thrown away afterwards. */
export async function withMigratedDatabase<T>(work: (database: { url: string; pool: Pool }) => Promise<T>): Promise<T> {
	const base = await mkdtemp(join(tmpdir(), 'botbox-dev-'));
	// mkdtemp makes it private, and root's server is another user.
	await chmod(base, 0o711);
	try {
		const server = await startEmbedded({
			dataDir: join(base, 'data'),
			settings: { fsync: 'off', full_page_writes: 'off' },
		});
		try {
			await migrate({ url: server.url });
			const pool = createPool({ url: server.url, applicationName: 'botbox dev' });
			try {
				return await work({ url: server.url, pool });
			} finally {
				await pool.end();
			}
		} finally {
			await server.stop();
		}
	} finally {
		await rm(base, { recursive: true, force: true });
	}
}

/** Writes `<outDir>/zapatos/schema.d.ts` and `<outDir>/zapatos/custom/index.d.ts`. */
export async function generateTypes(database: { url: string; pool: Pool }, outDir: string): Promise<void> {
	const folder = join(outDir, 'zapatos');
	await rm(folder, { recursive: true, force: true });
	await generate({
		db: { connectionString: database.url },
		outDir,
		schemas: {
			botbox: { include: '*', exclude: ['schema_migrations'] },
			reporting: { include: '*', exclude: [] },
		},
		unprefixedSchema: 'botbox',
		customTypesTransform: customTypeName,
		// Each column's type and default four times over would be most of the file.
		schemaJSDoc: false,
		warningListener: false,
		progressListener: false,
	});
	const schemaFile = join(folder, 'schema.d.ts');
	const schema = await readFile(schemaFile, 'utf8');
	await writeFile(schemaFile, schema.replace(/: db\.Int8String(\[\])?( \| null)?;/g, ': number$1$2;'));
	await rm(join(folder, 'custom'), { recursive: true, force: true });
	await mkdir(join(folder, 'custom'));
	await writeFile(join(folder, 'custom', 'index.d.ts'), await customTypes(database.pool, schema));
}

/** `regime_direction` → `PgRegimeDirection`; `_regime_direction`, PostgreSQL's name of its array → `…Array`. */
function customTypeName(name: string): string {
	const camel = name.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
	return `Pg${camel}${name.startsWith('_') ? 'Array' : ''}`;
}

async function customTypes(pool: Pool, schema: string): Promise<string> {
	const used = new Set([...schema.matchAll(/\bc\.(Pg\w+)/g)].map((match) => match[1]));
	const { rows } = await pool.query<{
		name: string;
		array_name: string | null;
		base: string;
		labels: string[] | null;
	}>(`
		select
			t.typname as name,
			(select a.typname from pg_type a where a.oid = t.typarray) as array_name,
			coalesce(b.typname, t.typname) as base,
			(select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid) as labels
		from pg_type t
		left join pg_type b on b.oid = t.typbasetype
		where t.typnamespace in ('botbox'::regnamespace, 'reporting'::regnamespace)
		and t.typtype in ('d', 'e')
		order by t.typname collate "C"`);
	const lines: string[] = [];
	for (const row of rows) {
		const type = row.labels === null ? baseType(row.base) : row.labels.map((label) => `'${label}'`).join(' | ');
		const name = customTypeName(row.name);
		if (used.delete(name)) lines.push(`\texport type ${name} = ${type};`);
		const arrayName = row.array_name === null ? undefined : customTypeName(row.array_name);
		// The pool knows no parser for arrays of our types: they come as PostgreSQL writes them, `{A,B}`. Cast to text[].
		if (used.delete(arrayName)) lines.push(`\texport type ${arrayName} = string;`);
	}
	// Types of PostgreSQL itself that zapatos does not know and the pool does not parse.
	for (const name of plainTypes)
		if (used.delete(customTypeName(name))) lines.push(`\texport type ${customTypeName(name)} = string;`);
	if (used.size > 0)
		throw new Error(`no TypeScript type is known for ${[...used].join(', ')}: see ${import.meta.filename}`);
	return [
		'// Generated by npm run generate: the domains, and the enums that views of another schema show.',
		"declare module 'zapatos/custom' {",
		...lines,
		'}',
		'',
	].join('\n');
}

const plainTypes = ['tstzmultirange'];

/** As the pool parses it. */
function baseType(base: string): string {
	if (base === 'numeric' || base === 'text' || base === 'uuid') return 'string';
	if (['int2', 'int4', 'int8', 'float4', 'float8'].includes(base)) return 'number';
	if (base === 'timestamptz') return 'Date';
	if (base === 'bool') return 'boolean';
	return 'unknown';
}
