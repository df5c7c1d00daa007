/** Breakers that a person opens and resets. */
import { expect, test } from 'vitest';
import { acquireCall, openBreaker, recordExchangeResult, resetBreaker } from '../../src/database/functions/guards.ts';
import {
	claimTrades,
	claimUnsettledOrders,
	recordOrderResult,
	releaseTrades,
} from '../../src/database/functions/trades.ts';
import { openPosition, queueTrade, submitTrade, workerId } from '../support/factories/trading.ts';
import { after, makeBot, makeWorld } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();
const exchangeId = 'sim';
const ask = async (now: Date) => (await acquireCall(books.pool, { exchangeId, workerId, now }))[0];
const breaker = () =>
	one(books.pool, 'select state, held_by, probe_at, opened_at from circuit_breakers where exchange_id = $1', [
		exchangeId,
	]);
const alerts = async () =>
	(
		await books.pool.query(`select resolved_at is null as is_open from alerts where code = 'BREAKER_OPEN' order by id`)
	).rows.map((row) => row.is_open);
const open = (now: Date, until: Date | null = null) =>
	openBreaker(books.pool, { exchangeId, reason: 'rumours', until, actor: 'tester', now });
const reset = (now: Date) => resetBreaker(books.pool, { exchangeId, actor: 'tester', now });

test('opened by hand it stays so until it is reset: nobody probes, nothing is sent, no late answer closes it', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	await queueTrade(books.pool, bot);
	expect(await open(after(1))).toBe('OPEN');
	expect(await breaker()).toEqual({ state: 'OPEN', held_by: 'tester', probe_at: null, opened_at: after(1) });
	expect(await claimTrades(books.pool, { workerId, now: after(2) })).toEqual([]);
	for (const seconds of [2, 61, 86_400]) {
		expect(await ask(after(seconds))).toMatchObject({
			isGranted: false,
			refusal: 'BREAKER_OPEN',
			retryAfterMs: 60_000,
		});
		for (const isSuccess of [true, false])
			await recordExchangeResult(books.pool, { exchangeId, isSuccess, now: after(seconds) });
		expect(await breaker()).toMatchObject({ state: 'OPEN', held_by: 'tester', probe_at: null });
	}
	expect(await alerts()).toEqual([true]);
	expect(await reset(after(86_401))).toBe('OPEN');
	expect(await ask(after(86_401))).toMatchObject({ isGranted: true, isProbe: false });
	expect(await alerts()).toEqual([false]);
	const { rows } = await books.pool.query(
		`select actor, action, subject from audit_log where action like 'breaker.%' order by id`,
	);
	expect(rows).toEqual([
		{ actor: 'tester', action: 'breaker.open', subject: exchangeId },
		{ actor: 'tester', action: 'breaker.reset', subject: exchangeId },
	]);
});

test('with an end it is probed from then on, once, like any other', async () => {
	await open(after(0), after(600));
	await recordExchangeResult(books.pool, { exchangeId, isSuccess: false, error: 'late', now: after(10) });
	expect(await ask(after(599))).toMatchObject({ isGranted: false, retryAfterMs: 1_000 });
	expect(await ask(after(600))).toMatchObject({ isGranted: true, isProbe: true });
	expect(await breaker()).toMatchObject({ state: 'HALF_OPEN', held_by: null });
	expect(await ask(after(600))).toMatchObject({ isGranted: false });
	await recordExchangeResult(books.pool, { exchangeId, isSuccess: true, now: after(601) });
	expect(await breaker()).toMatchObject({ state: 'CLOSED' });
	expect(await alerts()).toEqual([false]);
});

test('a breaker that failures opened can be held, and one half open reset; the unknown and the closed are left', async () => {
	for (let failure = 0; failure < 5; failure++)
		await recordExchangeResult(books.pool, { exchangeId, isSuccess: false, error: 'down', now: after(failure) });
	await open(after(10));
	expect(await ask(after(120))).toMatchObject({ isGranted: false });
	expect(await reset(after(121))).toBe('OPEN');
	for (let failure = 0; failure < 5; failure++)
		await recordExchangeResult(books.pool, { exchangeId, isSuccess: false, error: 'down', now: after(200) });
	expect(await ask(after(270))).toMatchObject({ isProbe: true });
	expect(await reset(after(271))).toBe('HALF_OPEN');
	expect(await breaker()).toMatchObject({ state: 'CLOSED', probe_at: null });
	const audited = async () => (await books.pool.query('select from audit_log')).rowCount;
	const before = await audited();
	expect(await reset(after(272))).toBe('CLOSED');
	expect(await audited()).toBe(before);
	expect(await openBreaker(books.pool, { exchangeId: 'mtgox', reason: 'x' })).toBe(null);
	expect(await resetBreaker(books.pool, { exchangeId: 'mtgox' })).toBe(null);
});

test('after a reopening unknown orders are asked for and closes sent before any entry of their account', async () => {
	const world = await makeWorld(books.pool);
	const unknown = await submitTrade(books.pool, await queueTrade(books.pool, await makeBot(books.pool, world)));
	await recordOrderResult(books.pool, { orderId: unknown.orderId, workerId, result: 'UNKNOWN', now: after(1) });
	const holder = await makeBot(books.pool, world);
	await openPosition(books.pool, holder);
	const close = await queueTrade(books.pool, holder, { direction: 'CLOSE', now: after(9) });
	const entry = await queueTrade(books.pool, await makeBot(books.pool, world));
	const elsewhere = await queueTrade(books.pool, await makeBot(books.pool, await makeWorld(books.pool)));
	await open(after(10));
	await reset(after(20));
	const claim = async (seconds: number) =>
		(await claimTrades(books.pool, { workerId, now: after(seconds) })).map(({ tradeId }) => tradeId);
	expect(await claim(21)).toEqual([close, elsewhere]);
	// The close is on its way, and the order has not been asked for.
	expect(await claim(22)).toEqual([]);
	expect(await claimUnsettledOrders(books.pool, { now: after(22) })).toHaveLength(1);
	expect(await claim(22)).toEqual([]);
	// A close that waits for its next attempt stops nothing.
	await releaseTrades(books.pool, { tradeIds: [close], workerId, retryAfterMs: 5_000, now: after(23) });
	expect(await claim(23)).toEqual([entry]);
});

test('that holds for a minute at most', async () => {
	const world = await makeWorld(books.pool);
	const unknown = await submitTrade(books.pool, await queueTrade(books.pool, await makeBot(books.pool, world)));
	await recordOrderResult(books.pool, { orderId: unknown.orderId, workerId, result: 'UNKNOWN', now: after(1) });
	const entry = await queueTrade(books.pool, await makeBot(books.pool, world));
	await open(after(10));
	await reset(after(20));
	expect(await claimTrades(books.pool, { workerId, now: after(79) })).toEqual([]);
	expect(await claimTrades(books.pool, { workerId, now: after(81) })).toMatchObject([{ tradeId: entry }]);
});
