/** Changes on a known state, repeated requests, and everything that is steered by HTTP: each once, each in the audit log. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { raiseAlert, resolveAlert } from '../../src/database/functions/guards.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { decide, openPosition } from '../support/factories/trading.ts';
import { makeAccount, makeBot, makeInstrument, makeWorld, type World } from '../support/factories/world.ts';

let database: TestDatabase;
let api: TestApi;
let world: World;
let token: string;
beforeAll(async () => {
	database = await createTestDatabase();
	world = await makeWorld(database.pool);
	({ token } = await makeToken(database.pool, 'admin', { name: 'desk' }));
	api = await makeApi(database.pool);
});
afterAll(async () => {
	await api.app.close();
	await database.drop();
});

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
const ask = (method: Method, url: string, body?: unknown, headers: Record<string, string> = {}) =>
	api.call(method, `/api/v1/${url}`, { token, body, headers });
let named = 0;
async function newBot(): Promise<{ bot_id: number; name: string }> {
	named += 1;
	const answer = await ask('POST', 'bots', {
		...{ name: `changed ${named}`, strategy: 'trend_following', account_id: world.accountId },
		...{ instrument_id: world.instrument.id, sizing: 'CAPITAL_FRACTION', sizing_value: 0.05, interval_minutes: 5 },
	});
	expect(answer.statusCode, answer.body).toBe(201);
	return answer.json();
}
const audited = async (subject: string) =>
	(await ask('GET', `audit-log?subject=${encodeURIComponent(subject)}`)).json().items as {
		action: string;
		actor: string;
		before: unknown;
		after: unknown;
	}[];

test('a bot is changed on the state that was read, in every field, and the audit log says from what to what', async () => {
	const { bot_id } = await newBot();
	const url = `bots/${bot_id}`;
	const read = await ask('GET', url);
	const etag = String(read.headers.etag);
	expect(etag).toMatch(/^"[\w-]{22}"$/);
	const change = {
		...{ name: `${read.json().name} renamed`, interval_minutes: 15, is_adaptive: true, sizing_value: '0.1' },
		...{ leverage: 2, max_position_notional: 5_000, parameters: { entry_threshold: 0.7 } },
	};
	const changed = await ask('PATCH', url, change, { 'if-match': etag });
	expect(changed.statusCode, changed.body).toBe(200);
	expect(changed.json()).toMatchObject({
		...{ name: change.name, interval_minutes: 15, adaptive_base_minutes: 15, sizing_value: '0.1', leverage: '2' },
		...{ max_position_notional: '5000', strategy: 'trend_following', status: 'ACTIVE' },
	});
	expect(changed.json().strategy_version_id).not.toBe(read.json().strategy_version_id);
	expect(Date.parse(changed.json().next_check_at) % 900_000).toBe(0);
	expect(changed.headers.etag).not.toBe(etag);
	expect((await ask('GET', url)).headers.etag).toBe(changed.headers.etag);
	const [entry] = (await audited(`bot ${bot_id}`)).filter(({ action }) => action === 'bot.change');
	expect(entry).toMatchObject({
		actor: 'token:desk',
		before: { leverage: 1, interval_minutes: 5, adaptive_base_minutes: null, max_position_notional: null },
		after: { leverage: 2, interval_minutes: 15, adaptive_base_minutes: 15, max_position_notional: 5000 },
	});
});

test('without If-Match 428, on an older state 412, and nothing is changed; figures that move do not count', async () => {
	const { bot_id } = await newBot();
	const url = `bots/${bot_id}`;
	const etag = String((await ask('GET', url)).headers.etag);
	expect((await ask('PATCH', url, { leverage: 3 })).json()).toMatchObject({
		code: 'PRECONDITION_REQUIRED',
		status: 428,
	});
	await ask('POST', `${url}/pause`, { reason: 'no matter' });
	expect((await ask('GET', url)).headers.etag).toBe(etag);
	const both = await Promise.all([2, 3].map((leverage) => ask('PATCH', url, { leverage }, { 'if-match': etag })));
	expect(both.map(({ statusCode }) => statusCode).sort()).toEqual([200, 412]);
	const winner = both.find(({ statusCode }) => statusCode === 200)!;
	expect((await ask('GET', url)).json().leverage).toBe(winner.json().leverage);
	expect(both.find(({ statusCode }) => statusCode === 412)!.json()).toMatchObject({ code: 'PRECONDITION_FAILED' });
	expect((await ask('PATCH', url, { leverage: 4 }, { 'if-match': '*' })).statusCode).toBe(200);
});

test('a wrong change names every field and stores nothing', async () => {
	const { bot_id } = await newBot();
	const url = `bots/${bot_id}`;
	const before = (await ask('GET', url)).json();
	const patch = (body: unknown) => ask('PATCH', url, body, { 'if-match': '*' });
	const fields = async (body: unknown) => {
		const answer = await patch(body);
		expect(answer.statusCode, answer.body).toBe(400);
		return (answer.json().errors ?? []).map(({ field }: { field: string }) => field).sort();
	};
	expect(await fields({ leverage: 0, interval_minutes: 7, colour: 'red', name: '' })).toEqual([
		...['colour', 'interval_minutes', 'leverage', 'name'],
	]);
	expect(await fields({})).toEqual(['body']);
	expect(await fields({ parameters: { entry_threshold: 'high', nonsense: 1 } })).toEqual([
		...['parameters.entry_threshold', 'parameters.nonsense'],
	]);
	expect(await fields({ sizing_value: '2' })).toEqual(['sizing_value']);
	const other = await newBot();
	expect((await patch({ name: other.name })).json()).toMatchObject({ code: 'NAME_TAKEN' });
	expect((await ask('GET', url)).json()).toEqual(before);
	expect((await ask('PATCH', 'bots/999999', { leverage: 2 }, { 'if-match': '*' })).statusCode).toBe(404);
});

test('SQL and HTML in a name are kept as the text that they are', async () => {
	const { bot_id } = await newBot();
	const name = `'; drop table botbox.bots; -- <img src=x onerror=alert(1)> ${bot_id}`;
	const changed = await ask('PATCH', `bots/${bot_id}`, { name }, { 'if-match': '*' });
	expect(changed.json().name).toBe(name);
	expect(changed.headers['content-type']).toContain('application/json');
	expect(changed.headers['x-content-type-options']).toBe('nosniff');
	expect((await ask('GET', `bots?q=${encodeURIComponent(name)}`)).json().items).toHaveLength(1);
});

test('many bots are paused and resumed at once; those that do not exist are named', async () => {
	const ids = [(await newBot()).bot_id, (await newBot()).bot_id];
	const paused = await ask('POST', 'bots/pause', { bot_ids: [...ids, 999_999], reason: 'maintenance' });
	expect(paused.json()).toEqual({
		items: ids.map((bot_id) => ({ bot_id, status: 'PAUSED', is_changed: true })),
		missing: [999_999],
	});
	expect((await ask('GET', `bots/${ids[0]}`)).json()).toMatchObject({ status: 'PAUSED', status_reason: 'maintenance' });
	const again = await ask('POST', 'bots/pause', { bot_ids: ids });
	expect(again.json().items.every((item: { is_changed: boolean }) => !item.is_changed)).toBe(true);
	expect((await ask('POST', 'bots/resume', { bot_ids: ids })).json().items[1]).toMatchObject({ status: 'ACTIVE' });
	expect((await audited(`bot ${ids[1]}`)).filter(({ action }) => action === 'bot.status')).toHaveLength(2);
	expect((await ask('POST', 'bots/pause', { bot_ids: [] })).statusCode).toBe(400);
});

test('a POST that comes again under its key is done once and answered alike', async () => {
	const key = { 'idempotency-key': randomUUID() };
	const body = { scope: 'EXCHANGE', exchange_id: 'bybit', reason: `once ${key['idempotency-key']}`, for_minutes: 5 };
	const [first, second] = [await ask('POST', 'pauses', body, key), await ask('POST', 'pauses', body, key)];
	expect(first.statusCode).toBe(201);
	expect(second.statusCode).toBe(201);
	expect(second.body).toBe(first.body);
	expect(second.headers['idempotency-replayed']).toBe('true');
	expect(first.headers['idempotency-replayed']).toBeUndefined();
	const { rows } = await database.pool.query('select from botbox.pauses where reason = $1', [body.reason]);
	expect(rows).toHaveLength(1);
	expect((await ask('POST', 'pauses', { ...body, for_minutes: 6 }, key)).json()).toMatchObject({
		...{ code: 'IDEMPOTENCY_KEY_REUSED', status: 422 },
	});
	// Another caller's key is another key.
	const other = await makeToken(database.pool, 'operator', { name: 'other' });
	const theirs = await api.call('POST', '/api/v1/pauses', { token: other.token, body, headers: key });
	expect(theirs.headers['idempotency-replayed']).toBeUndefined();
});

test('two at the same moment: one is done, the other waits or gets its answer', async () => {
	const key = { 'idempotency-key': randomUUID() };
	const body = { scope: 'EXCHANGE', exchange_id: 'bybit', reason: `race ${key['idempotency-key']}` };
	const answers = await Promise.all(Array.from({ length: 5 }, () => ask('POST', 'pauses', body, key)));
	for (const { statusCode } of answers) expect([201, 409]).toContain(statusCode);
	const { rows } = await database.pool.query('select from botbox.pauses where reason = $1', [body.reason]);
	expect(rows).toHaveLength(1);
});

test('refusals are kept too, failures of ours are not, and secrets never', async () => {
	const refused = { 'idempotency-key': randomUUID() };
	const body = { scope: 'BOT', bot_id: 999_999, reason: 'x' };
	const first = await ask('POST', 'pauses', body, refused);
	expect(first.statusCode).toBe(404);
	const second = await ask('POST', 'pauses', body, refused);
	expect(second.json()).toEqual(first.json());
	expect(second.headers['content-type']).toBe('application/problem+json; charset=utf-8');

	let isBroken = true;
	const flaky = await makeApi(database.pool, {
		jobs: {
			requestChannelTest: async () => undefined,
			requestCheck: async () => {
				if (isBroken) throw new Error('lost');
				throw Object.assign(new Error('still lost'), { code: 'ECONNREFUSED' });
			},
		},
	});
	try {
		const { bot_id } = await newBot();
		const headers = { 'idempotency-key': randomUUID() };
		const check = () => flaky.call('POST', `/api/v1/bots/${bot_id}/check`, { token, headers });
		expect((await check()).statusCode).toBe(500);
		isBroken = false;
		expect((await check()).json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
	} finally {
		await flaky.app.close();
	}
	const secret = await ask('POST', 'tokens', { name: 'n', role: 'viewer' }, { 'idempotency-key': 'k' });
	expect(secret.json()).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ field: 'Idempotency-Key' }] });
	expect((await ask('POST', 'pauses', body, { 'idempotency-key': 'x'.repeat(201) })).statusCode).toBe(400);
});

test('limits of an account are changed on the state that was read', async () => {
	const id = await makeAccount(database.pool);
	const entries = async () =>
		(await audited(`account ${id}`)).filter(({ action }) => action === 'account.limits').length;
	const before = await entries();
	const url = `accounts/${id}`;
	const etag = String((await ask('GET', url)).headers.etag);
	const patch = (body: unknown, tag: string) => ask('PATCH', `${url}/limits`, body, { 'if-match': tag });
	const changed = await patch({ max_positions: 3, max_total_exposure: '2500.5', max_drawdown: 0.2 }, etag);
	expect(changed.json()).toMatchObject({ max_positions: 3, max_total_exposure: '2500.5', max_drawdown: '0.2' });
	expect((await patch({ max_positions: 4 }, etag)).statusCode).toBe(412);
	expect((await patch({ max_total_exposure: null }, '*')).json()).toMatchObject({ max_total_exposure: null });
	expect((await patch({ max_positions: null }, '*')).statusCode).toBe(400);
	expect((await ask('PATCH', `${url}/limits`, { max_positions: 4 })).statusCode).toBe(428);
	expect((await ask('PATCH', 'accounts/999999/limits', { max_positions: 4 }, { 'if-match': '*' })).statusCode).toBe(
		404,
	);
	expect(await entries()).toBe(before + 2);
	for (const [verb, status] of [
		['halt', 'HALTED'],
		['reduce', 'REDUCING'],
		['resume', 'ACTIVE'],
	] as const) {
		expect((await ask('POST', `${url}/${verb}`, { reason: 'drill' })).json()).toMatchObject({ status });
	}
	const [newest] = (await ask('GET', `${url}/equity?limit=1`)).json().items;
	expect(newest).toMatchObject({ account_id: id, equity: '10000', peak: '10000' });
	expect((await ask('POST', 'accounts/999999/halt')).statusCode).toBe(404);
});

test('the margin mode of an account is set, left as it is, and refused for what is none', async () => {
	const id = await makeAccount(database.pool);
	const set = (margin_mode: unknown, account: number = id) =>
		ask('POST', `accounts/${account}/margin-mode`, { margin_mode });
	expect((await set('ISOLATED')).json()).toMatchObject({ account_id: id, margin_mode: 'ISOLATED' });
	expect((await set('ISOLATED')).statusCode).toBe(200);
	expect((await set('isolated')).statusCode).toBe(400);
	expect((await set(null)).json()).toMatchObject({ margin_mode: null });
	expect((await set('CROSS', 999_999)).json()).toMatchObject({ code: 'ACCOUNT_NOT_FOUND' });
	const changes = (await audited(`account ${id}`)).filter(({ action }) => action === 'account.margin_mode');
	expect(changes).toHaveLength(2);
});

test('a strategy is described, its versions compared, its parameters changed for chosen bots', async () => {
	const { items } = (await ask('GET', 'strategy-catalogue')).json();
	expect(items.map(({ name }: { name: string }) => name)).toContain('grid');
	expect((await ask('GET', 'strategies/trend_following')).json()).toMatchObject({
		...{ name: 'trend_following', schema: { type: 'object' }, legs: 1 },
	});
	const { bot_id } = await newBot();
	const { strategy_version: from } = (await ask('GET', `bots/${bot_id}`)).json();
	const set = (body: unknown) => ask('POST', 'strategies/trend_following/set', body);
	const changed = await set({ parameters: { exit_threshold: 0.11 }, bot_ids: [bot_id] });
	expect(changed.statusCode, changed.body).toBe(200);
	const { version, differences, moved } = changed.json();
	expect(differences).toMatchObject([{ parameter: 'exit_threshold', after: 0.11 }]);
	expect(moved).toMatchObject([{ bot_id, from_version: from }]);
	expect((await ask('GET', `strategies/trend_following/diff?from=${from}&to=${version}`)).json().items).toEqual(
		differences,
	);
	const { parameters } = (await ask('GET', `strategies/trend_following/versions/${version}`)).json();
	expect(parameters).toMatchObject({ exit_threshold: 0.11 });
	expect((await set({ parameters: { exit_threshold: 'low' } })).json().errors).toMatchObject([
		...[{ field: 'parameters.exit_threshold' }],
	]);
	expect((await ask('POST', 'strategies/grid/set', { parameters: {}, bot_ids: [bot_id] })).statusCode).toBe(400);
	expect((await ask('GET', 'strategies/none')).json()).toMatchObject({ code: 'STRATEGY_NOT_FOUND' });
	expect((await ask('GET', 'strategies/grid/versions/99')).statusCode).toBe(404);
});

test('one signal with its explanation, one trade, order and position', async () => {
	const bot = await makeBot(database.pool, world, { instrument: await makeInstrument(database.pool) });
	await openPosition(database.pool, bot);
	await decide(database.pool, bot, { price: 103 });
	const one = async (list: string, key: string) => {
		const [row] = (await ask('GET', `${list}?bot_id=${bot.id}`)).json().items;
		expect((await ask('GET', `${list}/${row[key]}`)).json()).toEqual(row);
		return row;
	};
	const [signal] = [
		await one('signals', 'signal_id'),
		await one('trades', 'trade_id'),
		await one('orders', 'order_id'),
	];
	await one('positions', 'position_id');
	const explained = await ask('GET', `signals/${signal.signal_id}/explanation`);
	expect(explained.statusCode, explained.body).toBe(200);
	expect(explained.json()).toMatchObject({
		signal: { signal_id: signal.signal_id },
		re_evaluation: { is_equal: false },
	});
	expect(explained.json().re_evaluation.missing.length).toBeGreaterThan(0);
	expect((await ask('GET', 'signals/999999/explanation')).statusCode).toBe(404);
	expect((await ask('GET', `trades/${randomUUID()}`)).statusCode).toBe(404);
	expect((await ask('GET', 'trades/1')).statusCode).toBe(400);
	expect((await ask('GET', 'exchanges/sim')).json()).toMatchObject({ exchange_id: 'sim' });
	expect((await ask('GET', `instruments/${bot.instrumentId}`)).json()).toMatchObject({ exchange_id: 'sim' });
	const { trade_id } = (await ask('GET', `trades?bot_id=${bot.id}`)).json().items[0];
	const resolve = (body: unknown) => ask('POST', `trades/${trade_id}/resolve`, body);
	expect((await resolve({ outcome: 'NOT_FILLED', reason: 'seen' })).json()).toMatchObject({
		code: 'TRANSITION_REFUSED',
	});
	expect((await resolve({ outcome: 'FILLED', reason: 'seen' })).json().errors).toHaveLength(2);
});

test('a breaker is opened and reset, an alert acknowledged, each under its name', async () => {
	const open = await ask('POST', 'exchanges/bybit/breaker/open', { reason: 'maintenance', for_minutes: 30 });
	expect(open.json()).toEqual({ exchange_id: 'bybit', breaker_state: 'OPEN' });
	expect((await ask('POST', 'exchanges/bybit/breaker/reset')).json()).toMatchObject({ breaker_state: 'CLOSED' });
	expect((await ask('POST', 'exchanges/mtgox/breaker/reset')).statusCode).toBe(404);
	expect((await audited('bybit')).map(({ action }) => action)).toEqual(['breaker.reset', 'breaker.open']);

	const alert = { code: 'ACK', subject: randomUUID() };
	const id = await raiseAlert(database.pool, { ...alert, severity: 'WARNING', message: 'look' });
	const acknowledged = await ask('POST', `alerts/${id}/acknowledge`);
	expect(acknowledged.json()).toMatchObject({ acknowledged_by: 'token:desk', is_open: true });
	expect((await ask('POST', `alerts/${id}/acknowledge`)).json()).toEqual(acknowledged.json());
	expect(await audited(`alert ${id}`)).toHaveLength(1);
	await resolveAlert(database.pool, alert);
	expect((await ask('POST', `alerts/${id}/acknowledge`)).json()).toMatchObject({ code: 'TRANSITION_REFUSED' });
	expect((await ask('POST', 'alerts/999999/acknowledge')).statusCode).toBe(404);
});

test('a token is made, shown once, used, and revoked at once; the audit log never holds it', async () => {
	const made = await ask('POST', 'tokens', { name: 'phone', role: 'viewer', for_minutes: 60 });
	expect(made.statusCode).toBe(201);
	const { token: secret, token_id: id } = made.json();
	const use = () => api.call('GET', '/api/v1/overview', { token: secret });
	expect((await use()).statusCode).toBe(200);
	expect((await ask('GET', 'tokens')).body).not.toContain(secret);
	expect((await ask('DELETE', `tokens/${id}`)).json()).toMatchObject({ is_valid: false });
	expect((await use()).statusCode).toBe(401);
	expect((await ask('DELETE', `tokens/${id}`)).json()).toMatchObject({ code: 'TRANSITION_REFUSED' });
	expect(JSON.stringify(await audited(`token ${id}`))).not.toContain(secret);
});

test('nobody alters the audit log', async () => {
	await expect(database.pool.query(`update botbox.audit_log set actor = 'nobody'`)).rejects.toThrow(/never change/);
	await expect(database.pool.query('delete from botbox.audit_log')).rejects.toThrow(/never change/);
	for (const method of ['POST', 'PATCH', 'DELETE'] as const) {
		expect((await ask(method, 'audit-log', method === 'DELETE' ? undefined : {})).statusCode).toBe(404);
	}
});

test('a rollout is planned, refused where it does not rise, and given up, with or without its limit', async () => {
	const id = await makeAccount(database.pool);
	const hours = (count: number) => new Date(Date.now() + count * 3_600_000).toISOString();
	const plan = (steps: unknown, account: number = id) => ask('POST', `accounts/${account}/rollout`, { steps });
	const first = { max_active_bots: 10 };
	const planned = await plan([
		first,
		{ max_active_bots: 50, step_at: hours(1) },
		{ max_active_bots: 100, step_at: hours(2) },
	]);
	expect(planned.json()).toMatchObject({
		account_id: id,
		max_active_bots: 10,
		next_max_active_bots: 50,
		waiting_bots: 0,
	});
	const fieldsOf = async (steps: unknown) => {
		const answer = await plan(steps);
		expect(answer.statusCode).toBe(400);
		return (answer.json().errors as { field: string }[]).map(({ field }) => field);
	};
	expect(await fieldsOf([])).toEqual(['steps']);
	expect(await fieldsOf([{ ...first, step_at: hours(1) }])).toEqual(['steps.0.step_at']);
	expect(await fieldsOf([first, { max_active_bots: 10, step_at: hours(1) }])).toEqual(['steps.1.max_active_bots']);
	expect(await fieldsOf([first, { max_active_bots: 20 }])).toEqual(['steps.1.step_at']);
	expect(
		await fieldsOf([first, { max_active_bots: 20, step_at: hours(2) }, { max_active_bots: 30, step_at: hours(1) }]),
	).toEqual(['steps.2.step_at']);
	// Whether a time lies ahead the database knows.
	expect(await fieldsOf([first, { max_active_bots: 20, step_at: hours(-1) }])).toEqual(['steps']);
	// What was refused has changed nothing.
	const steps = (await ask('GET', 'rollout-steps?limit=100')).json().items as { account_id: number; status: string }[];
	expect(steps.filter(({ account_id }) => account_id === id).map(({ status }) => status)).toEqual([
		...['TAKEN', 'PLANNED', 'PLANNED'],
	]);

	const cancel = (body?: unknown, account: number = id) => ask('POST', `accounts/${account}/rollout/cancel`, body);
	expect((await cancel()).json()).toEqual({ account_id: id, steps_given_up: 2, max_active_bots: 10 });
	expect((await cancel({ unlimited: true })).json()).toEqual({
		account_id: id,
		steps_given_up: 0,
		max_active_bots: null,
	});
	expect((await audited(`account ${id}`)).map(({ action }) => action)).toEqual(
		expect.arrayContaining(['rollout.plan', 'rollout.cancel']),
	);
	expect((await plan([first], 999_999)).statusCode).toBe(404);
	expect((await cancel(undefined, 999_999)).statusCode).toBe(404);
});
