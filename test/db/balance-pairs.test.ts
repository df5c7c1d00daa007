/** balance_pairs: what only one leg did is undone, once, whoever looks and however often. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setAccountStatus, setBotStatus } from '../../src/database/functions/administration.ts';
import {
	applyFills,
	balancePairs,
	claimTrades,
	recordOrderResult,
	recoverOrders,
	retryCloses,
	settleOrder,
} from '../../src/database/functions/trades.ts';
import { createPool } from '../../src/database/pool.ts';
import {
	checkPair,
	fillTrade,
	type LegTrade,
	makePair,
	openPair,
	type Pair,
	submitOne,
	tradesOf,
} from '../support/factories/pairs.ts';
import { acknowledge, applyFill, fillOf, queueTrade, workerId } from '../support/factories/trading.ts';
import { after } from '../support/factories/world.ts';
import { openBooks } from './books.ts';

const books = openBooks();
const entered = after(300);
const after300 = (seconds: number): Date => after(300 + seconds);

let racers: Pool;
beforeAll(() => {
	racers = createPool({ url: books.url, max: 5, applicationName: 'botbox tests' });
});
afterAll(() => racers.end());

/** Enters; answers the trade of the spot leg and that of the perpetual. */
async function entriesOf(pair: Pair): Promise<[LegTrade, LegTrade]> {
	await checkPair(books.pool, pair, entered, { decision: 'LONG', prices: [100, 100] });
	const [spot, perpetual] = await tradesOf(books.pool, pair);
	return [spot!, perpetual!];
}

/** The exchange refuses the order. */
async function refuse(trade: LegTrade, now = entered): Promise<void> {
	const { orderId } = await submitOne(books.pool, trade.id, now);
	await recordOrderResult(books.pool, { orderId, workerId, result: 'REFUSED', code: '170131', message: 'no', now });
}

/** Only a part of the order is filled, the rest cancelled. */
async function fillPart(trade: LegTrade, quantity: number, now = entered): Promise<void> {
	const order = await submitOne(books.pool, trade.id, now);
	await acknowledge(books.pool, order, now);
	if (quantity > 0) await applyFill(books.pool, order, { quantity, at: now });
	await settleOrder(books.pool, { orderId: order.orderId, status: 'CANCELLED', filledQuantity: quantity, now });
}

async function closesOf(pair: Pair): Promise<LegTrade[]> {
	return (await tradesOf(books.pool, pair)).filter(({ direction }) => direction === 'CLOSE');
}

async function held(pair: Pair): Promise<Record<string, number>> {
	const { rows } = await books.pool.query(
		`select instrument_id, quantity from botbox.positions where bot_id = $1 and status = 'OPEN'`,
		[pair.id],
	);
	const names = new Map([
		[pair.spot.id, 'spot'],
		[pair.perpetual.id, 'perpetual'],
	]);
	return Object.fromEntries(rows.map((row) => [names.get(row.instrument_id), Number(row.quantity)]));
}

async function alerts(): Promise<Record<string, unknown>[]> {
	const { rows } = await books.pool.query(
		`select severity, subject, resolved_at is null as is_open from botbox.alerts where code = 'PAIR_UNBALANCED'`,
	);
	return rows;
}

const balance = (seconds: number) => balancePairs(books.pool, { now: after300(seconds) });

test('an entry not yet sent is cancelled once the other leg has come to nothing', async () => {
	const pair = await makePair(books.pool);
	const [spot, perpetual] = await entriesOf(pair);
	expect(await balance(1)).toBe(0);
	await refuse(perpetual);
	expect(await balance(2)).toBe(1);
	expect(await balance(3)).toBe(0);
	expect(await tradesOf(books.pool, pair)).toMatchObject([
		{ id: spot.id, status: 'CANCELLED', reason: 'OTHER_LEG_FAILED' },
		{ id: perpetual.id, status: 'FAILED', reason: 'EXCHANGE_REFUSED' },
	]);
	const { rows } = await books.pool.query('select sum(reserved_capital) as sum from botbox.trade_queue');
	expect(Number(rows[0].sum)).toBe(0);
});

