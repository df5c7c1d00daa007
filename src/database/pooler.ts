/**
 * What lies between botbox and the server. A pooler in transaction mode, such as PgBouncer, gives each transaction whichever
 * connection is free: what belongs to a session (LISTEN, session locks, settings of the start) gets lost there, mostly without
 * any error. So it is looked for, and what a session needs goes to `DATABASE_DIRECT_URL`.
 */
import pg from 'pg';
import { BotboxError } from '../errors.ts';
import type { Queryable } from './functions/define.ts';
import { listen } from './listener.ts';

/** `transaction` also where each statement gets a connection of its own. */
export type Pooling = 'none' | 'session' | 'transaction';

const patienceMs = 10_000;

/** Two connections are opened and closed; throws what connecting throws. */
export async function findPooling(url: string): Promise<Pooling> {
	const [first, second] = [connection(url), connection(url)];
	try {
		await first.connect();
		const backend = await backendOf(first);
		// A pooler answers the login by itself, with a number of its own.
		if ((first as pg.Client & { processID?: number | null }).processID === backend) return 'none';
		await second.connect();
		await second.query('begin');
		// It hands out what was used last. Should somebody else have got that meanwhile, the first gets another one now.
		if ((await backendOf(second)) === backend) return 'transaction';
		return (await backendOf(first)) === backend ? 'session' : 'transaction';
	} finally {
		await Promise.all([first.end(), second.end()].map((ended) => ended.catch(() => undefined)));
	}
}

function connection(url: string): pg.Client {
	const client = new pg.Client({
		connectionString: url,
		application_name: 'botbox start',
		connectionTimeoutMillis: patienceMs,
		query_timeout: patienceMs,
	});
	client.on('error', () => undefined);
	return client;
}

async function backendOf(client: pg.Client): Promise<number> {
	const { rows } = await client.query<{ backend: number }>('select pg_backend_pid() as backend');
	return rows[0]?.backend ?? 0;
}

/** Whether what is notified through `db` arrives at a connection of `directUrl`; false after `withinMs`. */
export async function hearsNotifications(db: Queryable, directUrl: string, withinMs = 5_000): Promise<boolean> {
	const heard = Promise.withResolvers<boolean>();
	const channel = `botbox_probe_${process.pid}_${Date.now()}`;
	const listener = await listen({
		url: directUrl,
		applicationName: 'botbox start',
		channels: [channel],
		onNotification: () => heard.resolve(true),
	});
	const timer = setTimeout(() => heard.resolve(false), withinMs);
	try {
		await db.query('select pg_notify($1, $2)', [channel, '']);
		return await heard.promise;
	} finally {
		clearTimeout(timer);
		await listener.close();
	}
}

/** What connections of workers and the API need, and what those of `db` have. */
export interface Settings {
	readonly database: string;
	readonly user: string;
	readonly searchPath: string;
	readonly timeZone: string;
	readonly statementTimeout: string;
	/** Whether this user may change the schema, which botbox_app may not. */
	readonly mayChangeSchema: boolean;
}

export async function readSettings(db: Queryable): Promise<Settings> {
	const { rows } = await db.query<Settings>(
		`select current_database()::text as database, current_user::text as "user", current_setting('search_path') as "searchPath",
		        current_setting('timezone') as "timeZone", current_setting('statement_timeout') as "statementTimeout",
		        coalesce((select has_schema_privilege(oid, 'create') from pg_namespace where nspname = 'botbox'), false) as "mayChangeSchema"`,
	);
	const [settings] = rows;
	if (settings === undefined) throw new BotboxError('DATABASE_UNAVAILABLE', 'the database gave no answer');
	return settings;
}

/** Without these botbox does wrong or does not end: names are not found, days begin at other hours, nothing bounds a statement. */
export function missingSettings({ searchPath, timeZone, statementTimeout }: Settings): string[] {
	const missing: string[] = [];
	if (searchPath.split(',')[0]?.trim().replaceAll('"', '') !== 'botbox')
		missing.push(`search_path is ${searchPath || 'empty'} instead of botbox`);
	if (!['UTC', 'Etc/UTC', 'GMT'].includes(timeZone)) missing.push(`timezone is ${timeZone} instead of UTC`);
	if (statementTimeout === '0') missing.push('statement_timeout is 0 instead of 30s');
	return missing;
}

/** The statements that give a pooler's user its settings; connections made before do not have them. */
export function settingStatements({ user, database }: Settings): string {
	const role = `alter role ${pg.escapeIdentifier(user)} in database ${pg.escapeIdentifier(database)} set`;
	return `${role} search_path = botbox; ${role} timezone = 'UTC'; ${role} statement_timeout = '30s'; then RECONNECT in the pooler's console`;
}

/** Throws CONFIGURATION_INVALID, with the statements that mend it, where a connection lacks what it should have been given at its start. */
export async function requireSettings(db: Queryable): Promise<void> {
	const settings = await readSettings(db);
	const missing = missingSettings(settings);
	if (missing.length === 0) return;
	throw new BotboxError(
		'CONFIGURATION_INVALID',
		`connections of DATABASE_URL lack settings (${missing.join(', ')}), as behind a pooler: ${settingStatements(settings)}; see docs/operations.md, "Behind PgBouncer"`,
	);
}

/** The words of a pooler that takes no start-up settings, or undefined. */
export function refusedSettings(error: unknown): string | undefined {
	const message = error instanceof Error ? error.message : '';
	return /unsupported startup parameter/.test(message) ? message : undefined;
}
