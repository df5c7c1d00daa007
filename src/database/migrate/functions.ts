/**
 * Applies db/functions whole, in one transaction: first every function of schema botbox goes that nothing depends on,
 * then all files are run. A renamed, removed or retyped function therefore leaves nothing stale behind, and a process
 * sees either the old set or the new one.
 *
 * Functions that a trigger, constraint, default, index or view depends on stay and are replaced in place. So a
 * migration may create only functions of that kind; all others belong into db/functions, or they are gone here.
 */
import type { Client } from 'pg';
import pg from 'pg';
import { BotboxError } from '../../errors.ts';
import type { SqlFile } from './sources.ts';

export async function applyFunctions(client: Client, files: readonly SqlFile[]): Promise<void> {
	// Bodies are not looked into while functions are created, so that the order of the files does not matter.
	await client.query('set local check_function_bodies = off');
	await dropFreeFunctions(client);
	for (const file of files) await applyFile(client, file);
	await checkBodies(client);
}

const freeFunctions = `
select format('drop routine %s', p.oid::regprocedure) as statement
from pg_proc p
where p.pronamespace = 'botbox'::regnamespace
and not exists (
	-- used by something, or a member of an extension
	select
	from pg_depend d
	where (d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid)
	or (d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
)
order by p.oid`;

/** Repeated, since a function may be needed only by another one that goes in the round before. */
async function dropFreeFunctions(client: Client): Promise<void> {
	for (;;) {
		const { rows } = await client.query<{ statement: string }>(freeFunctions);
		if (rows.length === 0) return;
		await client.query(rows.map((row) => row.statement).join(';\n'));
	}
}

async function applyFile(client: Client, file: SqlFile): Promise<void> {
	try {
		await client.query(file.sql);
	} catch (error) {
		if (!(error instanceof pg.DatabaseError)) throw error;
		throw new BotboxError('SCHEMA_MISMATCH', `db/functions/${file.name}${lineOf(file, error)}: ${error.message}`, {
			cause: error,
		});
	}
}

function lineOf(file: SqlFile, error: pg.DatabaseError): string {
	const position = Number(error.position);
	return position > 0 ? `:${file.sql.slice(0, position).split('\n').length}` : '';
}

/** Each body is parsed against the finished set: for SQL functions this finds missing tables, columns and functions. */
async function checkBodies(client: Client): Promise<void> {
	await client.query('set local check_function_bodies = on');
	const { rows } = await client.query<{ name: string; definition: string }>(`
		select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as definition
		from pg_proc p
		where p.pronamespace = 'botbox'::regnamespace
		and p.prokind in ('f', 'p')
		and not exists (
			select
			from pg_depend d
			where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
		)
		order by p.oid`);
	for (const { name, definition } of rows) {
		try {
			await client.query(definition);
		} catch (error) {
			if (!(error instanceof pg.DatabaseError)) throw error;
			throw new BotboxError('SCHEMA_MISMATCH', `function botbox.${name}: ${error.message}`, { cause: error });
		}
	}
}
