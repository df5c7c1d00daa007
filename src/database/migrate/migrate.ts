/**
 * `botbox migrate`: brings a database to the schema of this version of botbox.
 *
 * Reads db/, writes the schemas botbox, reporting and pgboss, the roles, and botbox.installation. Idempotency key: the
 * schema fingerprint, written last. A session advisory lock on a direct connection makes four containers that start at
 * once take turns; the three that come later find the fingerprint and do nothing. A crash at any line leaves whole
 * migrations applied and the old fingerprint in place: processes refuse to start, and the next run goes on.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { BotboxError, errorMessage } from '../../errors.ts';
import { withStartupSettings } from '../pool.ts';
import { findPooling, refusedSettings } from '../pooler.ts';
import { migrationsTable, runDbmate } from './dbmate.ts';
import { applyFunctions } from './functions.ts';
import { applyGrants, createRoles, roles } from './grants.ts';
import { migrateJobQueues } from './job-queues.ts';
import { readSources, type SchemaSources } from './sources.ts';
import { ensureTimescale } from './timescaledb.ts';

export { requireMatchingSchema } from './matching.ts';

export interface MigrateOptions {
	readonly url: string;
	readonly log?: (line: string) => void;
	/** Folder with migrations/ and functions/; by default the one that comes with botbox. */
	readonly directory?: string;
}

export interface MigrateReport {
	/** False when there was nothing to do. */
	readonly changed: boolean;
	/** File names of the migrations applied by this run. */
	readonly migrations: readonly string[];
	/** Number of function files applied by this run. */
	readonly functions: number;
	readonly fingerprint: string;
	/** Version of TimescaleDB in use, if any. */
	readonly timescaledb: string | undefined;
}

const oldestServer = 15;
/** Any number will do, as long as nobody else uses it in the same database. */
const lockKey = 7_267_301_190_211;

export async function migrate(options: MigrateOptions): Promise<MigrateReport> {
	const log = options.log ?? (() => {});
	const sources = await readSources(options.directory);
	const client = await connectDirectly(options.url);
	try {
		await requireServerVersion(client);
		await refusePooler(options.url);
		await takeLock(client, log);
		return await migrateUnderLock(client, options.url, sources, log);
	} finally {
		// Ending the session gives the lock back, whatever state the connection is in.
		await client.end().catch(() => {});
	}
}

async function migrateUnderLock(
	client: pg.Client,
	url: string,
	sources: SchemaSources,
	log: (line: string) => void,
): Promise<MigrateReport> {
	if (await isCurrent(client, sources.fingerprint)) {
		log('nothing to do: the schema is that of this version');
		const timescaledb = await recordedTimescale(client);
		return { changed: false, migrations: [], functions: 0, fingerprint: sources.fingerprint, timescaledb };
	}
	await refuseNewerSchema(client, sources);
	const timescaledb = await ensureTimescale(client, log);
	await client.query('create schema if not exists botbox');
	const encrypted = await isEncrypted(client);
	const applied =
		sources.migrations.length === 0 ? [] : await runDbmate({ url, directory: sources.directory, encrypted, log });
	for (const line of await migrateJobQueues(url)) log(line);

	const missingRoles = await transaction(client, async () => {
		await applyFunctions(client, sources.functions);
		const missing = await createRoles(client);
		await applyGrants(client, missing);
		await recordInstallation(client, sources.fingerprint, timescaledb);
		return missing;
	});
	log(`applied ${sources.functions.length} functions and the grants`);
	if (missingRoles.length > 0) {
		log(
			`warning: this user may not create roles, so ${missingRoles.join(' and ')} do not exist; create them and migrate again`,
		);
	}
	return {
		changed: true,
		migrations: applied,
		functions: sources.functions.length,
		fingerprint: sources.fingerprint,
		timescaledb,
	};
}

async function connectDirectly(url: string): Promise<pg.Client> {
	const client = new pg.Client({
		// Names in function files are ours first, then those of extensions.
		connectionString: withStartupSettings(url, { search_path: 'botbox,public', timezone: 'UTC' }),
		application_name: 'botbox migrate',
		connectionTimeoutMillis: 10_000,
		keepAlive: true,
	});
	// A lost connection fails the next query; without a listener it would end the process first.
	client.on('error', () => {});
	try {
		await client.connect();
		return client;
	} catch (cause) {
		if (refusedSettings(cause) !== undefined) throw cause;
		throw new BotboxError('DATABASE_UNAVAILABLE', `the database cannot be reached: ${errorMessage(cause)}`, { cause });
	}
}