test('an entry that waits to be sent again ends with its order', async () => {
	const pair = await makePair(books.pool);
	const [spot, perpetual] = await entriesOf(pair);
	const { orderId } = await submitOne(books.pool, spot.id, entered);
	await recordOrderResult(books.pool, { orderId, workerId, result: 'NOT_ACCEPTED', now: entered });
	await refuse(perpetual);
	expect(await balance(1)).toBe(1);
	const { rows } = await books.pool.query('select status, reject_code from botbox.orders where id = $1', [orderId]);
	expect(rows).toEqual([{ status: 'REJECTED', reject_code: 'OTHER_LEG_FAILED' }]);
	expect(await balance(2)).toBe(0);
});

test('an entry that is being sent, or of which nobody knows, is waited for; what it fills is closed', async () => {
	const pair = await makePair(books.pool);
	const [spot, perpetual] = await entriesOf(pair);
	const order = await submitOne(books.pool, spot.id, entered);
	await recordOrderResult(books.pool, { orderId: order.orderId, workerId, result: 'UNKNOWN', now: entered });
	await refuse(perpetual);
	expect(await balance(1)).toBe(0);
	// For ten minutes the exchange does not say: the trade is parked.
	await recoverOrders(books.pool, { now: after300(660) });
	expect((await tradesOf(books.pool, pair))[0]).toMatchObject({ id: spot.id, status: 'PARKED' });
	expect(await balance(661)).toBe(0);
	await acknowledge(books.pool, order, after300(670));
	await applyFill(books.pool, order, { at: after300(670) });
	expect(await balance(671)).toBe(1);
	expect(await balance(672)).toBe(0);
	expect(await closesOf(pair)).toMatchObject([
		{ instrumentId: pair.spot.id, trigger: 'LEG_IMBALANCE', quantity: '10.000', status: 'PENDING' },
	]);
});

test.each(['spot', 'perpetual'] as const)('a %s leg that is filled alone is closed whole', async (alone) => {
	const pair = await makePair(books.pool);
	const [spot, perpetual] = await entriesOf(pair);
	const [filled, failed] = alone === 'spot' ? [spot, perpetual] : [perpetual, spot];
	await fillTrade(books.pool, filled.id, { now: entered });
	await fillPart(failed, 0);
	expect(await balance(1)).toBe(1);
	const [close] = await closesOf(pair);
	expect(close).toMatchObject({ instrumentId: filled.instrumentId, quantity: '10.000', trigger: 'LEG_IMBALANCE' });
	expect(close!.side).toBe(alone === 'spot' ? 'SELL' : 'BUY');
	await fillTrade(books.pool, close!.id, { now: after300(2) });
	expect(await held(pair)).toEqual({});
	expect(await balance(3)).toBe(0);
});

test.each(['spot', 'perpetual'] as const)(
	'a %s leg filled in part: the surplus of the other is closed',
	async (part) => {
		const pair = await makePair(books.pool);
		const [spot, perpetual] = await entriesOf(pair);
		const [partly, whole] = part === 'spot' ? [spot, perpetual] : [perpetual, spot];
		await fillTrade(books.pool, whole.id, { now: entered });
		expect(await balance(1)).toBe(0);
		await fillPart(partly, 4);
		expect(await balance(2)).toBe(1);
		const [close] = await closesOf(pair);
		expect(close).toMatchObject({ instrumentId: whole.instrumentId, quantity: '6.000' });
		await fillTrade(books.pool, close!.id, { now: after300(3) });
		expect(await held(pair)).toEqual({ spot: 4, perpetual: 4 });
		// What is left matches, and stays: neither this nor the retry of closes takes it for unfinished.
		for (const seconds of [4, 70, 200]) {
			expect(await balance(seconds)).toBe(0);
			expect(await retryCloses(books.pool, { now: after300(seconds) })).toBe(0);
		}
		expect(await alerts()).toEqual([]);
	},
);

