/** apply_fills: each fill once, in any order of arrival; order, position, reserved capital and ledger move together. */
import { expect, test } from 'vitest';
import { applyFills, queueExits, recordOrderResult } from '../../src/database/functions/trades.ts';
import {
	applyFill,
	decide,
	fillOf,
	openOrder,
	openPosition,
	queueTrade,
	type SentOrder,
	submitTrade,
	workerId,
} from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeWorld, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

type Fill = ReturnType<typeof fillOf>;
const apply = async (accountId: number, fills: readonly Fill[], now = after(60)) =>
	(await applyFills(books.pool, { accountId, fills, now }))[0];
const position = (bot: Bot) =>
	one(books.pool, 'select * from positions where bot_id = $1 order by id desc limit 1', [bot.id]);
const orderRow = (id: number) => one(books.pool, 'select * from orders where id = $1', [id]);

/** Booked balances of an account, as numbers. */
async function balances(accountId: number): Promise<Record<string, number>> {
	const { rows } = await books.pool.query('select asset, booked from account_balances where account_id = $1', [
		accountId,
	]);
	return Object.fromEntries(rows.map(({ asset, booked }) => [asset, Number(booked)]));
}

/** Fills of an order that the exchange made from a stop of ours. */
function stopFill(
	order: SentOrder,
	quantity: number,
	options: Parameters<typeof fillOf>[1] & { orderId?: string } = {},
): Fill {
	return {
		...fillOf(order, { ...options, quantity }),
		client_order_id: null as unknown as string,
		exchange_order_id: options.orderId ?? 'stop-1',
		side: order.side === 'BUY' ? 'SELL' : 'BUY',
		stop_kind: 'STOP_LOSS',
	};
}

test('an entry in three fills: position, order, trade and reserved capital after each', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const order = await openOrder(books.pool, bot);
	const reserved = async () =>
		Number(
			(await one(books.pool, 'select reserved_capital from trade_queue where id = $1', [order.tradeId]))
				.reserved_capital,
		);
	expect(await reserved()).toBeCloseTo(1_001, 8);
	await applyFill(books.pool, order, { quantity: 2, price: 100, fee: 0.2, at: after(1) });
	expect(await reserved()).toBeCloseTo(800.8, 8);
	await applyFill(books.pool, order, { quantity: 3, price: 102, fee: 0.3, at: after(2) });
	expect(await reserved()).toBeCloseTo(500.5, 8);
	expect(await orderRow(order.orderId)).toMatchObject({ status: 'PARTIALLY_FILLED', finished_at: null });
	expect(await position(bot)).toMatchObject({ status: 'OPEN', lots: 1, opened_at: after(1) });
	await applyFill(books.pool, order, { quantity: 5, price: 104, fee: 0.5, at: after(3) });
	expect(await reserved()).toBe(0);
	const done = await orderRow(order.orderId);
	expect(done).toMatchObject({ status: 'FILLED', exchange_updated_at: after(3) });
	expect(Number(done.average_price)).toBeCloseTo(102.6, 12);
	const held = await position(bot);
	expect([held.quantity, held.average_entry_price, held.fees].map(Number)).toEqual([10, 102.6, 1]);
	expect(await one(books.pool, 'select status from trade_queue where id = $1', [order.tradeId])).toEqual({
		status: 'EXECUTED',
	});
	expect(await balances(world.accountId)).toEqual({ USDT: 9_999 });
});

test('a fill is booked once: twice in a batch, in two batches, and from two connections at once', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const order = await openOrder(books.pool, bot);
	const fill = fillOf(order, { quantity: 1 });
	expect(await apply(world.accountId, [fill, fill])).toEqual({ applied: 1, repeated: 1, foreignFills: 0 });
	expect(await apply(world.accountId, [fill])).toEqual({ applied: 0, repeated: 1, foreignFills: 0 });
	for (let round = 0; round < 5; round++) {
		const next = fillOf(order, { quantity: 1 });
		const results = await Promise.all([1, 2, 3].map(() => apply(world.accountId, [next])));
		expect(results.reduce((sum, result) => sum + (result?.applied ?? 0), 0)).toBe(1);
	}
	expect(Number((await position(bot)).quantity)).toBe(6);
});

