/** TimescaleDB is used where the server has it: the extension is created here, before the schema looks for it. */
import type { Client } from 'pg';
import { errorMessage } from '../../errors.ts';

/** The version in use, or undefined on plain PostgreSQL. */
export async function ensureTimescale(client: Client, log: (line: string) => void): Promise<string | undefined> {
	const installed = await installedVersion(client);
	if (installed !== undefined) return installed;
	const { rows } = await client.query<{ version: string; preloaded: boolean; used: boolean }>(`
		select
			default_version as version,
			current_setting('shared_preload_libraries') like '%timescaledb%' as preloaded,
			to_regclass('botbox.schema_migrations') is not null as used
		from pg_available_extensions
		where name = 'timescaledb'`);
	const [available] = rows;
	if (available === undefined) return undefined;
	if (available.used) {
		// Tables that were made plain stay plain: turning them over is the operator's decision.
		log('TimescaleDB is available, but this database was made without it and stays plain');
		return undefined;
	}
	if (!available.preloaded) {
		log('TimescaleDB is installed but not in shared_preload_libraries: going on with plain PostgreSQL');
		return undefined;
	}
	try {
		await client.query('create extension if not exists timescaledb');
	} catch (error) {
		log(`TimescaleDB is available, but this user may not create it: ${errorMessage(error)}`);
		return undefined;
	}
	const licence = await client.query<{ licence: string }>(
		`select coalesce(current_setting('timescaledb.license', true), 'unknown') as licence`,
	);
	log(`TimescaleDB ${available.version}, licence ${licence.rows[0]?.licence ?? 'unknown'}`);
	return await installedVersion(client);
}

async function installedVersion(client: Client): Promise<string | undefined> {
	const { rows } = await client.query<{ extversion: string }>(
		`select extversion from pg_extension where extname = 'timescaledb'`,
	);
	return rows[0]?.extversion;
}
