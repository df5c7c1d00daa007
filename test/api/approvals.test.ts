/** A person's word by HTTP: approved once, rejected with a reason, both in the audit log; and channels that are tried. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sealSettings } from '../../src/alerts/channels.ts';
import { createAlertChannel } from '../../src/database/functions/alerts.ts';
import { claimTrades } from '../../src/database/functions/trades.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { queueTrade } from '../support/factories/trading.ts';
import { makeBot, makeWorld, type World } from '../support/factories/world.ts';

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
const ask = (method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown, headers: Record<string, string> = {}) =>
	api.call(method, `/api/v1/${path}`, { token, body, headers });

/** An entry that waits; the views go by the present. */
async function waiting(): Promise<{ tradeId: string; botId: number }> {
	const bot = await makeBot(database.pool, world, { execution: 'CONFIRM', notional: 100 });
	return { tradeId: await queueTrade(database.pool, bot, { now: new Date() }), botId: bot.id };
}
const claimed = async (): Promise<string[]> =>
	(await claimTrades(database.pool, { workerId: 'w', limit: 100 })).map(({ tradeId }) => tradeId);

test('what waits is listed for its bot, approved once, and then sent', async () => {
	const { tradeId, botId } = await waiting();
	const listed = await ask('GET', `approvals?state=WAITING&bot_id=${botId}`);
	expect(listed.json().items).toMatchObject([
		{ trade_id: tradeId, state: 'WAITING', direction: 'LONG', decided_by: null },
	]);
	expect(await claimed()).not.toContain(tradeId);

	const approved = await ask('POST', `trades/${tradeId}/approve`, { reason: 'as planned' });
	expect(approved.statusCode, approved.body).toBe(200);
	expect(approved.json()).toMatchObject({ state: 'APPROVED', decided_by: 'token:desk', reason: 'as planned' });
	const again = await ask('POST', `trades/${tradeId}/approve`);
	expect(again.json()).toMatchObject({
		status: 409,
		code: 'TRANSITION_REFUSED',
		detail: expect.stringContaining('token:desk'),
	});
	expect((await ask('GET', `approvals?state=WAITING&bot_id=${botId}`)).json().items).toEqual([]);
	const log = (await ask('GET', `audit-log?subject=${encodeURIComponent(`trade ${tradeId}`)}`)).json().items;
	expect(log).toMatchObject([{ action: 'trade.approve', actor: 'token:desk' }]);
	expect(await claimed()).toContain(tradeId);
});

test('an approval that is sent again under its key is the same approval', async () => {
	const { tradeId } = await waiting();
	const headers = { 'idempotency-key': randomUUID() };
	const first = await ask('POST', `trades/${tradeId}/approve`, {}, headers);
	const second = await ask('POST', `trades/${tradeId}/approve`, {}, headers);
	expect([first.statusCode, second.statusCode]).toEqual([200, 200]);
	expect(second.json()).toEqual(first.json());
	expect(second.headers['idempotency-replayed']).toBe('true');
});

test('a rejection says why, and the entry is gone', async () => {
	const { tradeId } = await waiting();
	for (const body of [undefined, {}, { reason: ' ' }, { reason: 'no', more: 1 }]) {
		const refused = await ask('POST', `trades/${tradeId}/reject`, body);
		expect(refused.statusCode, JSON.stringify(body)).toBe(400);
	}
	const rejected = await ask('POST', `trades/${tradeId}/reject`, { reason: 'news at noon' });
	expect(rejected.json()).toMatchObject({ state: 'REJECTED', reason: 'news at noon', trade_status: 'CANCELLED' });
	expect((await ask('GET', `trades/${tradeId}`)).json()).toMatchObject({ reason_code: 'REJECTED_BY_PERSON' });
	expect((await ask('POST', `trades/${tradeId}/approve`)).statusCode).toBe(409);
	expect(await claimed()).not.toContain(tradeId);
});

test('what nobody is asked about is not found', async () => {
	const trade = await queueTrade(database.pool, await makeBot(database.pool, world, { notional: 100 }), {
		now: new Date(),
	});
	for (const id of [trade, randomUUID()]) {
		expect((await ask('POST', `trades/${id}/approve`)).json()).toMatchObject({ status: 404, code: 'NOT_FOUND' });
		expect((await ask('POST', `trades/${id}/reject`, { reason: 'no' })).statusCode).toBe(404);
	}
	expect((await ask('POST', 'trades/17/approve')).statusCode).toBe(400);
});

test('a bot is made asking, and told to stop asking', async () => {
	const made = await ask('POST', 'bots', {
		...{ name: 'asks', strategy: 'trend_following', account_id: world.accountId, execution: 'CONFIRM' },
		...{ instrument_id: world.instrument.id, sizing: 'CAPITAL_FRACTION', sizing_value: 0.05, interval_minutes: 5 },
	});
	expect(made.json()).toMatchObject({ execution: 'CONFIRM' });
	const url = `bots/${made.json().bot_id}`;
	const etag = String(made.headers.etag);
	const changed = await ask('PATCH', url, { execution: 'AUTO' }, { 'if-match': etag });
	expect(changed.json()).toMatchObject({ execution: 'AUTO' });
	expect(changed.headers.etag).not.toBe(etag);
	expect((await ask('PATCH', url, { execution: 'auto' }, { 'if-match': '*' })).statusCode).toBe(400);
});

test('a test message is asked for once, of a channel that there is; secrets are not shown', async () => {
	const settings = {
		kind: 'WEBHOOK',
		url: 'http://127.0.0.1:1/hook?key=hidden',
		secret: 'a secret of the receiver',
	} as const;
	await createAlertChannel(database.pool, {
		...{ name: 'ops', kind: 'WEBHOOK', target: '127.0.0.1', minimumSeverity: 'WARNING', actor: 'ann' },
		settings: sealSettings(settings, Buffer.alloc(32, 1).toString('base64')),
	});
	const listed = await ask('GET', 'alert-channels');
	const [channel] = listed.json().items;
	expect(channel).toMatchObject({ name: 'ops', state: 'UNTRIED' });
	expect(listed.body).not.toMatch(/hidden|a secret/);
	const tried = await ask('POST', `alert-channels/${channel.channel_id}/test`);
	expect(tried.statusCode).toBe(202);
	expect(api.tested).toEqual([channel.channel_id]);
	expect((await ask('POST', 'alert-channels/999999/test')).statusCode).toBe(404);
	expect(api.tested).toHaveLength(1);
});
