/** The server that benchmarks run on: an embedded one with the shipped settings in a temporary folder, gone afterwards, or one that is given. */
import { readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../src/database/embedded/server.ts';
import { migrate } from '../src/database/migrate/migrate.ts';
import { makeServerFolder, stopAtExit } from '../test/support/temporary-server.ts';
import { namespaceNetwork } from './namespaces.ts';

export interface BenchServer {
	/** Cores, memory and PostgreSQL's version. */
	readonly machine: string;
	/** A new migrated database; its address. Profiled, it counts the calls of every SQL function, which costs a little time. */
	createDatabase(name: string, options: { readonly isProfiled: boolean }): Promise<string>;
	/** Before the next benchmark, whose processor its vacuuming would take. */
	dropDatabase(name: string): Promise<void>;
	/** Processor time of all its processes, also of those that have ended; NaN where there is no /proc. */
	cpuMs(): number;
	close(): Promise<void>;
}

export interface BenchServerOptions {
	/** Whether it counts statements. */
	readonly isProfiled: boolean;
	/** Whether network namespaces of this machine reach it. */
	readonly isReachable: boolean;
}

export async function startBenchServer({ isProfiled, isReachable }: BenchServerOptions): Promise<BenchServer> {
	const base = await makeServerFolder();
	const settings = {
		...(isProfiled ? { shared_preload_libraries: 'pg_stat_statements' } : {}),
		...(isReachable ? { listen_addresses: '*', hba_file: await writeAccessRules(base) } : {}),
	};
	const server = await startEmbedded({ dataDir: join(base, 'data'), settings });
	// Ctrl-C and crashes included, nothing stays behind.
	const forget = stopAtExit(server, base);
	return {
		machine: `${describeMachine()}, PostgreSQL ${await administer(server.url, 'show server_version')} (embedded)`,
		createDatabase: (name, options) => createDatabase(server.url, name, options),
		dropDatabase: (name) => dropDatabase(server.url, name),
		cpuMs: () => cpuOf(server.pgdata),
		close: async () => {
			forget();
			await server.stop();
			await rm(base, { recursive: true, force: true });
		},
	};
}

async function writeAccessRules(base: string): Promise<string> {
	const file = join(base, 'pg_hba.conf');
	const rules = ['127.0.0.1/32', namespaceNetwork].map((network) => `host all all ${network} scram-sha-256\n`);
	await writeFile(file, rules.join(''), { mode: 0o644 });
	return file;
}

/** Somebody else's server, with settings of its own; the databases made on it are dropped in the end. Its user has to be a superuser. */
export async function openServer(url: string): Promise<BenchServer> {
	const version = await administer(url, 'show server_version');
	const licence = await administer(
		url,
		`select coalesce((select ', TimescaleDB ' || default_version from pg_available_extensions where name = 'timescaledb'), '')`,
	);
	const made: string[] = [];
	return {
		machine: `${describeMachine()}, PostgreSQL ${version}${licence}, at ${new URL(url).host}`,
		createDatabase: (name, options) => {
			made.push(name);
			return createDatabase(url, name, options);
		},
		dropDatabase: (name) => dropDatabase(url, name),
		cpuMs: () => Number.NaN,
		close: async () => {
			for (const name of made.splice(0)) await dropDatabase(url, name);
		},
	};
}

function describeMachine(): string {
	return `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
}

async function createDatabase(
	server: string,
	name: string,
	{ isProfiled }: { readonly isProfiled: boolean },
): Promise<string> {
	await administer(server, `create database ${pg.escapeIdentifier(name)}`);
	const url = new URL(server);
	url.pathname = `/${name}`;
	await migrate({ url: url.href });
	if (isProfiled) await countStatements(server, url.href, name);
	return url.href;
}

async function dropDatabase(server: string, name: string): Promise<void> {
	await administer(server, `drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
}

/** Functions and, where the server has loaded pg_stat_statements, every statement inside of them. */
async function countStatements(server: string, url: string, name: string): Promise<void> {
	await administer(server, `alter database ${pg.escapeIdentifier(name)} set track_functions = 'all'`);
	const preloaded = await administer(server, 'show shared_preload_libraries');
	if (!preloaded.includes('pg_stat_statements')) return;
	await administer(url, 'create extension if not exists pg_stat_statements with schema public');
	await administer(server, `alter database ${pg.escapeIdentifier(name)} set pg_stat_statements.track = 'all'`);
}

async function administer(url: string, sql: string): Promise<string> {
	const client = new pg.Client({ connectionString: url, application_name: 'botbox bench' });
	await client.connect();
	try {
		const { rows } = await client.query<Record<string, string>>(sql);
		return Object.values(rows[0] ?? {})[0] ?? '';
	} finally {
		await client.end();
	}
}

/** /proc counts in ticks of 10 ms, on every Linux that Node runs on. */
const tickMs = 10;

function cpuOf(pgdata: string): number {
	try {
		const postmaster = readFileSync(join(pgdata, 'postmaster.pid'), 'utf8').split('\n')[0] ?? '';
		let ticks = 0;
		for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
			// After the name in brackets: state, parent, …; user and system time are the 12th and 13th, those of ended children follow.
			const fields = statusOf(pid);
			if (fields === null || (pid !== postmaster && fields[1] !== postmaster)) continue;
			ticks += Number(fields[11]) + Number(fields[12]);
			if (pid === postmaster) ticks += Number(fields[13]) + Number(fields[14]);
		}
		return ticks * tickMs;
	} catch {
		return Number.NaN;
	}
}

function statusOf(pid: string): string[] | null {
	try {
		const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
		return text.slice(text.lastIndexOf(')') + 2).split(' ');
	} catch {
		// It ended between the list and this.
		return null;
	}
}
