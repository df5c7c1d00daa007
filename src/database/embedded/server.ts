/**
 * The embedded server: found running or started, in a data directory that remembers its place, port and password.
 *
 * Reads and writes BOTBOX_DATA_DIR/database.json, database-password and postgres/. Every step can be repeated: a
 * crash at any line leaves either nothing, a partial folder that the next start removes, or a server that the next
 * start finds. One process at a time works on a directory (withDataDirTurn); who may run `up` is lockDataDir's matter.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { BotboxError } from '../../errors.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { createCluster, startServer, stopServer, superuser } from './control.ts';
import { findLocation, type Location, readOrMakePassword, rememberPort } from './location.ts';
import { withDataDirTurn } from './lock.ts';
import { writeSettings } from './settings.ts';

export { type DataDirLock, lockDataDir } from './lock.ts';

export interface EmbeddedServer {
	/** Connects to the database `botbox` as its superuser; holds the password. */
	readonly url: string;
	readonly port: number;
	/** BOTBOX_DATA_DIR, links resolved. */
	readonly dataDir: string;
	/** PostgreSQL's own directory. */
	readonly pgdata: string;
	/** False when it was found running. */
	readonly started: boolean;
	/** Fast shutdown; resolves when the server has ended. Also for a server that was found running. */
	stop(): Promise<void>;
}

export interface EmbeddedOptions {
	/** BOTBOX_DATA_DIR; created when absent. */
	readonly dataDir: string;
	readonly log?: (line: string) => void;
	/** Wanted port; by default the one used last, or any that is free. */
	readonly port?: number;
	/** PostgreSQL settings that override the shipped ones; they do not touch a server that is found running. */
	readonly settings?: Readonly<Record<string, string>>;
}

const databaseName = 'botbox';
const turnTimeoutMs = 180_000;

export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
	return await withDataDirTurn(options.dataDir, turnTimeoutMs, () => findOrStart(options));
}

async function findOrStart(options: EmbeddedOptions): Promise<EmbeddedServer> {
	const log = options.log ?? (() => {});
	const location = await findLocation(options.dataDir, log);
	const binaries = await findBinaries(location.user);
	const password = await readOrMakePassword(location);
	const serve = (port: number, started: boolean): EmbeddedServer => ({
		url: urlOf(port, password, databaseName),
		port,
		dataDir: location.dataDir,
		pgdata: location.pgdata,
		started,
		stop: () => withDataDirTurn(location.dataDir, turnTimeoutMs, () => stopServer(binaries, location)),
	});

	const running = await findRunning(location, password);
	if (running !== undefined) {
		await ensureDatabase(running, password);
		return serve(running, false);
	}
	if (await createCluster(binaries, location, password)) log(`created a PostgreSQL database in ${location.pgdata}`);
	await refuseOtherMajor(location, binaries);
	const port = await startOnFreePort(binaries, location, options);
	await rememberPort(location, port);
	await ensureDatabase(port, password);
	return serve(port, true);
}

async function startOnFreePort(binaries: Binaries, location: Location, options: EmbeddedOptions): Promise<number> {
	let wanted = options.port ?? location.port;
	for (let attempt = 0; attempt < 5; attempt++) {
		// Asking first saves a failed start; the server's own bind decides.
		const port = wanted !== undefined && (await isFree(wanted)) ? wanted : await anyFreePort();
		await writeSettings(location.pgdata, port, options.settings ?? {});
		if ((await startServer(binaries, location)) === 'started') return port;
		wanted = undefined;
	}
	throw new BotboxError('PORT_IN_USE', 'no free port was found for the embedded database');
}

/** The port of the server that runs on this directory: postmaster.pid names it, a real connection proves it. */
async function findRunning(location: Location, password: string): Promise<number | undefined> {
	const pidFile = await readFile(join(location.pgdata, 'postmaster.pid'), 'utf8').catch(() => undefined);
	const port = Number(pidFile?.split('\n')[3]);
	if (!Number.isInteger(port) || port <= 0) return undefined;
	const deadline = Date.now() + turnTimeoutMs / 2;
	for (;;) {
		try {
			const [row] = await query<{ data_directory: string }>(port, password, 'postgres', 'show data_directory');
			return row?.data_directory === location.pgdata ? port : undefined;
		} catch (error) {
			// Starting up, shutting down or recovering: pg_ctl waits for that, so only a clear answer counts here.
			if (!isStartingUp(error) || Date.now() > deadline) return undefined;
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
	}
}

function isStartingUp(error: unknown): boolean {
	return error instanceof pg.DatabaseError && error.code === '57P03' && /starting up|recovery/.test(error.message);
}

/** Data of another major version cannot be opened; say so before PostgreSQL says it less clearly. */
async function refuseOtherMajor(location: Location, binaries: Binaries): Promise<void> {
	const found = (await readFile(join(location.pgdata, 'PG_VERSION'), 'utf8')).trim();
	const wanted = binaries.version.split('.')[0];
	if (found === wanted) return;
	throw new BotboxError(
		'DATABASE_UNAVAILABLE',
		`the database in ${location.pgdata} is of PostgreSQL ${found} and this botbox brings ${wanted}: ` +
			'dump it with the older version and restore it, or set BOTBOX_DATA_DIR to a new directory',
	);
}

async function ensureDatabase(port: number, password: string): Promise<void> {
	const found = await query(port, password, 'postgres', `select 1 from pg_database where datname = '${databaseName}'`);
	if (found.length > 0) return;
	await query(port, password, 'postgres', `create database ${databaseName}`);
}

async function query<Row>(port: number, password: string, database: string, sql: string): Promise<Row[]> {
	const client = new pg.Client({
		connectionString: urlOf(port, password, database),
		connectionTimeoutMillis: 5_000,
		application_name: 'botbox start',
	});
	client.on('error', () => {});
	try {
		await client.connect();
		return (await client.query<Row & pg.QueryResultRow>(sql)).rows;
	} finally {
		await client.end().catch(() => {});
	}
}

function urlOf(port: number, password: string, database: string): string {
	return `postgres://${superuser}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}

function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const probe = createServer().once('error', () => resolve(false));
		probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
	});
}

function anyFreePort(): Promise<number> {
	return new Promise((resolve, reject) => {
		const probe = createServer().once('error', reject);
		probe.listen(0, '127.0.0.1', () => {
			const address = probe.address();
			probe.close(() =>
				typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
			);
		});
	});
}
