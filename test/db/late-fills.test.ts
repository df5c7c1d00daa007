/** Fills that come when their position, or their order, has long ended: the money counts, and nothing is made up. */
import { expect, test } from 'vitest';
import { applyFills, recordOrderResult, retryCloses, settleOrder } from '../../src/database/functions/trades.ts';
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
import { after, type Bot, makeBot, makeWorld } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();
const positionOf = (bot: Bot) =>
	one(books.pool, 'select * from positions where bot_id = $1 order by id desc limit 1', [bot.id]);
const numbers = (row: Record<string, unknown>, ...names: string[]) => names.map((name) => Number(row[name]));
const openAlerts = async () =>
	(await books.pool.query('select code from alerts where resolved_at is null order by code')).rows.map(
		({ code }) => code,
	);
const settle = (order: SentOrder, filledQuantity: number, now: Date) =>
	settleOrder(books.pool, { orderId: order.orderId, status: 'CANCELLED', filledQuantity, now });

test('a fill of a close whose position the stop has closed meanwhile realises nothing and alerts', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const bot = await makeBot(books.pool, world);
	const { order } = await openPosition(books.pool, bot, { stopLossFraction: 0.1 });
	const close = await openOrder(books.pool, bot, { direction: 'CLOSE', now: after(5) });
	const stop = { ...fillOf(close, { price: 90, at: after(6) }), exchange_order_id: 'stop-1', stop_kind: 'STOP_LOSS' };
	await applyFills(books.pool, {
		accountId: order.accountId,
		fills: [{ ...stop, client_order_id: null }],
		now: after(7),
	});
	await applyFill(books.pool, close, { price: 91, fee: 1, at: after(6), now: after(8) });
	const closed = await positionOf(bot);
	expect(closed).toMatchObject({ status: 'CLOSED', closed_at: after(6) });
	expect(numbers(closed, 'quantity', 'exited_quantity', 'average_exit_price', 'realised_pnl', 'fees')).toEqual([
		0, 10, 90, -100, 1,
	]);
	expect(await one(books.pool, 'select status from orders where id = $1', [close.orderId])).toEqual({
		status: 'FILLED',
	});
	expect(
		Number((await one(books.pool, 'select realised_pnl from fills where order_id = $1', [close.orderId])).realised_pnl),
	).toBe(0);
	expect(Number((await one(books.pool, `select booked from account_balances`)).booked)).toBe(10_000 - 100 - 1);
	expect(await openAlerts()).toEqual(['POSITION_OVERCLOSED']);
});

test('of a fill beyond what is held only that part is realised', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const bot = await makeBot(books.pool, world);
	const { order } = await openPosition(books.pool, bot, { stopLossFraction: 0.1 });
	const fill = { ...fillOf(order, { quantity: 12, price: 90 }), exchange_order_id: 'stop-1', stop_kind: 'STOP_LOSS' };
	await applyFills(books.pool, {
		accountId: order.accountId,
		fills: [{ ...fill, side: 'SELL', client_order_id: null }],
		now: after(7),
	});
	expect(numbers(await positionOf(bot), 'exited_quantity', 'realised_pnl')).toEqual([10, -100]);
	expect(Number((await one(books.pool, `select booked from account_balances`)).booked)).toBe(9_900);
});

test('what was written off as dust and sold by a late fill is no longer dust', async () => {
	const world = await makeWorld(books.pool, { instrument: { lotSize: '0.1', minimumQuantity: '1' } });
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, bot);
	const close = await openOrder(books.pool, bot, { direction: 'CLOSE', now: after(5) });
	await applyFill(books.pool, close, { quantity: 9.5, price: 110, at: after(6) });
	await settle(close, 9.5, after(7));
	expect(await decide(books.pool, bot, { direction: 'CLOSE', now: after(70) })).toMatchObject({
		reasonCode: 'BELOW_MINIMUM',
	});
	expect(numbers(await positionOf(bot), 'quantity', 'dust_quantity')).toEqual([0, 0.5]);
	await applyFill(books.pool, close, { quantity: 0.5, price: 110, at: after(6), now: after(80) });
	const closed = await positionOf(bot);
	expect(closed.closed_at).toEqual(after(70));
	expect(numbers(closed, 'quantity', 'dust_quantity', 'exited_quantity', 'realised_pnl')).toEqual([0, 0, 10, 100]);
	expect(await openAlerts()).not.toContain('POSITION_OVERCLOSED');
});