test('the same fill id of another order, instrument or side of a self-trade is another fill', async () => {
	const world = await makeWorld(books.pool);
	const [first, second] = [await makeBot(books.pool, world), await makeBot(books.pool, world)];
	const long = await openOrder(books.pool, first);
	const short = await openOrder(books.pool, second, { direction: 'SHORT' });
	const fills = [fillOf(long, { fillId: 'same' }), fillOf(short, { fillId: 'same' })];
	expect(await apply(world.accountId, fills)).toEqual({ applied: 2, repeated: 0, foreignFills: 0 });
});

test("fills are found by our id before the exchange's is known, and prove that an UNKNOWN order stands", async () => {
	const world = await makeWorld(books.pool);
	const order = await submitTrade(books.pool, await queueTrade(books.pool, await makeBot(books.pool, world)));
	await recordOrderResult(books.pool, { orderId: order.orderId, workerId, result: 'UNKNOWN', now: after(1) });
	await applyFill(books.pool, order, { quantity: 4, at: after(2) });
	expect(await orderRow(order.orderId)).toMatchObject({
		status: 'PARTIALLY_FILLED',
		unknown_since: null,
		exchange_order_id: `ex-${order.orderId}`,
		acknowledged_at: after(2),
	});
});

test('fills of orders that are not ours are counted and alerted, never booked', async () => {
	const world = await makeWorld(books.pool);
	const { order } = await openPosition(books.pool, await makeBot(books.pool, world));
	const foreign = { ...fillOf(order), exchange_order_id: 'theirs', client_order_id: 'theirs-1' };
	expect(await apply(world.accountId, [foreign])).toEqual({ applied: 0, repeated: 0, foreignFills: 1 });
	expect(await apply(world.accountId, [foreign])).toMatchObject({ foreignFills: 1 });
	expect(await one(books.pool, `select occurrences from alerts where code = 'FOREIGN_FILL'`)).toEqual({
		occurrences: 2,
	});
	expect(await one(books.pool, 'select count(*) from fills')).toEqual({ count: 1 });
});

test('on spot two assets change hands, and a fee in the base asset reduces what is held', async () => {
	const world = await makeWorld(books.pool, { instrument: { marketType: 'SPOT' } });
	const base = world.instrument.symbol.split('/')[0]!;
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, bot, { fee: 0.01, feeAsset: base });
	expect(await balances(world.accountId)).toEqual({ USDT: 9_000, [base]: 9.99 });
	const held = await position(bot);
	expect([held.quantity, held.entered_quantity, held.fees].map(Number)).toEqual([9.99, 10, 1]);
	const close = await openOrder(books.pool, bot, { direction: 'CLOSE', now: after(5) });
	expect(Number(close.quantity)).toBe(9.99);
	await applyFill(books.pool, close, { price: 110, fee: 1.0989, at: after(6) });
	const closed = await position(bot);
	expect(closed).toMatchObject({ status: 'CLOSED', closed_at: after(6) });
	expect([closed.realised_pnl, closed.fees].map(Number)).toEqual([99.9, 2.0989]);
	// What is in the account is what the position says: nothing appears from nowhere.
	const after10 = await balances(world.accountId);
	expect(after10[base]).toBe(0);
	expect(after10.USDT).toBeCloseTo(10_000 + 99.9 - 2.0989, 8);
});

test('a fee in a third asset stands in the ledger only', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, bot, { fee: 0.003, feeAsset: 'BNB' });
	expect(await balances(world.accountId)).toEqual({ USDT: 10_000, BNB: -0.003 });
	expect(Number((await position(bot)).fees)).toBe(0);
});

test('a short on a perpetual gains as the price falls; contracts count by their size', async () => {
	const world = await makeWorld(books.pool, {
		instrument: { contractSize: '0.01', lotSize: '1', minimumQuantity: '1' },
	});
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, bot, { direction: 'SHORT' });
	const close = await openOrder(books.pool, bot, { direction: 'CLOSE', now: after(5) });
	expect(close).toMatchObject({ side: 'BUY' });
	expect(Number(close.quantity)).toBe(1_000);
	await applyFill(books.pool, close, { quantity: 1_000, price: 90, at: after(6) });
	expect(Number((await position(bot)).realised_pnl)).toBe(100);
	expect(await balances(world.accountId)).toEqual({ USDT: 10_100 });
});

