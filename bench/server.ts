/** The database that benchmarks run on: an embedded server with the shipped settings in a temporary folder, gone afterwards. */
import { rm } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../src/database/embedded/server.ts';
import { migrate } from '../src/database/migrate/migrate.ts';
import { makeServerFolder, stopAtExit } from '../test/support/temporary-server.ts';

export interface BenchServer {
	/** Cores, memory and PostgreSQL's version. */
	readonly machine: string;
	/** A new migrated database; its address. */
	createDatabase(name: string): Promise<string>;
	close(): Promise<void>;
}

export async function startBenchServer(): Promise<BenchServer> {
	const base = await makeServerFolder();
	const server = await startEmbedded({ dataDir: join(base, 'data') });
	// Ctrl-C and crashes included, nothing stays behind.
	const forget = stopAtExit(server, base);
	const version = await administer(server.url, 'show server_version');
	return {
		machine: `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, PostgreSQL ${version}, Node ${process.versions.node}`,
		createDatabase: async (name) => {
			await administer(server.url, `create database ${pg.escapeIdentifier(name)}`);
			const url = new URL(server.url);
			url.pathname = `/${name}`;
			await migrate({ url: url.href });
			return url.href;
		},
		close: async () => {
			forget();
			await server.stop();
			await rm(base, { recursive: true, force: true });
		},
	};
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
