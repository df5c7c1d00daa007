/** With DATABASE_READ_URL lists and figures come from there, from sessions that could change nothing, and changes still go to the first server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/database/pool.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeBot, makeWorld } from '../support/factories/world.ts';

let primary: TestDatabase;
/** Another database stands for the replica: what differs shows where an answer came from. */
let replica: TestDatabase;
let readPool: Pool;
let api: TestApi;
let token: string;
beforeAll(async () => {
	[primary, replica] = [await createTestDatabase(), await createTestDatabase()];
	const world = await makeWorld(replica.pool);
	await makeBot(replica.pool, world);
	await replica.pool.query(`update botbox.bots set name = 'only on the replica'`);
	const url = new URL(replica.url);
	url.searchParams.set('options', '-c default_transaction_read_only=on');
	readPool = createPool({ url: url.href, max: 4, applicationName: 'test replica' });
	({ token } = await makeToken(primary.pool, 'admin'));
	api = await makeApi(primary.pool, { readPool, requestsPerMinute: 100_000 });
});
afterAll(async () => {
	await api.app.close();
	await readPool.end();
	await primary.drop();
	await replica.drop();
});

test('the replica refuses to be written to, as a real one does', async () => {
	await expect(readPool.query(`update botbox.bots set name = 'changed'`)).rejects.toMatchObject({ code: '25006' });
});

test('bots and the overview are read from the replica', async () => {
	const list = (await api.call('GET', '/api/v1/bots')).json() as { items: { name: string }[] };
	expect(list.items.map(({ name }) => name)).toEqual(['only on the replica']);
	expect((await api.call('GET', '/api/v1/overview')).json()).toMatchObject({ bots: 1 });
});

test('every list answers from sessions that cannot write', async () => {
	const document = (await api.call('GET', '/openapi.json')).json() as {
		paths: Record<string, Record<string, { parameters?: { required?: boolean; in: string }[] }>>;
	};
	const lists = Object.entries(document.paths).filter(
		([path, { get }]) =>
			path.startsWith('/api/v1/') &&
			path !== '/api/v1/events' &&
			get !== undefined &&
			!(get.parameters ?? []).some(({ required }) => required),
	);
	expect(lists.length).toBeGreaterThan(20);
	for (const [path] of lists) expect([path, (await api.call('GET', path, { token })).statusCode]).toEqual([path, 200]);
});

test('a change is made on the first server, not on the replica', async () => {
	const answer = await api.call('POST', '/api/v1/pauses', { token, body: { scope: 'ALL', reason: 'replica test' } });
	expect(answer.statusCode).toBe(201);
	const pauses = async (pool: Pool) => (await pool.query('select reason from botbox.pauses')).rows;
	expect(await pauses(primary.pool)).toEqual([{ reason: 'replica test' }]);
	expect(await pauses(replica.pool)).toEqual([]);
});
