/** Pools of all processes together are held against what the server has, before it refuses somebody. */
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi } from '../../src/api/server.ts';
import { readConfig } from '../../src/config.ts';
import { connectionsNeeded, findShortage, readBudget } from '../../src/database/connection-budget.ts';
import { recordHeartbeat } from '../../src/database/functions/guards.ts';
import { databaseFacts } from '../../src/database/installation.ts';
import { startWorker } from '../../src/workers/main.ts';
import { readDocument, tableOf } from '../docs/markdown.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const options = { isPooled: false, hasReadPool: false };

/** As if so many workers ran, while `work` does. */
async function withWorkers<T>(count: number, work: () => Promise<T>): Promise<T> {
	const worker = { host: 'h', processId: 1, roles: ['check'], version: '0', startedAt: new Date() };
	const ids = Array.from({ length: count }, (_, index) => `counted ${index}`);
	for (const workerId of ids) await recordHeartbeat(database.pool, { ...worker, workerId });
	try {
		return await work();
	} finally {
		await database.pool.query('delete from botbox.workers');
	}
}

test('the table of the guide is what the code counts', () => {
	const columns = ['workers', 'APIs', 'needed', '`max_connections`, 3 of them reserved'] as const;
	const rows = tableOf(readDocument('docs/operations.md'), ...columns).map((row) => row.map(Number));
	expect(rows.length).toBeGreaterThan(4);
	for (const [workers = 0, apis = 0, needed = 0, setting] of rows) {
		expect(connectionsNeeded({ workers, apis, pooled: null, hasReadPool: false }), `${workers} workers`).toBe(needed);
		expect(setting).toBe(needed + 3);
	}
	// The API's second pool, and a pooler whose own connections are all that pools cost.
	expect(connectionsNeeded({ workers: 0, apis: 2, pooled: null, hasReadPool: true })).toBe(52);
	expect(connectionsNeeded({ workers: 30, apis: 2, pooled: 20, hasReadPool: true })).toBe(62);
});

test('running workers and the one that starts are counted', async () => {
	const { workers, needed, offered } = await withWorkers(3, () => readBudget(database.pool, options));
	const facts = await databaseFacts(database.pool);
	expect(workers).toBe(3);
	expect(offered).toBe(facts.maxConnections - facts.reservedConnections);
	const started = await withWorkers(3, () => readBudget(database.pool, { ...options, starting: 'worker' }));
	expect(started.workers).toBe(4);
	expect(started.needed - needed).toBe(11);
	expect(started.enough).toBeGreaterThanOrEqual(started.needed + facts.reservedConnections);
});

test('with a pooler a worker costs the one connection that listens', async () => {
	const pooled = { ...options, isPooled: true };
	const before = await withWorkers(100, () => readBudget(database.pool, pooled));
	// Connections of other tests come and go meanwhile; they are a pooler's here.
	expect(before.needed).toBeLessThan(100 * 11);
	expect(before.needed).toBeGreaterThanOrEqual(100 + before.apis + 10);
});

test('a worker or an API that is one too many says so when it starts, and starts', { timeout: 120_000 }, async () => {
	const most = (await readBudget(database.pool, options)).offered;
	const logged: string[] = [];
	const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push(line) });
	const process = { databaseUrl: database.url, log, version: '0.0.0-test' };
	const config = Object.freeze({ ...readConfig({}), port: 0 });
	await withWorkers(1, async () => expect(await findShortage(database.pool, options)).toBeUndefined());
	await withWorkers(Math.ceil(most / 11), async () => {
		const api = await startApi({ ...process, config, pageDir: null });
		await api.close();
		const worker = await startWorker({ ...process, config, masterKey: '', roles: ['monitor'] });
		await worker.stop();
	});
	const told = logged
		.map((line) => JSON.parse(line))
		.filter(({ msg }) => msg === 'the server may run out of connections');
	expect(told).toHaveLength(2);
	for (const { connections } of told)
		expect(connections).toMatch(/^\d+ workers and \d+ API may need \d+ connections .* max_connections to \d+ or more/);
});
