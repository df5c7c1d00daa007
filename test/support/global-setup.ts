/**
 * One PostgreSQL server and one migrated template database for the whole test run.
 *
 * The server is, in this order: the one that DATABASE_URL names; with BOTBOX_TEST_DOCKER=1 a TimescaleDB container
 * started through @databases/pg-test (for machines with a Docker engine; written from its documentation, not tried in
 * our CI, which has none); else an embedded one in a temporary directory.
 */
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../src/database/embedded/server.ts';
import { prepareTemplate } from './template.ts';
import { keepServerFolder, makeServerFolder, removeLeftovers, stopAtExit } from './temporary-server.ts';

declare module 'vitest' {
	interface ProvidedContext {
		/** A database of the test server that databases can be created from; its user may create them. */
		adminUrl: string;
		/** The migrated database to clone. */
		templateName: string;
	}
}

interface TestServer {
	readonly url: string;
	/** `kept`: names of databases that failed tests left behind. */
	close(kept: readonly string[]): Promise<void>;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
	// Workers are processes of their own; what they make in temporary folders is this run's.
	process.env.BOTBOX_TEST_RUN_PID = String(process.pid);
	const server = await startServer();
	try {
		project.provide('adminUrl', server.url);
		project.provide('templateName', await prepareTemplate(server.url));
	} catch (error) {
		await server.close([]);
		throw error;
	}
	const before = new Set(await testDatabases(server.url));
	return async () => {
		const kept = (await testDatabases(server.url)).filter((name) => !before.has(name));
		await server.close(kept);
	};
}

async function startServer(): Promise<TestServer> {
	const url = process.env.DATABASE_URL;
	if (url) return { url, close: async () => {} };
	if (process.env.BOTBOX_TEST_DOCKER === '1') return await startContainer();
	return await startTemporary();
}

async function startTemporary(): Promise<TestServer> {
	await removeLeftovers();
	const base = await makeServerFolder();
	const dataDir = join(base, 'data');
	const server = await startEmbedded({
		dataDir,
		// The data is thrown away: only a crash of the machine would show the difference.
		settings: { fsync: 'off', full_page_writes: 'off', log_min_duration_statement: '-1' },
	});
	const forget = stopAtExit(server, base);
	return {
		url: server.url,
		close: async (kept) => {
			forget();
			await server.stop();
			if (kept.length === 0) return await rm(base, { recursive: true, force: true, maxRetries: 5 });
			await keepServerFolder(base, kept.join('\n'));
			console.log(
				`\nkept for you: ${kept.join(', ')}\n  start their server: BOTBOX_DATA_DIR=${dataDir} npx botbox db url\n`,
			);
		},
	};
}

interface PgTest {
	default(options: { image: string }): Promise<{ databaseURL: string; kill(): Promise<void> }>;
}

async function startContainer(): Promise<TestServer> {
	// A CommonJS module with a default export, which import and bundlers wrap differently.
	const library = createRequire(import.meta.url)('@databases/pg-test') as PgTest;
	const { databaseURL, kill } = await library.default({ image: 'timescale/timescaledb:latest-pg17' });
	return { url: databaseURL, close: async () => kill() };
}

async function testDatabases(url: string): Promise<string[]> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		const { rows } = await client.query<{ datname: string }>(
			`select datname from pg_database where datname like 'botbox\\_test\\_%' order by datname`,
		);
		return rows.map((row) => row.datname);
	} finally {
		await client.end();
	}
}