test('fees in the base asset, rounding to lots and less than the smallest order are no imbalance', async () => {
	const pair = await makePair(books.pool);
	// A percent of 10 is kept by the exchange: more than the smallest order.
	await openPair(books.pool, pair, entered, { prices: [100, 100], spotFee: '0.1' });
	expect(await held(pair)).toEqual({ spot: 9.9, perpetual: 10 });
	expect(await balance(200)).toBe(0);
	expect(await alerts()).toEqual([]);

	// A surplus of 0.4 is worth 40: no order for it would be taken.
	const other = await makePair(books.pool, { perpetual: { minimumQuantity: '0.1', minimumNotional: '50' } });
	const [spot, perpetual] = await entriesOf(other);
	await fillTrade(books.pool, perpetual.id, { now: entered });
	await fillPart(spot, 9.6);
	expect(await balance(200)).toBe(0);
	expect(await alerts()).toEqual([]);
});

test('after fees in the base asset, closing a part and then all leaves dust only', async () => {
	const pair = await makePair(books.pool);
	await openPair(books.pool, pair, entered, { prices: [100, 100], spotFee: '0.01' });
	const half = await queueTrade(
		books.pool,
		{ ...pair, instrumentId: pair.perpetual.id },
		{ direction: 'CLOSE', trigger: 'FLATTEN', quantity: 5, now: after300(10) },
	);
	await fillTrade(books.pool, half, { now: after300(11) });
	expect(await balance(12)).toBe(1);
	const [, surplus] = await closesOf(pair);
	expect(surplus).toMatchObject({ instrumentId: pair.spot.id, quantity: '5.000' });
	await fillTrade(books.pool, surplus!.id, { now: after300(13) });
	expect(await held(pair)).toEqual({ spot: 4.99, perpetual: 5 });
	expect(await balance(14)).toBe(0);
});

test('a leg closed by a person or by a stop takes the other with it, also of a bot that was stopped', async () => {
	const pair = await makePair(books.pool);
	await openPair(books.pool, pair, entered, { prices: [100, 100] });
	await setBotStatus(books.pool, { botId: pair.id, status: 'STOPPED', now: after300(5) });
	const close = await queueTrade(books.pool, pair, {
		direction: 'CLOSE',
		trigger: 'STOP_LOSS',
		now: after300(10),
	});
	// While it is under way nothing else is done.
	expect(await balance(11)).toBe(0);
	await fillTrade(books.pool, close, { now: after300(12) });
	expect(await balance(13)).toBe(1);
	const [, other] = await closesOf(pair);
	expect(other).toMatchObject({ instrumentId: pair.perpetual.id, side: 'BUY', quantity: '10.000' });
});

test('a balancing close that failed is tried again after a minute, sized anew, and alerts until it is done', async () => {
	const pair = await makePair(books.pool);
	const [spot, perpetual] = await entriesOf(pair);
	await fillTrade(books.pool, spot.id, { now: entered });
	await refuse(perpetual);
	expect(await balance(1)).toBe(1);
	await refuse((await closesOf(pair))[0]!, after300(2));
	for (const seconds of [3, 30, 61]) {
		expect(await balance(seconds)).toBe(0);
		expect(await retryCloses(books.pool, { now: after300(seconds) })).toBe(0);
	}
	expect(await alerts()).toEqual([]);
	expect(await retryCloses(books.pool, { now: after300(62) })).toBe(0);
	expect(await balance(62)).toBe(1);
	// The second attempt fills half: the rest follows a minute later.
	await fillPart((await closesOf(pair))[1]!, 5, after300(63));
	expect(await balance(64)).toBe(0);
	expect(await balance(123)).toBe(1);
	expect((await closesOf(pair))[2]).toMatchObject({ quantity: '5.000', status: 'PENDING' });
	expect(await balance(183)).toBe(0);
	expect(await alerts()).toEqual([{ severity: 'CRITICAL', subject: `bot ${pair.id}`, is_open: true }]);
	await fillTrade(books.pool, (await closesOf(pair))[2]!.id, { now: after300(190) });
	expect(await held(pair)).toEqual({});
	expect(await balance(191)).toBe(0);
	expect(await alerts()).toEqual([{ severity: 'CRITICAL', subject: `bot ${pair.id}`, is_open: false }]);
});

test('of two pairs on one account the one that is still being sent is left alone', async () => {
	const pair = await makePair(books.pool);
	const sending = await makePair(books.pool, { accountId: pair.accountId });
	for (const each of [pair, sending]) {
		const [spot, perpetual] = await entriesOf(each);
		await fillTrade(books.pool, spot.id, { now: entered });
		if (each === pair) await refuse(perpetual);
		else await submitOne(books.pool, perpetual.id, entered);
	}
	expect(await balance(1)).toBe(1);
	expect(await closesOf(pair)).toHaveLength(1);
	expect(await closesOf(sending)).toEqual([]);
});