test('orders that the exchange made from our stop are adopted, fill by fill', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const bot = await makeBot(books.pool, world);
	const { order, id } = await openPosition(books.pool, bot, { stopLossFraction: 0.1 });
	expect(
		await apply(world.accountId, [stopFill(order, 4, { price: 90 }), stopFill(order, 6, { price: 89 })]),
	).toMatchObject({
		applied: 2,
	});
	expect(await one(books.pool, `select * from orders where exchange_order_id = 'stop-1'`)).toMatchObject({
		purpose: 'STOP_LOSS',
		status: 'FILLED',
		client_order_id: null,
		trade_id: null,
		position_id: id,
	});
	const closed = await position(bot);
	expect(closed).toMatchObject({ status: 'CLOSED' });
	expect(Number(closed.realised_pnl)).toBe(-106);
});

test("a stop's fill where no position of ours has one at the exchange is foreign", async () => {
	const world = await makeWorld(books.pool);
	const { order } = await openPosition(books.pool, await makeBot(books.pool, world), { stopLossFraction: 0.1 });
	expect(await apply(world.accountId, [stopFill(order, 10)])).toMatchObject({ foreignFills: 1, applied: 0 });
});

test('a fill that closes more than is held is booked whole under a CRITICAL alert, and the next fills go on', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const bot = await makeBot(books.pool, world);
	const { order, id } = await openPosition(books.pool, bot, { stopLossFraction: 0.1 });
	const other = await openOrder(books.pool, await makeBot(books.pool, world));
	const result = await apply(world.accountId, [stopFill(order, 12, { price: 90 }), fillOf(other)]);
	expect(result).toEqual({ applied: 2, repeated: 0, foreignFills: 0 });
	expect(await one(books.pool, `select severity, subject from alerts where code = 'POSITION_OVERCLOSED'`)).toEqual({
		severity: 'CRITICAL',
		subject: `position ${id}`,
	});
	expect(await position(bot)).toMatchObject({ status: 'CLOSED', quantity: '0' });
	expect(
		Number((await one(books.pool, `select quantity from orders where exchange_order_id = 'stop-1'`)).quantity),
	).toBe(12);
});

test('a stop that closes the position ends the close that waited, its order, and the alert of one that had failed', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const bot = await makeBot(books.pool, world);
	const { order } = await openPosition(books.pool, bot, { stopLossFraction: 0.1 });
	const failed = await submitTrade(books.pool, await queueTrade(books.pool, bot, { direction: 'CLOSE' }));
	await recordOrderResult(books.pool, { orderId: failed.orderId, workerId, result: 'REFUSED', now: after(1) });
	const waiting = await submitTrade(
		books.pool,
		await queueTrade(books.pool, bot, { direction: 'CLOSE', now: after(2) }),
		{ now: after(2) },
	);
	await recordOrderResult(books.pool, { orderId: waiting.orderId, workerId, result: 'NOT_ACCEPTED', now: after(3) });
	await apply(world.accountId, [stopFill(order, 10)], after(4));
	expect(await one(books.pool, 'select status, reason_code from trade_queue where id = $1', [waiting.tradeId])).toEqual(
		{
			status: 'CANCELLED',
			reason_code: 'POSITION_CLOSED',
		},
	);
	expect(await orderRow(waiting.orderId)).toMatchObject({ status: 'REJECTED', finished_at: after(4) });
	expect(await one(books.pool, `select resolved_at from alerts where code = 'CLOSE_FAILED'`)).toEqual({
		resolved_at: after(4),
	});
});

test('a close refused because the stop was faster is no failure', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const bot = await makeBot(books.pool, world);
	const { order } = await openPosition(books.pool, bot, { stopLossFraction: 0.1 });
	const close = await submitTrade(books.pool, await queueTrade(books.pool, bot, { direction: 'CLOSE' }));
	await apply(world.accountId, [stopFill(order, 10)], after(1));
	await recordOrderResult(books.pool, {
		orderId: close.orderId,
		workerId,
		result: 'REFUSED',
		code: '110017',
		now: after(2),
	});
	expect(await one(books.pool, 'select status, reason_code from trade_queue where id = $1', [close.tradeId])).toEqual({
		status: 'CANCELLED',
		reason_code: 'POSITION_CLOSED',
	});
	expect((await books.pool.query(`select from alerts where code = 'CLOSE_FAILED'`)).rows).toEqual([]);
});