test('an entry filled after its bot has turned round reduces what the bot holds now', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const long = await openOrder(books.pool, bot);
	await settle(long, 0, after(1));
	await openPosition(books.pool, bot, { direction: 'SHORT', now: after(300) });
	await applyFill(books.pool, long, { quantity: 4, price: 90, fee: 0.5, at: after(1), now: after(310) });
	const short = await positionOf(bot);
	expect(short).toMatchObject({ direction: 'SHORT', status: 'OPEN' });
	expect(numbers(short, 'quantity', 'realised_pnl', 'fees')).toEqual([6, 40, 0.5]);
	expect(await one(books.pool, 'select status, position_id from orders where id = $1', [long.orderId])).toEqual({
		status: 'PARTIALLY_FILLED',
		position_id: short.id,
	});
	expect(await openAlerts()).toContain('LATE_ENTRY_FILL');
	// Once that is closed, the rest is a position again.
	const close = await openOrder(books.pool, bot, { direction: 'CLOSE', now: after(600) });
	await applyFill(books.pool, close, { at: after(601) });
	await applyFill(books.pool, long, { quantity: 6, price: 90, at: after(1), now: after(610) });
	const rest = await positionOf(bot);
	expect(rest).toMatchObject({ direction: 'LONG', status: 'OPEN' });
	expect(numbers(rest, 'quantity', 'average_entry_price')).toEqual([6, 90]);
});

/** What its trade says, and whether a trade that ended without a fill is told apart from one that was executed. */
const tradeOf = (order: SentOrder) =>
	one(
		books.pool,
		'select status, reason_code, error, reserved_capital::float8 as reserved from trade_queue where id = $1',
		[order.tradeId],
	);

test('an entry that had FAILED is EXECUTED by the fill that comes after all', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const entry = await openOrder(books.pool, bot);
	await settle(entry, 0, after(1));
	expect(await tradeOf(entry)).toMatchObject({ status: 'FAILED', reason_code: 'NOT_FILLED' });
	await applyFill(books.pool, entry, { quantity: 4, at: after(1), now: after(10) });
	expect(await tradeOf(entry)).toEqual({ status: 'EXECUTED', reason_code: null, error: null, reserved: 0 });
	expect(await positionOf(bot)).toMatchObject({ status: 'OPEN', direction: 'LONG' });
	const { details } = await one<{ details: Record<string, unknown> }>(
		books.pool,
		`select details from alerts where code = 'LATE_FILL' and resolved_at is null and subject = 'trade ' || $1`,
		[entry.tradeId],
	);
	expect(details).toMatchObject({ status: 'FAILED', reason_code: 'NOT_FILLED' });
	// The rest comes too: nothing more to say.
	await applyFill(books.pool, entry, { quantity: 6, at: after(1), now: after(11) });
	expect(await tradeOf(entry)).toMatchObject({ status: 'EXECUTED' });
	expect(Number((await positionOf(bot)).quantity)).toBe(10);
});

test('one that the exchange had refused, or that had expired, is EXECUTED by a fill as well', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const refused = await submitTrade(books.pool, await queueTrade(books.pool, bot));
	const result = { orderId: refused.orderId, workerId, result: 'REFUSED', code: '110007', message: 'no funds' };
	await recordOrderResult(books.pool, { ...result, now: after(1) });
	expect(await tradeOf(refused)).toMatchObject({ status: 'FAILED', reason_code: 'EXCHANGE_REFUSED' });
	const fill = {
		...fillOf(refused, { at: after(1) }),
		exchange_order_id: 'late-1',
		client_order_id: refused.clientOrderId,
	};
	await applyFills(books.pool, { accountId: refused.accountId, fills: [fill], now: after(5) });
	expect(await tradeOf(refused)).toMatchObject({ status: 'EXECUTED', reason_code: null });
	expect(await openAlerts()).toEqual(['LATE_FILL']);
});

test('a close that had FAILED and is filled after all is EXECUTED, and its failure is over', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, bot);
	const close = await openOrder(books.pool, bot, { direction: 'CLOSE', now: after(5) });
	await settle(close, 0, after(6));
	expect(await openAlerts()).toEqual(['CLOSE_FAILED']);
	await applyFill(books.pool, close, { quantity: 6, at: after(6), now: after(8) });
	expect(await tradeOf(close)).toMatchObject({ status: 'EXECUTED', reason_code: null });
	expect(await openAlerts()).toEqual(['LATE_FILL']);
	// What it left is closed by the next one, of what is held.
	expect(await retryCloses(books.pool, { now: after(80) })).toBe(1);
	const next = await one(
		books.pool,
		`select quantity::float8 as quantity from trade_queue where status = 'PENDING' and direction = 'CLOSE'`,
	);
	expect(next).toEqual({ quantity: 4 });
});