test('a HALTED account sends nothing: its pair is alerted, and balanced once the account may trade again', async () => {
	const pair = await makePair(books.pool);
	const [spot, perpetual] = await entriesOf(pair);
	await fillTrade(books.pool, spot.id, { now: entered });
	await refuse(perpetual);
	await setAccountStatus(books.pool, { accountId: pair.accountId, status: 'HALTED', reason: 'drill' });
	expect(await balance(121)).toBe(0);
	expect(await alerts()).toMatchObject([{ is_open: true }]);
	const { rows } = await books.pool.query(`select from botbox.signals where trigger_reason = 'LEG_IMBALANCE'`);
	expect(rows).toEqual([]);
	await setAccountStatus(books.pool, { accountId: pair.accountId, status: 'REDUCING' });
	expect(await balance(130)).toBe(1);
});

test('what is left too small for any order is written off, and the pair is even', async () => {
	const pair = await makePair(books.pool, { perpetual: { minimumQuantity: '6' } });
	const [spot, perpetual] = await entriesOf(pair);
	await fillPart(perpetual, 4);
	await fillPart(spot, 0);
	await balance(1);
	expect(await held(pair)).toEqual({});
	expect(await balance(2)).toBe(0);
});

test('many who look at once queue one close and cancel once', async () => {
	for (let round = 0; round < 15; round++) {
		const pair = await makePair(books.pool);
		const [spot, perpetual] = await entriesOf(pair);
		await fillTrade(books.pool, spot.id, { now: entered });
		await refuse(perpetual);
		const waiting = await makePair(books.pool);
		const [, failed] = await entriesOf(waiting);
		await refuse(failed);
		const counts = await Promise.all(
			Array.from({ length: 5 }, () => balancePairs(racers, { now: after300(round + 1) })),
		);
		expect(counts.reduce((sum, count) => sum + count)).toBe(2);
		expect(await closesOf(pair)).toHaveLength(1);
		expect((await tradesOf(books.pool, waiting))[0]).toMatchObject({ status: 'CANCELLED' });
		await fillTrade(books.pool, (await closesOf(pair))[0]!.id, { now: after300(round + 2) });
	}
});

test('while an executor claims, the leg is either sent or cancelled, never both', async () => {
	for (let round = 0; round < 30; round++) {
		const pair = await makePair(books.pool);
		const [spot, failed] = await entriesOf(pair);
		await refuse(failed);
		const now = after300(1);
		const [claimed, cancelled] = await Promise.all([
			claimTrades(racers, { workerId: 'sender', limit: 100, now }),
			balancePairs(racers, { now }),
		]);
		const [after] = await tradesOf(books.pool, pair);
		const isClaimed = claimed.some(({ tradeId }) => tradeId === spot.id);
		expect([isClaimed, cancelled]).toEqual([after!.status === 'EXECUTING', after!.status === 'CANCELLED' ? 1 : 0]);
		await books.pool.query(`update botbox.trade_queue set status = 'FAILED', reason_code = 'NOT_FILLED', reserved_capital = 0,
			claimed_by = null, claimed_until = null, finished_at = now() where finished_at is null`);
	}
});

test('fills that are booked at the same moment are seen or waited for: nothing is closed twice', async () => {
	for (let round = 0; round < 15; round++) {
		const pair = await makePair(books.pool);
		const [spot, perpetual] = await entriesOf(pair);
		await fillTrade(books.pool, spot.id, { now: entered });
		const order = await submitOne(books.pool, perpetual.id, entered);
		await acknowledge(books.pool, order, entered);
		const fills = [fillOf(order, { at: after300(1) })];
		await Promise.all([
			applyFills(racers, { accountId: pair.accountId, fills, now: after300(1) }),
			...Array.from({ length: 3 }, () => balancePairs(racers, { now: after300(1) })),
		]);
		expect(await closesOf(pair)).toEqual([]);
		expect(await held(pair)).toEqual({ spot: 10, perpetual: 10 });
	}
});
