import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openPosition } from '../support/factories/trading.ts';
import { makeBot, makeWorld } from '../support/factories/world.ts';

let database: TestDatabase;
let api: TestApi;
let token: string;
beforeAll(async () => {
	database = await createTestDatabase();
	({ token } = await makeToken(database.pool, 'operator'));
	api = await makeApi(database.pool);
});
afterAll(async () => {
	await api.app.close();
	await database.drop();
});
const flatten = (body: unknown) => api.call('POST', '/api/v1/flatten', { token, body });

test('a bot is flattened, under the name of the token', async () => {
	const world = await makeWorld(database.pool);
	const bot = await makeBot(database.pool, world);
	const { id } = await openPosition(database.pool, bot);
	const body = { scope: 'BOT', bot_id: bot.id, reason: 'too hot' };
	const answer = await flatten(body);
	expect(answer.statusCode).toBe(202);
	const item = { kind: 'POSITION', bot_id: bot.id, position_id: id };
	expect(answer.json().items).toMatchObject([{ ...item, outcome: 'QUEUED', reason_code: 'ACCEPTED' }]);
	expect((await flatten(body)).json().items).toMatchObject([{ ...item, outcome: 'CLOSING', reason_code: null }]);
	const { rows } = await database.pool.query(
		`select actor, after ->> 'reason' as reason from botbox.audit_log where action = 'flatten' and subject = $1`,
		[`bot ${bot.id}`],
	);
	expect(rows).toEqual([
		{ actor: 'token:test operator', reason: 'too hot' },
		{ actor: 'token:test operator', reason: 'too hot' },
	]);
});

test.each([
	[{}, 400, 'VALIDATION_FAILED'],
	[{ scope: 'ALL' }, 400, 'VALIDATION_FAILED'],
	[{ scope: 'ALL', reason: 'x', bot_id: 1 }, 400, 'VALIDATION_FAILED'],
	[{ scope: 'BOT', reason: 'x', bot_id: 4711 }, 404, 'BOT_NOT_FOUND'],
	[{ scope: 'ACCOUNT', reason: 'x', account_id: 4711 }, 404, 'ACCOUNT_NOT_FOUND'],
	[{ scope: 'EXCHANGE', reason: 'x', exchange_id: 'mtgox' }, 404, 'NOT_FOUND'],
] as const)('%j is refused', async (body, status, code) => {
	const answer = await flatten(body);
	expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
});
