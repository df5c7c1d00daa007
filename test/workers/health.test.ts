/** What a worker answers to those who watch it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordHeartbeat } from '../../src/database/functions/guards.ts';
import { checksTotal, observePool } from '../../src/metrics.ts';
import { type HealthServer, serveHealth } from '../../src/workers/health.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let health: HealthServer;
beforeAll(async () => {
	database = await createTestDatabase();
	health = await serveHealth({ host: '127.0.0.1', port: 0, pool: database.pool, workerId: 'w' });
});
afterAll(async () => {
	await health.close();
	await database.drop();
});

const ask = async (path: string, method = 'GET') =>
	await fetch(`http://127.0.0.1:${health.port}${path}`, { method, headers: { connection: 'close' } });

test('metrics: what it counted, its pool and its event loop, as text for Prometheus', async () => {
	checksTotal.inc({ kind: 'SCHEDULED', outcome: 'NO_SIGNAL' }, 3);
	const forget = observePool(database.pool, 'main');
	const answer = await ask('/metrics');
	forget();
	expect(answer.status).toBe(200);
	expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
	const text = await answer.text();
	expect(text).toContain('botbox_checks_total{kind="SCHEDULED",outcome="NO_SIGNAL"} 3');
	expect(text).toMatch(/^botbox_pool_connections\{pool="main",state="waiting"\} 0$/m);
	expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
	expect(text).toMatch(/^process_cpu_seconds_total /m);
	expect(await (await ask('/metrics')).text()).not.toContain('botbox_pool_connections{');
});

test('alive always, ready with a heartbeat, nothing else', async () => {
	expect((await ask('/healthz')).status).toBe(200);
	expect((await ask('/readyz')).status).toBe(503);
	await recordHeartbeat(database.pool, {
		...{ workerId: 'w', host: 'h', processId: 1, roles: ['check'], version: '1', startedAt: new Date() },
	});
	expect((await ask('/readyz')).status).toBe(200);
	expect((await ask('/other')).status).toBe(404);
	expect((await ask('/metrics', 'POST')).status).toBe(405);
});