test('what is left below the smallest order is dust: closed in the books, kept in the balance', async () => {
	const world = await makeWorld(books.pool, {
		instrument: { marketType: 'SPOT', lotSize: '0.1', minimumQuantity: '0.1' },
	});
	const base = world.instrument.symbol.split('/')[0]!;
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, bot, { fee: 0.01, feeAsset: base });
	const close = await openOrder(books.pool, bot, { direction: 'CLOSE', now: after(5) });
	expect(Number(close.quantity)).toBe(9.9);
	await applyFill(books.pool, close, { at: after(6) });
	const closed = await position(bot);
	expect(closed).toMatchObject({ status: 'CLOSED', quantity: '0' });
	expect(Number(closed.dust_quantity)).toBeCloseTo(0.09, 12);
	expect((await balances(world.accountId))[base]).toBeCloseTo(0.09, 12);
});

test('DUST_WRITTEN_OFF: what no order can close any more is closed in the books, and said so', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const { id } = await openPosition(books.pool, bot);
	await books.pool.query('update instruments set minimum_quantity = 50');
	expect(await decide(books.pool, bot, { direction: 'CLOSE', now: after(300) })).toMatchObject({
		reasonCode: 'BELOW_MINIMUM',
	});
	expect(await position(bot)).toMatchObject({ status: 'CLOSED', quantity: '0' });
	expect(
		await one(books.pool, `select severity, subject, message from alerts where code = 'DUST_WRITTEN_OFF'`),
	).toEqual({
		severity: 'INFO',
		subject: `position ${id}`,
		message: expect.stringMatching(/^10(\.0+)? T\d+ of position \d+ is below what can be sold: closed in the books$/),
	});
});

test('a second lot adds to the position and weighs its price', async () => {
	const world = await makeWorld(books.pool, { version: { maxLots: 2 } });
	const bot = await makeBot(books.pool, world);
	const { id } = await openPosition(books.pool, bot, { price: 100 });
	const { id: same } = await openPosition(books.pool, bot, { price: 125, candleAt: after(300), now: after(300) });
	expect(same).toBe(id);
	const held = await position(bot);
	expect(held).toMatchObject({ lots: 2, status: 'OPEN' });
	expect([held.quantity, held.average_entry_price].map(Number)).toEqual([18, 2_000 / 18]);
	expect(await queueExits(books.pool, { now: after(301) })).toBe(0);
});

test('a position was opened by its earliest fill, whichever was reported first', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const order = await openOrder(books.pool, bot);
	await applyFill(books.pool, order, { quantity: 5, at: after(9), now: after(10) });
	await applyFill(books.pool, order, { quantity: 5, at: after(3), now: after(11) });
	expect(await position(bot)).toMatchObject({ opened_at: after(3) });
	expect(await orderRow(order.orderId)).toMatchObject({ exchange_updated_at: after(9) });
});

test('a stop at the exchange goes with the entry only for a LIVE bot that is alone in its instrument', async () => {
	const live = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const alone = await openOrder(books.pool, await makeBot(books.pool, live), { stopLossFraction: 0.1 });
	expect(await orderRow(alone.orderId)).toMatchObject({ stop_loss_price: '90.00' });
	const shared = await openOrder(books.pool, await makeBot(books.pool, live), { stopLossFraction: 0.1 });
	expect(await orderRow(shared.orderId)).toMatchObject({ stop_loss_price: null });
	expect(await one(books.pool, 'select protection from trade_queue where id = $1', [shared.tradeId])).toEqual({
		protection: 'GUARD',
	});
});

test("reduce-only where the net position is the bot's own", async () => {
	const world = await makeWorld(books.pool);
	const [first, second] = [await makeBot(books.pool, world), await makeBot(books.pool, world)];
	await openPosition(books.pool, first);
	const alone = await openOrder(books.pool, first, { direction: 'CLOSE' });
	expect(await orderRow(alone.orderId)).toMatchObject({ reduce_only: true });
	await openPosition(books.pool, second, { direction: 'SHORT' });
	const shared = await openOrder(books.pool, second, { direction: 'CLOSE', now: start });
	expect(await orderRow(shared.orderId)).toMatchObject({ reduce_only: false });
});
