/** Whatever is asked wrongly is answered by a problem document with a registered code, and never by a stack trace. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import { errorRegistry } from '../../src/errors.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeBot, makeWorld } from '../support/factories/world.ts';

let database: TestDatabase;
let api: TestApi;
let token: string;
beforeAll(async () => {
	database = await createTestDatabase();
	({ token } = await makeToken(database.pool, 'admin'));
	api = await makeApi(database.pool);
});
afterAll(async () => {
	await api.app.close();
	await database.drop();
});

const json = { 'content-type': 'application/json' };
test.each<
	[string, 'GET' | 'POST' | 'PUT', string, { body?: unknown; headers?: Record<string, string> }, number, string]
>([
	['malformed JSON', 'POST', 'bots', { body: '{"name":', headers: json }, 400, 'VALIDATION_FAILED'],
	['an empty body said to be JSON', 'POST', 'bots', { headers: json }, 400, 'VALIDATION_FAILED'],
	['no body', 'POST', 'bots', {}, 400, 'VALIDATION_FAILED'],
	['JSON that is no object', 'POST', 'bots', { body: '[1,2]', headers: json }, 400, 'VALIDATION_FAILED'],
	['a poisoned prototype', 'POST', 'bots', { body: '{"__proto__":{"a":1}}', headers: json }, 400, 'VALIDATION_FAILED'],
	['a form', 'POST', 'bots', { body: 'a=1', headers: { 'content-type': 'text/xml' } }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
	['a huge body', 'POST', 'bots', { body: { name: 'x'.repeat(10_000_000) } }, 413, 'BODY_TOO_LARGE'],
	['an unknown path', 'GET', 'nothing', {}, 404, 'NOT_FOUND'],
	['an unknown method', 'PUT', 'bots', {}, 404, 'NOT_FOUND'],
	['an id that is a word', 'GET', 'bots/first', {}, 400, 'VALIDATION_FAILED'],
	['an id below one', 'GET', 'bots/0', {}, 400, 'VALIDATION_FAILED'],
	['an id beyond all', 'GET', 'bots/99999999999999999999', {}, 400, 'VALIDATION_FAILED'],
	['an id that is a sum', 'GET', 'bots/1%20or%201=1', {}, 400, 'VALIDATION_FAILED'],
	['an unknown query', 'GET', 'bots?colour=red', {}, 400, 'VALIDATION_FAILED'],
	['a limit too large', 'GET', 'bots?limit=501', {}, 400, 'VALIDATION_FAILED'],
	['a limit twice', 'GET', 'bots?limit=1&limit=2', {}, 400, 'VALIDATION_FAILED'],
	['a status that is none', 'GET', 'trades?status=DONE', {}, 400, 'VALIDATION_FAILED'],
	['a flag that is none', 'GET', 'alerts?is_open=maybe', {}, 400, 'VALIDATION_FAILED'],
	['an uuid that is none', 'GET', 'orders?trade_id=1', {}, 400, 'VALIDATION_FAILED'],
	['a cursor of nothing', 'GET', 'bots?after=zzz', {}, 400, 'VALIDATION_FAILED'],
	['candles of nothing', 'GET', 'candles', {}, 400, 'VALIDATION_FAILED'],
	['a NUL in a search', 'GET', 'bots?q=%00', {}, 400, 'VALIDATION_FAILED'],
	['a path that does not decode', 'GET', '%zz', {}, 400, 'VALIDATION_FAILED'],
	['a path beside the API', 'GET', '../../etc/passwd', {}, 404, 'NOT_FOUND'],
])('%s', async (_, method, path, options, status, code) => {
	const answer = await api.call(method, `/api/v1/${path}`, { token, ...options });
	expect(answer.statusCode, answer.body).toBe(status);
	expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
	const problem = answer.json();
	expect(problem).toMatchObject({ type: `urn:botbox:error:${code}`, code, status });
	expect(problem.title).toBe(errorRegistry[code as keyof typeof errorRegistry].title);
	expect(problem.detail.length).toBeLessThan(1_000);
	expect(answer.body).not.toMatch(/node_modules|\.ts:|at async/);
});

test('names every wrong field', async () => {
	const { errors } = (await api.call('GET', '/api/v1/candles?timeframe=2m&limit=0&colour=red')).json();
	expect(errors.map(({ field }: { field: string }) => field).sort()).toEqual([
		'colour',
		'instrument_id',
		'limit',
		'timeframe',
	]);
});

test('asks for patience after too many requests', async () => {
	const few = await makeApi(database.pool, { requestsPerMinute: 2 });
	try {
		await few.call('GET', '/api/v1/bots');
		await few.call('GET', '/api/v1/bots');
		const answer = await few.call('GET', '/api/v1/bots');
		expect(answer.json()).toMatchObject({ code: 'RATE_LIMITED', status: 429 });
		expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
		expect((await few.call('GET', '/healthz')).statusCode).toBe(200);
	} finally {
		await few.app.close();
	}
});

test('without its database it says so, and neither hangs nor falls', async () => {
	// A port that nobody listens on.
	const pool = createPool({ url: 'postgres://nobody@127.0.0.1:1/none', applicationName: 'test' });
	const lost = await makeApi(pool);
	try {
		const answer = await lost.call('GET', '/api/v1/overview');
		expect(answer.json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE', status: 503 });
		expect(answer.headers['retry-after']).toBe('2');
		expect(answer.body).not.toContain('127.0.0.1');
		expect((await lost.call('GET', '/api/v1/bots', { token })).statusCode).toBe(503);
		expect((await lost.call('GET', '/healthz')).statusCode).toBe(200);
		const ready = await lost.call('GET', '/readyz');
		expect(ready.statusCode).toBe(503);
		expect(ready.json()).toMatchObject({ status: 'not_ready', database: { ok: false } });
	} finally {
		await lost.app.close();
		await pool.end();
	}
});

test('an error that nobody expected is logged, not shown', async () => {
	const broken = await makeApi(database.pool, {
		jobs: {
			requestChannelTest: async () => undefined,
			requestCheck: async () => {
				throw new Error('password=hunter2');
			},
		},
	});
	try {
		const bot = await makeBot(database.pool, await makeWorld(database.pool));
		const answer = await broken.call('POST', `/api/v1/bots/${bot.id}/check`, { token });
		expect(answer.json()).toMatchObject({ code: 'INTERNAL', status: 500, request_id: expect.any(String) });
		expect(answer.body).not.toContain('hunter2');
	} finally {
		await broken.app.close();
	}
});
