/** Bots by HTTP: created, read, checked, paused, resumed, deleted; every wrong input answered in words, nothing stored. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createManualChecks } from '../../src/api/manual-checks.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeManualCheck } from '../support/factories/checks.ts';
import { makeLegs } from '../support/factories/pairs.ts';
import { makeBot, makeInstrument, makeWorld, type World } from '../support/factories/world.ts';

let database: TestDatabase;
let api: TestApi;
let world: World;
let token: string;
const manualChecks = createManualChecks();
let decision: 'NONE' | 'LONG' = 'NONE';
let workers: 'answer' | 'sleep' = 'answer';
beforeAll(async () => {
	database = await createTestDatabase();
	world = await makeWorld(database.pool);
	({ token } = await makeToken(database.pool, 'operator'));
	api = await makeApi(database.pool, {
		manualChecks,
		onCheck: async ({ botId, requestedAt, isDryRun }) => {
			if (workers === 'sleep') return;
			const at = new Date(requestedAt);
			await makeManualCheck(database.pool, botId, { at, decision, isDryRun });
			manualChecks.notify(`${botId} ${(at.getTime() / 1_000).toFixed(6)}`);
		},
	});
});
afterAll(async () => {
	await api.app.close();
	await database.drop();
});

const post = (url: string, body?: unknown) => api.call('POST', `/api/v1/${url}`, { token, body });
const get = (url: string) => api.call('GET', `/api/v1/${url}`);
let named = 0;
function newBot(fields: Record<string, unknown> = {}) {
	named += 1;
	return {
		name: `http ${named}`,
		strategy: 'trend_following',
		account_id: world.accountId,
		instrument_id: world.instrument.id,
		sizing: 'CAPITAL_FRACTION',
		sizing_value: 0.05,
		...fields,
	};
}

test('creates a bot with the defaults of its strategy, on its grid', async () => {
	const answer = await post('bots', newBot());
	expect(answer.statusCode).toBe(201);
	const bot = answer.json();
	expect(answer.headers.location).toBe(`/api/v1/bots/${bot.bot_id}`);
	expect(bot).toMatchObject({
		status: 'ACTIVE',
		strategy: 'trend_following',
		interval_minutes: 15,
		sizing: 'CAPITAL_FRACTION',
		sizing_value: '0.05',
		account_mode: 'PAPER',
		symbol: world.instrument.symbol,
		last_check_at: null,
	});
	expect(Date.parse(bot.next_check_at) % 900_000).toBe(0);
	expect((await get(`bots/${bot.bot_id}`)).json()).toEqual(bot);
	expect((await get(`bots?q=${encodeURIComponent(bot.name.toUpperCase())}&status=ACTIVE`)).json().items).toContainEqual(
		bot,
	);
});

test('a bot of two legs: spot and perpetual of one coin, anything else is refused by the field', async () => {
	const [spot, perpetual] = await makeLegs(database.pool, 'PAIRED');
	const pair = (fields: Record<string, unknown>) =>
		post('bots', newBot({ strategy: 'funding_arbitrage', instrument_id: spot.id, ...fields }));
	const made = await pair({ second_instrument_id: perpetual.id });
	expect(made.statusCode).toBe(201);
	expect(made.json()).toMatchObject({
		symbol: 'PAIRED/USDT',
		second_symbol: 'PAIRED/USDT:USDT',
		interval_minutes: 60,
		strategy: 'funding_arbitrage',
		unrealised_pnl: null,
	});
	const refusals: [Record<string, unknown>, RegExp][] = [
		[{}, /second_instrument_id: must be given/],
		[{ second_instrument_id: world.instrument.id }, /second_instrument_id: must be another market/],
		[{ instrument_id: perpetual.id, second_instrument_id: spot.id }, /second_instrument_id: must be another market/],
		[
			{ second_instrument_id: perpetual.id, strategy: 'trend_following' },
			/second_instrument_id: must be given .* only/,
		],
	];
	for (const [fields, message] of refusals) {
		const answer = await pair(fields);
		expect(answer.statusCode).toBe(400);
		expect(answer.json()).toMatchObject({ detail: expect.stringMatching(message) });
	}
	expect((await pair({ second_instrument_id: 999_999 })).json()).toMatchObject({ code: 'INSTRUMENT_NOT_FOUND' });
});

test('a bot whose interval adapts says its base, and every change is listed', async () => {
	expect((await post('bots', newBot())).json()).toMatchObject({ adaptive_base_minutes: null });
	const bot = (await post('bots', newBot({ is_adaptive: true, interval_minutes: 5 }))).json();
	expect(bot).toMatchObject({ adaptive_base_minutes: 5, interval_minutes: 5 });
	await database.pool.query(
		`insert into botbox.interval_changes (bot_id, changed_at, from_minutes, to_minutes, regime_volatility)
		 values ($1, '2026-03-02T12:00:01Z', 5, 1, 'HIGH')`,
		[bot.bot_id],
	);
	expect((await get(`bots/${bot.bot_id}/interval-changes`)).json()).toEqual({
		items: [
			{
				bot_id: bot.bot_id,
				bot: bot.name,
				changed_at: '2026-03-02T12:00:01.000Z',
				from_minutes: 5,
				to_minutes: 1,
				regime_volatility: 'HIGH',
			},
		],
		next: null,
	});
});

test('two bots with the same parameters share a version; another parameter makes another', async () => {
	const [first, second, third] = await Promise.all([
		post('bots', newBot({ parameters: { timeframe: '1m' } })),
		post('bots', newBot({ strategy: 'ST-003', parameters: { timeframe: '1m' }, interval_minutes: 1 })),
		post('bots', newBot({ parameters: { timeframe: '5m' } })),
	]);
	expect(first.json().strategy_version).toBe(second.json().strategy_version);
	expect(third.json().strategy_version).not.toBe(first.json().strategy_version);
});

describe('refuses to create', () => {
	test.each([
		['without anything', {}, ['name', 'strategy', 'account_id', 'instrument_id', 'sizing', 'sizing_value']],
		['with unknown fields', { colour: 'red', size: 1 }, ['colour', 'size']],
		['with an empty name', { name: ' ' }, ['name']],
		['with a name that cannot be stored', { name: 'a\u0000b' }, ['name']],
		['with a name of two lines', { name: 'a\nb' }, ['name']],
		['with an interval that is none', { interval_minutes: 7 }, ['interval_minutes']],
		['with a size of nothing', { sizing_value: '0' }, ['sizing_value']],
		['with more than the capital', { sizing_value: '1.5' }, ['sizing_value']],
		['with more than the capital per ATR', { sizing: 'VOLATILITY_TARGET', sizing_value: '1.5' }, ['sizing_value']],
		['with leverage below one', { leverage: 0.5 }, ['leverage']],
		[
			'with wrong parameters, each named',
			{ parameters: { entry_threshold: 7, colour: 'red' } },
			['parameters.entry_threshold', 'parameters.colour'],
		],
	])('%s', async (_, fields, wrong) => {
		const before = await count();
		const body = Object.keys(fields).length === 0 ? {} : newBot(fields);
		const answer = await post('bots', body);
		expect(answer.statusCode).toBe(400);
		expect(answer.headers['content-type']).toContain('application/problem+json');
		const problem = answer.json();
		expect(problem).toMatchObject({ code: 'VALIDATION_FAILED', status: 400, instance: '/api/v1/bots' });
		expect(problem.errors.map(({ field }: { field: string }) => field).sort()).toEqual([...wrong].sort());
		expect(await count()).toBe(before);
	});

	test('what does not exist, or is taken', async () => {
		const taken = (await post('bots', newBot())).json().name;
		const before = await count();
		const spot = await makeInstrument(database.pool, { marketType: 'SPOT' });
		const elsewhere = await makeInstrument(database.pool, { exchangeId: 'bybit' });
		for (const [fields, status, code] of [
			[{ strategy: 'astrology' }, 404, 'STRATEGY_NOT_FOUND'],
			[{ account_id: 999 }, 404, 'ACCOUNT_NOT_FOUND'],
			[{ instrument_id: 999_999 }, 404, 'INSTRUMENT_NOT_FOUND'],
			[{ instrument_id: elsewhere.id }, 400, 'VALIDATION_FAILED'],
			[{ instrument_id: spot.id, leverage: 3 }, 400, 'VALIDATION_FAILED'],
			[{ name: taken }, 409, 'NAME_TAKEN'],
		] as const) {
			const answer = await post('bots', newBot(fields));
			expect(answer.json()).toMatchObject({ status, code });
			expect(answer.statusCode).toBe(status);
		}
		expect(await count()).toBe(before);
	});

	async function count(): Promise<string> {
		const { rows } = await database.pool.query('select count(*) as bots from botbox.bots');
		return rows[0].bots;
	}
});

test('SQL and HTML in a name are stored as they are, and found as they are', async () => {
	const name = `'; drop table botbox.bots; -- <script>alert(1)</script>`;
	expect((await post('bots', newBot({ name }))).json().name).toBe(name);
	const found = await get(`bots?q=${encodeURIComponent(name)}`);
	expect(found.json().items).toHaveLength(1);
	expect(found.headers['x-content-type-options']).toBe('nosniff');
});

test('pauses, resumes and deletes; a deleted bot is gone for every route', async () => {
	const bot = await makeBot(database.pool, world);
	const paused = await post(`bots/${bot.id}/pause`, { reason: 'lunch' });
	expect(paused.json()).toMatchObject({ status: 'PAUSED', status_reason: 'lunch', next_check_at: null });
	expect((await post(`bots/${bot.id}/pause`)).json()).toMatchObject({ status: 'PAUSED' });
	expect((await post(`bots/${bot.id}/resume`)).json()).toMatchObject({ status: 'ACTIVE', status_reason: null });
	const gone = await api.call('DELETE', `/api/v1/bots/${bot.id}`, { token });
	expect([gone.statusCode, gone.body]).toEqual([204, '']);
	for (const path of ['', '/checks', '/signals', '/trades', '/positions', '/pnl']) {
		expect((await get(`bots/${bot.id}${path}`)).json()).toMatchObject({ code: 'BOT_NOT_FOUND', status: 404 });
	}
	for (const verb of ['check', 'pause', 'resume']) {
		expect((await post(`bots/${bot.id}/${verb}`)).json()).toMatchObject({ code: 'BOT_NOT_FOUND', status: 404 });
	}
	expect((await api.call('DELETE', `/api/v1/bots/${bot.id}`, { token })).statusCode).toBe(404);
});

describe('check now', () => {
	test('answers with the finished check: outcome, score, factors and reason', async () => {
		decision = 'NONE';
		const bot = await makeBot(database.pool, world);
		const before = (await get(`bots/${bot.id}`)).json().next_check_at;
		const answer = await post(`bots/${bot.id}/check`, { dry_run: true });
		expect(answer.statusCode).toBe(200);
		expect(answer.json()).toMatchObject({
			bot_id: bot.id,
			kind: 'MANUAL',
			outcome: 'DRY_RUN',
			score: 0.68,
			reason_code: 'BELOW_THRESHOLD',
			reason: expect.stringContaining('threshold'),
			signal: null,
		});
		expect(answer.json().factors).toHaveLength(2);
		expect(api.requested.at(-1)).toMatchObject({ botId: bot.id, isDryRun: true });
		expect((await get(`bots/${bot.id}`)).json()).toMatchObject({ next_check_at: before, last_outcome: 'DRY_RUN' });
	});

	test('decides and queues like any other check, and names the signal', async () => {
		decision = 'LONG';
		const bot = await makeBot(database.pool, await makeWorld(database.pool), { now: new Date() });
		const check = (await post(`bots/${bot.id}/check`)).json();
		expect(check).toMatchObject({ outcome: 'QUEUED', decision: 'LONG', trade_id: expect.any(String) });
		expect(check.signal).toMatchObject({
			signal_id: check.signal_id,
			status: 'QUEUED',
			reason_code: 'ACCEPTED',
			trade_status: 'PENDING',
		});
		for (const list of ['checks', 'signals', 'trades']) {
			expect((await get(`bots/${bot.id}/${list}`)).json().items).toHaveLength(1);
		}
	});

	test('says after 5 s that no worker answered', async () => {
		workers = 'sleep';
		const bot = await makeBot(database.pool, world);
		const startedAt = performance.now();
		const answer = await post(`bots/${bot.id}/check`);
		workers = 'answer';
		expect(answer.statusCode).toBe(504);
		expect(answer.json()).toMatchObject({ code: 'CHECK_TIMEOUT' });
		expect(performance.now() - startedAt).toBeLessThan(8_000);
	});

	test('refuses unknown fields and wrong types', async () => {
		const bot = await makeBot(database.pool, world);
		const answer = await post(`bots/${bot.id}/check`, { dry_run: 'yes', dry: true });
		expect(
			answer
				.json()
				.errors.map(({ field }: { field: string }) => field)
				.sort(),
		).toEqual(['dry', 'dry_run']);
	});
});
