/** From the queue to a sender: what claim_trades hands out, in which order, and what stands against it. */
import { expect, test } from 'vitest';
import { setAccountStatus, setBotStatus } from '../../src/database/functions/administration.ts';
import {
	acquireCall,
	pauseEntries,
	recordExchangeResult,
	recordLimitReport,
	resumeEntries,
} from '../../src/database/functions/guards.ts';
import {
	claimTrades,
	expireTrades,
	recoverOrders,
	releaseTrades,
	submitOrder,
} from '../../src/database/functions/trades.ts';
import { applyFill, fillOf, openPosition, queueTrade, submitTrade, workerId } from '../support/factories/trading.ts';
import { after, makeAccount, makeBot, makeWorld, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

async function claim(options: Partial<Parameters<typeof claimTrades>[1]> = {}): Promise<string[]> {
	return (await claimTrades(books.pool, { workerId, limit: 100, now: start, ...options })).map(
		({ tradeId }) => tradeId,
	);
}
const trade = (id: string) => one(books.pool, 'select * from trade_queue where id = $1', [id]);

test('closes come first, then the oldest, no more than asked for, and each to one worker', async () => {
	const world = await makeWorld(books.pool);
	const bots = [];
	for (let index = 0; index < 4; index++) bots.push(await makeBot(books.pool, world));
	await openPosition(books.pool, bots[0]!);
	const second = await queueTrade(books.pool, bots[1]!, { now: after(2) });
	const first = await queueTrade(books.pool, bots[2]!, { now: after(1) });
	const close = await queueTrade(books.pool, bots[0]!, { direction: 'CLOSE', now: after(3) });
	const third = await queueTrade(books.pool, bots[3]!, { now: after(3) });
	const now = after(4);
	expect(await claim({ limit: 2, now })).toEqual([close, first]);
	expect(await claim({ limit: 2, now, workerId: 'worker-2' })).toEqual([second, third]);
	expect(await claim({ now, workerId: 'worker-3' })).toEqual([]);
	expect(await trade(first)).toMatchObject({
		status: 'EXECUTING',
		claimed_by: workerId,
		attempts: 1,
		claimed_until: after(34),
	});
});

test('many connections at once claim each trade once', async () => {
	const world = await makeWorld(books.pool);
	const ids = [];
	for (let index = 0; index < 20; index++)
		ids.push(await queueTrade(books.pool, await makeBot(books.pool, world, { notional: 100 })));
	const claims = await Promise.all(
		Array.from({ length: 8 }, (_, index) => claim({ limit: 5, workerId: `worker-${index}` })),
	);
	const rest = await claim();
	expect([...claims.flat(), ...rest].toSorted()).toEqual(ids.toSorted());
});

test('a HALTED account sends nothing, a REDUCING one sends closes only', async () => {
	const world = await makeWorld(books.pool);
	const holder = await makeBot(books.pool, world);
	await openPosition(books.pool, holder);
	const entry = await queueTrade(books.pool, await makeBot(books.pool, world));
	const close = await queueTrade(books.pool, holder, { direction: 'CLOSE' });
	await setAccountStatus(books.pool, { accountId: world.accountId, status: 'HALTED', now: start });
	expect(await claim()).toEqual([]);
	await setAccountStatus(books.pool, { accountId: world.accountId, status: 'REDUCING', now: start });
	expect(await claim()).toEqual([close]);
	await setAccountStatus(books.pool, { accountId: world.accountId, status: 'ACTIVE', now: start });
	expect(await claim()).toEqual([entry]);
});

test('a pause holds entries back and lets closes go', async () => {
	const world = await makeWorld(books.pool);
	const holder = await makeBot(books.pool, world);
	await openPosition(books.pool, holder);
	const entry = await queueTrade(books.pool, await makeBot(books.pool, world));
	const close = await queueTrade(books.pool, holder, { direction: 'CLOSE' });
	await pauseEntries(books.pool, { scope: 'ACCOUNT', accountId: world.accountId, reason: 'drill', now: start });
	expect(await claim()).toEqual([close]);
	expect(await resumeEntries(books.pool, { scope: 'ALL', now: start })).toBe(0);
	expect(await resumeEntries(books.pool, { scope: 'ACCOUNT', accountId: world.accountId, now: start })).toBe(1);
	expect(await claim()).toEqual([entry]);
});

test('nothing is sent while the breaker is open; entries wait while over 90% of a limit is used', async () => {
	const world = await makeWorld(books.pool);
	const entry = await queueTrade(books.pool, await makeBot(books.pool, world));
	await recordExchangeResult(books.pool, { exchangeId: 'sim', isSuccess: false, bannedForMs: 30_000, now: start });
	expect(await claim()).toEqual([]);
	await acquireCall(books.pool, { exchangeId: 'sim', workerId, now: after(60) });
	await recordExchangeResult(books.pool, { exchangeId: 'sim', isSuccess: true, now: after(60) });
	const report = { exchangeId: 'sim', scope: 'IP', scopeKey: 'default', bucket: 'all' } as const;
	await recordLimitReport(books.pool, { ...report, used: 541, now: after(60) });
	expect(await claim({ now: after(61) })).toEqual([]);
	// The exchange's window is 5 s: what it said then is past.
	expect(await claim({ now: after(66) })).toEqual([entry]);
});

test('a LIVE account is traded only by workers that name it; the simulated exchange is exempt', async () => {
	const world = await makeWorld(books.pool, {
		instrument: { exchangeId: 'bybit' },
		account: { exchangeId: 'bybit', mode: 'LIVE', name: 'main' },
	});
	const live = await queueTrade(books.pool, await makeBot(books.pool, world));
	const simulated = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const onSim = await queueTrade(books.pool, await makeBot(books.pool, simulated));
	expect(await claim()).toEqual([onSim]);
	expect(await claim({ liveAccounts: ['other'] })).toEqual([]);
	expect(await claim({ liveAccounts: ['other', 'main'] })).toEqual([live]);
});

test('after a start nothing is sent before the books were compared with the exchange', async () => {
	const world = await makeWorld(books.pool);
	const entry = await queueTrade(books.pool, await makeBot(books.pool, world));
	expect(await claim({ reconciledSince: after(-60) })).toEqual([]);
	await books.pool.query('update accounts set reconciled_at = $2 where id = $1', [world.accountId, after(-61)]);
	expect(await claim({ reconciledSince: after(-60) })).toEqual([]);
	await books.pool.query('update accounts set reconciled_at = $2 where id = $1', [world.accountId, after(-59)]);
	expect(await claim({ reconciledSince: after(-60) })).toEqual([entry]);
});

test('entries of bots that wait for a person or are not active stay where they are', async () => {
	const world = await makeWorld(books.pool);
	const [confirm, paused] = [await makeBot(books.pool, world), await makeBot(books.pool, world)];
	for (const bot of [confirm, paused]) await queueTrade(books.pool, bot);
	await books.pool.query(`update bots set execution = 'CONFIRM' where id = $1`, [confirm.id]);
	await setBotStatus(books.pool, { botId: paused.id, status: 'PAUSED', now: start });
	expect(await claim()).toEqual([]);
});

test('an entry expires unsent after 5 minutes, a close never does', async () => {
	const world = await makeWorld(books.pool);
	const holder = await makeBot(books.pool, world);
	await openPosition(books.pool, holder);
	const entry = await queueTrade(books.pool, await makeBot(books.pool, world));
	const close = await queueTrade(books.pool, holder, { direction: 'CLOSE' });
	expect(await expireTrades(books.pool, { now: after(299) })).toBe(0);
	// Too old to be claimed from that moment on, expired or not.
	expect(await claim({ now: after(300), limit: 100 })).toEqual([close]);
	expect(await expireTrades(books.pool, { now: after(300) })).toBe(1);
	expect(await expireTrades(books.pool, { now: after(300) })).toBe(0);
	expect(await trade(entry)).toMatchObject({ status: 'EXPIRED', reason_code: 'TTL_EXPIRED', reserved_capital: '0' });
	expect(await trade(close)).toMatchObject({ status: 'EXECUTING', expires_at: null });
});

test('an entry claimed in time is not sent once its time is over', async () => {
	const world = await makeWorld(books.pool);
	const tradeId = await queueTrade(books.pool, await makeBot(books.pool, world));
	expect(await claim({ now: after(295) })).toEqual([tradeId]);
	expect(await submitOrder(books.pool, { tradeId, workerId, clientOrderId: 'late', now: after(300) })).toEqual([]);
	await releaseTrades(books.pool, { tradeIds: [tradeId], workerId, now: after(300) });
	expect(await expireTrades(books.pool, { now: after(300) })).toBe(1);
});

test('nothing is sent for an account that was HALTED after the claim', async () => {
	const world = await makeWorld(books.pool);
	const tradeId = await queueTrade(books.pool, await makeBot(books.pool, world));
	await claim();
	await setAccountStatus(books.pool, { accountId: world.accountId, status: 'HALTED', now: start });
	expect(await submitOrder(books.pool, { tradeId, workerId, clientOrderId: 'halted', now: start })).toEqual([]);
});

test('waiting entries of a stopped or deleted bot are cancelled', async () => {
	const world = await makeWorld(books.pool);
	for (const status of ['STOPPED', 'DELETED'] as const) {
		const bot = await makeBot(books.pool, world);
		const tradeId = await queueTrade(books.pool, bot);
		await setBotStatus(books.pool, { botId: bot.id, status, now: start });
		expect(await expireTrades(books.pool, { now: after(1) })).toBe(1);
		expect(await trade(tradeId)).toMatchObject({
			status: 'CANCELLED',
			reason_code: 'BOT_NOT_ACTIVE',
			finished_at: after(1),
		});
	}
});

test('a claim handed back is free again and not counted as an attempt', async () => {
	const world = await makeWorld(books.pool);
	const tradeId = await queueTrade(books.pool, await makeBot(books.pool, world));
	await claim();
	expect(await releaseTrades(books.pool, { tradeIds: [tradeId], workerId: 'other', now: start })).toBe(0);
	const release = { tradeIds: [tradeId], workerId, retryAfterMs: 2_000, now: start };
	expect(await releaseTrades(books.pool, release)).toBe(1);
	expect(await releaseTrades(books.pool, release)).toBe(0);
	expect(await trade(tradeId)).toMatchObject({ status: 'PENDING', attempts: 0, next_attempt_at: after(2) });
	expect(await claim({ now: after(1) })).toEqual([]);
	expect(await claim({ now: after(2) })).toEqual([tradeId]);
});

test('a claim that lapsed before any sending frees the trade; its old owner can no longer submit', async () => {
	const world = await makeWorld(books.pool);
	const tradeId = await queueTrade(books.pool, await makeBot(books.pool, world));
	await claim({ leaseMs: 20_000 });
	expect(await recoverOrders(books.pool, { now: after(19) })).toEqual([
		{ recoveredOrders: 0, recoveredTrades: 0, parkedTrades: 0 },
	]);
	expect(await submitOrder(books.pool, { tradeId, workerId, clientOrderId: 'late', now: after(20) })).toEqual([]);
	expect(await recoverOrders(books.pool, { now: after(20) })).toEqual([
		{ recoveredOrders: 0, recoveredTrades: 1, parkedTrades: 0 },
	]);
	expect(await claim({ now: after(20), workerId: 'worker-2' })).toEqual([tradeId]);
	expect(await submitOrder(books.pool, { tradeId, workerId, clientOrderId: 'late', now: after(21) })).toEqual([]);
});

test('a close whose position was closed meanwhile is neither sent nor claimed, and ends', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const bot = await makeBot(books.pool, world);
	const { order } = await openPosition(books.pool, bot, { stopLossFraction: 0.1 });
	const close = await queueTrade(books.pool, bot, { direction: 'CLOSE' });
	await claim();
	// The exchange's own stop was faster than the sender.
	const fill = {
		...fillOf(order),
		client_order_id: null,
		exchange_order_id: 'stop-1',
		side: 'SELL',
		stop_kind: 'STOP_LOSS',
	};
	await books.pool.query('select * from apply_fills($1, $2, $3)', [world.accountId, JSON.stringify([fill]), after(1)]);
	expect(await submitOrder(books.pool, { tradeId: close, workerId, clientOrderId: 'double', now: after(2) })).toEqual(
		[],
	);
	await releaseTrades(books.pool, { tradeIds: [close], workerId, now: after(2) });
	expect(await claim({ now: after(3) })).toEqual([]);
	expect(await expireTrades(books.pool, { now: after(3) })).toBe(1);
	expect(await trade(close)).toMatchObject({ status: 'CANCELLED', reason_code: 'POSITION_CLOSED' });
});

