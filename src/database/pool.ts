/**
 * The connection pool that every process uses, and the wait for a database that went away.
 *
 * Values keep their meaning on the way: numeric stays a string (money is never a float), bigint becomes a number
 * and is refused when it does not fit one exactly, timestamptz becomes a Date, date stays text. Settings travel as
 * start-up options of the connection, so no statement is spent on them and no connection can miss them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { BotboxError, errorMessage } from '../errors.ts';

export type Pool = pg.Pool;

export interface PoolOptions {
	readonly url: string;
	readonly max?: number;
	/** Shown in pg_stat_activity: which process holds a connection. */
	readonly applicationName: string;
	/** A statement that runs longer is cancelled by the server. None by default. */
	readonly statementTimeoutMs?: number;
	/** Role to work as, such as botbox_app; the user of the URL must be a member of it. */
	readonly role?: string;
	/** Through a pooler in transaction mode, which takes no settings: its user has them (see pooler.ts). */
	readonly isPooled?: boolean;
}

const connectTimeoutMs = 10_000;
const idleTimeoutMs = 30_000;

export function createPool(options: PoolOptions): pg.Pool {
	const settings: Record<string, string> = { search_path: 'botbox', timezone: 'UTC' };
	if (options.statementTimeoutMs !== undefined) settings.statement_timeout = String(options.statementTimeoutMs);
	if (options.role !== undefined) settings.role = options.role;

	const pool = new pg.Pool({
		connectionString: options.isPooled ? parseUrl(options.url).href : withStartupSettings(options.url, settings),
		max: options.max ?? 10,
		application_name: options.applicationName,
		connectionTimeoutMillis: connectTimeoutMs,
		idleTimeoutMillis: idleTimeoutMs,
		keepAlive: true,
		types: typeParsers,
	});
	// An 'error' event without a listener ends the process. The pool discards the dead connection by itself and the
	// next query opens a new one, so there is nothing to do; waitForDatabase() does the telling. The second listener
	// serves connections that die while checked out between two queries, which the pool does not watch.
	pool.on('error', ignore);
	pool.on('connect', (client) => client.on('error', ignore));
	return pool;
}

function ignore(): void {}

/** Adds `-c name=value` options to the URL, after those it has, so that ours win. */
export function withStartupSettings(url: string, settings: Readonly<Record<string, string>>): string {
	const parsed = parseUrl(url);
	const ours = Object.entries(settings).map(([name, value]) => `-c ${name}=${value.replace(/([\\ ])/g, '\\$1')}`);
	const present = parsed.searchParams.get('options');
	parsed.searchParams.set('options', [...(present ? [present] : []), ...ours].join(' '));
	// Spaces as %20: not every reader of such a URL takes '+' for a space.
	parsed.search = parsed.search.replaceAll('+', '%20');
	return parsed.href;
}

/** The URL of a PostgreSQL server, or a BotboxError that does not repeat it, since it may hold a password. */
export function parseUrl(url: string): URL {
	const parsed = URL.canParse(url) ? new URL(url) : undefined;
	if (parsed === undefined || !['postgres:', 'postgresql:'].includes(parsed.protocol)) {
		throw new BotboxError(
			'CONFIGURATION_INVALID',
			'DATABASE_URL must look like postgres://user:password@host:5432/name',
		);
	}
	return parsed;
}

const oid = { int8: 20, date: 1082, float8Array: 1022, int8Array: 1016, textArray: 1009 } as const;

function parseBigint(text: string): number {
	const value = Number(text);
	if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit a number exactly`);
	return value;
}

const typeParsers: pg.CustomTypesConfig = {
	getTypeParser(id: number, format?: 'text' | 'binary') {
		if (format !== 'binary') {
			if (id === oid.int8) return parseBigint;
			if (id === oid.date) return (text: string) => text;
			if (id === oid.int8Array) return parseBigintArray;
			if (id === oid.float8Array) return parseFloatArray;
		}
		return pg.types.getTypeParser(id, format);
	},
};

// The declared parameter lists scalar types only; text[] is known to pg all the same.
const parserOf = pg.types.getTypeParser as (id: number, format: 'text') => (text: string) => unknown;
const parseTextArray = parserOf(oid.textArray, 'text') as (text: string) => readonly (string | null)[];

function parseBigintArray(text: string): readonly (number | null)[] {
	return parseTextArray(text).map((item) => (item === null ? null : parseBigint(item)));
}

/**
 * Candle windows arrive as float arrays, a million numbers a cycle at 200 instruments: read as JSON, which is some ten times as
 * fast as pg's own reader. Anything but plain numbers of one dimension is left to that.
 */
function parseFloatArray(text: string): unknown {
	if (!/^\{[-+.e\d,]*\}$/.test(text)) return parserOf(oid.float8Array, 'text')(text);
	return JSON.parse(`[${text.slice(1, -1)}]`);
}

/** One wait per pool, however many callers noticed: the loss and the return are each told once. */
const waits = new WeakMap<pg.Pool, Promise<void>>();

/**
 * Resolves as soon as the database answers again. Says once that it was lost and once that it is back; says nothing
 * when it answers at the first try. Rejects with the signal's reason when aborted.
 */
export async function waitForDatabase(
	pool: pg.Pool,
	options: { signal: AbortSignal; log: (line: string) => void },
): Promise<void> {
	for (;;) {
		options.signal.throwIfAborted();
		const present = waits.get(pool);
		if (present === undefined) {
			const wait = waitUntilAnswering(pool, options).finally(() => waits.delete(pool));
			waits.set(pool, wait);
			return await wait;
		}
		// Another caller's wait may end because that caller was aborted; then this one takes over.
		if (await settled(present, options.signal)) return;
	}
}

/** Whether `wait` was fulfilled; returns early, with false, when the signal aborts. */
async function settled(wait: Promise<void>, signal: AbortSignal): Promise<boolean> {
	const aborted = Promise.withResolvers<boolean>();
	const stop = () => aborted.resolve(false);
	signal.addEventListener('abort', stop, { once: true });
	try {
		return await Promise.race([wait.then(() => true).catch(() => false), aborted.promise]);
	} finally {
		signal.removeEventListener('abort', stop);
	}
}

async function waitUntilAnswering(
	pool: pg.Pool,
	{ signal, log }: { signal: AbortSignal; log: (line: string) => void },
): Promise<void> {
	let lostAt: number | undefined;
	for (let delayMs = 100; ; delayMs = Math.min(delayMs * 2, 2_000)) {
		signal.throwIfAborted();
		try {
			await pool.query('select 1');
			if (lostAt !== undefined) log(`database is back after ${Math.round((Date.now() - lostAt) / 1_000)} s`);
			return;
		} catch (error) {
			if (lostAt === undefined) {
				lostAt = Date.now();
				log(`database lost, waiting for it: ${errorMessage(error)}`);
			}
		}
		await sleep(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
	}
}
