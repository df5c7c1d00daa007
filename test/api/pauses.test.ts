import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeBot, makeWorld, type World } from '../support/factories/world.ts';

let database: TestDatabase;
let api: TestApi;
let world: World;
let token: string;
beforeAll(async () => {
	database = await createTestDatabase();
	world = await makeWorld(database.pool);
	({ token } = await makeToken(database.pool, 'operator'));
	api = await makeApi(database.pool);
});
afterAll(async () => {
	await api.app.close();
	await database.drop();
});

const pause = (body: unknown) => api.call('POST', '/api/v1/pauses', { token, body });
const lift = (id: number) => api.call('DELETE', `/api/v1/pauses/${id}`, { token });

test('a pause of each scope is made, shown on the bots it stops, and lifted', async () => {
	const bot = await makeBot(database.pool, world);
	const isPaused = async () => (await api.call('GET', `/api/v1/bots/${bot.id}`)).json().entries_paused;
	for (const subject of [
		{ scope: 'ALL' },
		{ scope: 'EXCHANGE', exchange_id: 'sim' },
		{ scope: 'ACCOUNT', account_id: world.accountId },
		{ scope: 'BOT', bot_id: bot.id },
	]) {
		const made = await pause({ ...subject, reason: 'maintenance', for_minutes: 30, cancel_queued: true });
		expect(made.statusCode).toBe(201);
		const row = made.json();
		expect(row).toMatchObject({ ...subject, reason: 'maintenance', is_in_force: true, lifted_at: null });
		expect(Date.parse(row.lifts_at) - Date.parse(row.created_at)).toBe(30 * 60_000);
		expect(await isPaused()).toBe(true);
		const inForce = await api.call('GET', '/api/v1/pauses?is_in_force=true');
		expect(inForce.json().items).toEqual([row]);

		const lifted = await lift(row.pause_id);
		expect(lifted.json()).toMatchObject({
			pause_id: row.pause_id,
			is_in_force: false,
			lifted_by: 'token:test operator',
		});
		expect(await isPaused()).toBe(false);
		expect((await lift(row.pause_id)).json()).toMatchObject({ code: 'TRANSITION_REFUSED', status: 409 });
	}
});

test.each([
	[{}, 400, 'VALIDATION_FAILED'],
	[{ scope: 'WORLD', reason: 'x' }, 400, 'VALIDATION_FAILED'],
	[{ scope: 'ALL' }, 400, 'VALIDATION_FAILED'],
	[{ scope: 'ALL', reason: 'x', bot_id: 1 }, 400, 'VALIDATION_FAILED'],
	[{ scope: 'BOT', reason: 'x' }, 400, 'VALIDATION_FAILED'],
	[{ scope: 'ALL', reason: 'x', for_minutes: 0 }, 400, 'VALIDATION_FAILED'],
	[{ scope: 'ALL', reason: 'x', for_minutes: 1.5 }, 400, 'VALIDATION_FAILED'],
	[{ scope: 'BOT', reason: 'x', bot_id: 999_999 }, 404, 'BOT_NOT_FOUND'],
	[{ scope: 'ACCOUNT', reason: 'x', account_id: 999_999 }, 404, 'ACCOUNT_NOT_FOUND'],
	[{ scope: 'EXCHANGE', reason: 'x', exchange_id: 'nyse' }, 404, 'NOT_FOUND'],
])('%j is refused with %i %s', async (body, status, code) => {
	const answer = await pause(body);
	expect(answer.statusCode).toBe(status);
	expect(answer.json()).toMatchObject({ code });
});

test('there is nothing to lift where there is no pause', async () => {
	expect((await lift(999_999)).json()).toMatchObject({ code: 'NOT_FOUND', status: 404 });
});