async function requireServerVersion(client: pg.Client): Promise<void> {
	const { rows } = await client.query<{ server_version_num: string }>('show server_version_num');
	const major = Math.floor(Number(rows[0]?.server_version_num) / 10_000);
	if (major >= oldestServer) return;
	throw new BotboxError(
		'CONFIGURATION_INVALID',
		`botbox needs PostgreSQL ${oldestServer} or newer; this server is PostgreSQL ${major}`,
	);
}

/** The lock below would be taken by one connection and the work done by others: two could migrate at once. */
async function refusePooler(url: string): Promise<void> {
	if ((await findPooling(url)) !== 'transaction') return;
	throw new BotboxError(
		'CONFIGURATION_INVALID',
		'this address leads to a pooler in transaction mode, and migrate needs the server itself: set DATABASE_DIRECT_URL',
	);
}

async function takeLock(client: pg.Client, log: (line: string) => void): Promise<void> {
	const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [lockKey]);
	if (rows[0]?.taken === true) return;
	log('another process is migrating this database: waiting for it');
	await client.query('select pg_advisory_lock($1)', [lockKey]);
}

/** Up to date, and no role missing that could be made by now. */
async function isCurrent(client: pg.Client, fingerprint: string): Promise<boolean> {
	const table = await client.query<{ found: boolean }>(
		`select to_regclass('botbox.installation') is not null as found`,
	);
	if (table.rows[0]?.found !== true) return false;
	const { rows } = await client.query<{ schema_fingerprint: string | null }>(
		'select schema_fingerprint from botbox.installation',
	);
	if (rows[0]?.schema_fingerprint !== fingerprint) return false;
	const complete = await client.query<{ complete: boolean }>(
		`select count(*) = cardinality($1::text[]) or not (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) as complete
		from pg_roles
		where rolname = any ($1::text[])`,
		[roles],
	);
	return complete.rows[0]?.complete === true;
}

/** Functions of an older version would be put over tables of a newer one. */
async function refuseNewerSchema(client: pg.Client, sources: SchemaSources): Promise<void> {
	const table = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
		migrationsTable,
	]);
	if (table.rows[0]?.found !== true) return;
	const known = sources.migrations.map(({ name }) => /^\d+/.exec(name)?.[0]);
	const { rows } = await client.query<{ version: string }>(
		`select version from ${migrationsTable} where version <> all ($1::text[]) order by version`,
		[known],
	);
	if (rows.length === 0) return;
	throw new BotboxError(
		'SCHEMA_MISMATCH',
		`the database has migrations that this botbox does not know (${rows.map((row) => row.version).join(', ')}): ` +
			'run the version that made them, or a newer one',
	);
}

async function recordedTimescale(client: pg.Client): Promise<string | undefined> {
	const { rows } = await client.query<{ timescaledb: string | null }>('select timescaledb from botbox.installation');
	return rows[0]?.timescaledb ?? undefined;
}

async function isEncrypted(client: pg.Client): Promise<boolean> {
	const { rows } = await client.query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
	return rows[0]?.ssl === true;
}

/** The installation's id is part of every client order id: six characters, made once and kept for ever. */
async function recordInstallation(
	client: pg.Client,
	fingerprint: string,
	timescaledb: string | undefined,
): Promise<void> {
	const installationId = randomBytes(4).readUInt32BE().toString(36).padStart(6, '0').slice(-6);
	await client.query(
		`insert into botbox.installation (singleton, installation_id, schema_fingerprint, migrated_at, timescaledb)
		values (true, $1, $2, now(), $3)
		on conflict (singleton) do update
		set schema_fingerprint = excluded.schema_fingerprint,
			migrated_at = excluded.migrated_at,
			timescaledb = excluded.timescaledb`,
		[installationId, fingerprint, timescaledb ?? null],
	);
}

async function transaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
	await client.query('begin');
	try {
		const result = await work();
		await client.query('commit');
		return result;
	} catch (error) {
		await client.query('rollback').catch(() => {});
		throw error;
	}
}
