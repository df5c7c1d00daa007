/** Small facts of the database that every process asks for. */
import { BotboxError } from '../errors.ts';
import type { Queryable } from './functions/define.ts';
import { loadTradingAccounts } from './functions/exchange.ts';

/** The clock by which everything is decided, so that processes with drifting clocks agree. */
export async function databaseTime(db: Queryable): Promise<Date> {
	const result = await db.query<{ now: Date }>('select now() as now');
	return result.rows[0]?.now ?? new Date();
}

/** Six characters that tell the orders of this installation from those of any other. */
export async function installationId(db: Queryable): Promise<string> {
	const result = await db.query<{ installation_id: string }>('select installation_id from botbox.installation');
	const id = result.rows[0]?.installation_id;
	if (id === undefined) throw new BotboxError('SCHEMA_MISMATCH', 'the database is not migrated: run botbox migrate');
	return id;
}

/** False in a database that nobody has set up anything in yet. */
export async function hasAccounts(db: Queryable): Promise<boolean> {
	const result = await db.query<{ exists: boolean }>('select exists (select from botbox.accounts)');
	return result.rows[0]?.exists === true;
}

export interface DatabaseFacts {
	readonly version: string;
	/** As server_version_num: 170004 for 17.4. */
	readonly versionNumber: number;
	readonly timescaledb: string | null;
	readonly now: Date;
	readonly maxConnections: number;
	/** Of those, kept for superusers. */
	readonly reservedConnections: number;
	/** In use now, by everybody. */
	readonly connections: number;
}

export async function databaseFacts(db: Queryable): Promise<DatabaseFacts> {
	const result = await db.query<{
		version: string;
		version_number: string;
		timescaledb: string | null;
		now: Date;
		max_connections: number;
		reserved_connections: number;
		connections: number;
	}>(
		`select current_setting('server_version') as version,
		        current_setting('server_version_num') as version_number,
		        (select extversion || ', licence ' || coalesce(current_setting('timescaledb.license', true), 'unknown')
		           from pg_extension where extname = 'timescaledb') as timescaledb,
		        clock_timestamp() as now,
		        current_setting('max_connections')::integer as max_connections,
		        current_setting('superuser_reserved_connections')::integer
		          + coalesce(current_setting('reserved_connections', true)::integer, 0) as reserved_connections,
		        (select count(*)::integer from pg_stat_activity where backend_type = 'client backend') as connections`,
	);
	const row = result.rows[0];
	if (row === undefined) throw new BotboxError('DATABASE_UNAVAILABLE', 'the database gave no answer');
	return {
		version: row.version,
		versionNumber: Number(row.version_number),
		timescaledb: row.timescaledb,
		now: row.now,
		maxConnections: row.max_connections,
		reservedConnections: row.reserved_connections,
		connections: row.connections,
	};
}

/** Accounts with credentials, which are encrypted; for the examination of whether they can be read. */
export async function storedCredentials(db: Queryable) {
	const all = await loadTradingAccounts(db, {});
	return all.flatMap((row) => (row.credentials === null ? [] : [{ ...row, credentials: row.credentials }]));
}