test('a close is cut to what its position still holds', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const bot = await makeBot(books.pool, world);
	const { order } = await openPosition(books.pool, bot, { stopLossFraction: 0.1 });
	const close = await queueTrade(books.pool, bot, { direction: 'CLOSE' });
	const fill = {
		...fillOf(order, { quantity: 4 }),
		client_order_id: null,
		exchange_order_id: 'stop-1',
		side: 'SELL',
		stop_kind: 'STOP_LOSS',
	};
	await books.pool.query('select * from apply_fills($1, $2, $3)', [world.accountId, JSON.stringify([fill]), after(1)]);
	const sent = await submitTrade(books.pool, close, { now: after(2) });
	expect(Number(sent.quantity)).toBe(6);
	expect(await one(books.pool, 'select quantity::float from orders where id = $1', [sent.orderId])).toEqual({
		quantity: 6,
	});
	await applyFill(books.pool, sent, { at: after(3) });
	expect(await trade(close)).toMatchObject({ status: 'EXECUTED' });
});

test('trades of several accounts go by account: one that is halted does not hold up another', async () => {
	const world = await makeWorld(books.pool);
	const other = await makeAccount(books.pool);
	await queueTrade(books.pool, await makeBot(books.pool, world));
	const mine = await queueTrade(books.pool, await makeBot(books.pool, world, { accountId: other }));
	await setAccountStatus(books.pool, { accountId: world.accountId, status: 'HALTED', now: start });
	expect(await claim({ limit: 1 })).toEqual([mine]);
});
