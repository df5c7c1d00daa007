/** Lots in positions: entries of several, closes of some, and what becomes of them when orders are filled in part or fail. */
import { expect, test } from 'vitest';
import { claimChecks, recordChecks } from '../../src/database/functions/checks.ts';
import { applyFills, retryCloses, settleOrder } from '../../src/database/functions/trades.ts';
import { checkOf } from '../support/factories/evaluated-checks.ts';
import {
	acknowledge,
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
import { after, type Bot, makeBot, makeStrategyVersion, makeWorld, type World } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

const lotsWorld = async (options: Parameters<typeof makeWorld>[1] = {}): Promise<World> =>
	await makeWorld(books.pool, { ...options, version: { maxLots: 5 } });
const position = async (bot: Bot) =>
	await one(
		books.pool,
		'select status, lots, quantity::float as quantity, average_entry_price::float as entry from positions where bot_id = $1',
		[bot.id],
	);
const trade = async (id: string) =>
	await one(
		books.pool,
		'select status, side, lots, quantity::float as quantity, price::float as price, trigger_reason from trade_queue where id = $1',
		[id],
	);
const holding = async (lots: number, options: Parameters<typeof makeWorld>[1] = {}): Promise<Bot> => {
	const bot = await makeBot(books.pool, await lotsWorld(options), { notional: 100 });
	await openPosition(books.pool, bot, { lots });
	return bot;
};
const queueClose = (bot: Bot, lots: number | undefined, seconds: number) =>
	queueTrade(books.pool, bot, {
		direction: 'CLOSE',
		trigger: 'GRID_EXIT',
		now: after(seconds),
		...(lots === undefined ? {} : { lots }),
	});
const sendClose = async (bot: Bot, lots: number | undefined, seconds: number): Promise<SentOrder> => {
	const order = await submitTrade(books.pool, await queueClose(bot, lots, seconds), { now: after(seconds) });
	await acknowledge(books.pool, order, after(seconds));
	return order;
};
const end = (order: SentOrder, filledQuantity: number, seconds: number) =>
	settleOrder(books.pool, { orderId: order.orderId, status: 'CANCELLED', filledQuantity, now: after(seconds) });

test('an entry of three lots is one order of three times the size, and a position of three lots', async () => {
	const bot = await makeBot(books.pool, await lotsWorld(), { notional: 100 });
	const id = await queueTrade(books.pool, bot, { lots: 3 });
	expect(await trade(id)).toMatchObject({ side: 'BUY', lots: 3, quantity: 3, price: 100 });
	expect(await one(books.pool, 'select lots, notional::float as notional from signals')).toEqual({
		lots: 3,
		notional: 300,
	});
	const order = await submitTrade(books.pool, id);
	await acknowledge(books.pool, order);
	await applyFill(books.pool, order);
	expect(await position(bot)).toEqual({ status: 'OPEN', lots: 3, quantity: 3, entry: 100 });
});

test('the size of a lot is rounded before it is multiplied, so that lots are alike', async () => {
	const bot = await makeBot(books.pool, await lotsWorld(), { notional: 99.99 });
	expect(await trade(await queueTrade(books.pool, bot, { lots: 4 }))).toMatchObject({ quantity: 3.996 });
});

test.each([
	['an order of two lots', 2, [0.5, 0.5, 1], [1, 1, 2]],
	['an order of one lot', 1, [0.2, 0.3, 0.5], [1, 1, 1]],
	['an order of three lots in thirds', 3, [1, 1, 1], [1, 2, 3]],
])('%s counts as many lots as what is filled of it takes', async (_what, lots, fills, expected) => {
	const bot = await makeBot(books.pool, await lotsWorld(), { notional: 100 });
	const order = await openOrder(books.pool, bot, { lots });
	const counted: unknown[] = [];
	for (const quantity of fills) {
		const fill = fillOf(order, { quantity });
		await applyFills(books.pool, { accountId: bot.accountId, fills: [fill], now: after(1) });
		await applyFills(books.pool, { accountId: bot.accountId, fills: [fill], now: after(1) });
		counted.push((await position(bot)).lots);
	}
	expect(counted).toEqual(expected);
});

test('a half-filled entry of two lots leaves room for the other, and fills that come twice at once count once', async () => {
	const bot = await makeBot(books.pool, await lotsWorld(), { notional: 100 });
	const order = await openOrder(books.pool, bot, { lots: 2 });
	const fills = [fillOf(order, { quantity: 1 })];
	await Promise.all([1, 2, 3].map(() => applyFills(books.pool, { accountId: bot.accountId, fills, now: after(1) })));
	await end(order, 1, 2);
	expect(await position(bot)).toMatchObject({ lots: 1, quantity: 1 });
	await openPosition(books.pool, bot, { lots: 1, price: 90, candleAt: after(300), now: after(300) });
	expect(await position(bot)).toMatchObject({
		lots: 2,
		entry: (100 + 90 * 1.111) / 2.111,
	});
});

test('lots held and lots asked for must not exceed max_lots of the version that was checked', async () => {
	const bot = await holding(3);
	const asked = await decide(books.pool, bot, { lots: 3, candleAt: after(300) });
	expect(asked).toMatchObject({ outcome: 'REJECTED', reasonCode: 'DUPLICATE_POSITION' });
	expect(await one(books.pool, 'select details from signals where id = $1', [asked.signalId])).toMatchObject({
		details: { lots: 3, asked: 3, max_lots: 5 },
	});
	// The bot was given another version while the check ran: the check keeps its own, which allows as much.
	const own = await makeStrategyVersion(books.pool, { maxLots: 6 });
	const made = await decide(books.pool, bot, { lots: 3, candleAt: after(300), versionId: own });
	expect(made.outcome).toBe('QUEUED');
	expect(await one(books.pool, 'select strategy_version_id, lots from signals where id = $1', [made.signalId])).toEqual(
		{
			strategy_version_id: own,
			lots: 3,
		},
	);
	const flat = await makeBot(books.pool, await lotsWorld(), { notional: 100 });
	expect(await decide(books.pool, flat, { lots: 6 })).toMatchObject({ reasonCode: 'DUPLICATE_POSITION' });
});

test('closes of some lots take their share each, the last one everything; each is possible, none twice', async () => {
	const bot = await holding(3);
	for (const [round, left] of [
		[1, { status: 'OPEN', lots: 2, quantity: 2 }],
		[2, { status: 'OPEN', lots: 1, quantity: 1 }],
		[3, { status: 'CLOSED', lots: 1, quantity: 0 }],
	] as const) {
		const seconds = round * 10;
		const id = await queueClose(bot, 1, seconds);
		expect(await trade(id)).toMatchObject({ side: 'SELL', lots: round === 3 ? null : 1, quantity: 1 });
		// The same check again, from several connections: one close.
		const again = { direction: 'CLOSE', trigger: 'GRID_EXIT', lots: 1, now: after(seconds) } as const;
		const repeated = await Promise.all([1, 2, 3].map(() => decide(books.pool, bot, again)));
		expect(repeated.map(({ outcome }) => outcome)).toEqual(['REPEATED', 'REPEATED', 'REPEATED']);
		const order = await submitTrade(books.pool, id, { now: after(seconds) });
		await acknowledge(books.pool, order, after(seconds));
		// In two fills: lots fall with the first, once per order.
		await applyFill(books.pool, order, { quantity: 0.4, price: 110, at: after(seconds) });
		expect((await position(bot)).lots).toBe(left.lots);
		await applyFill(books.pool, order, { quantity: 0.6, price: 110, at: after(seconds) });
		expect(await position(bot)).toMatchObject(left);
	}
	expect(await one(books.pool, 'select realised_pnl::float as pnl from positions')).toEqual({ pnl: 30 });
});

test('two of three lots in one order, counted as they are filled', async () => {
	const bot = await holding(3);
	const order = await sendClose(bot, 2, 10);
	expect(order.quantity).toBe('2.000');
	const counted: unknown[] = [];
	for (const quantity of [0.5, 0.5, 0.5, 0.5]) {
		await applyFill(books.pool, order, { quantity, at: after(11) });
		counted.push((await position(bot)).lots);
	}
	expect(counted).toEqual([2, 2, 1, 1]);
});

test('a close without lots closes all, and so does one of as many lots as there are', async () => {
	for (const lots of [undefined, 2, 7]) {
		const bot = await holding(2);
		expect(await trade(await queueClose(bot, lots, 10))).toMatchObject({ lots: null, quantity: 2 });
	}
});

test('a close of everything that is filled in part leaves lots in proportion', async () => {
	const bot = await holding(4);
	const order = await sendClose(bot, undefined, 10);
	await applyFill(books.pool, order, { quantity: 1, at: after(11) });
	expect(await position(bot)).toMatchObject({ lots: 3, quantity: 3 });
	await applyFill(books.pool, order, { quantity: 1.5, at: after(11) });
	expect(await position(bot)).toMatchObject({ lots: 2, quantity: 1.5 });
});

test('a part that would leave less than can be sold takes the rest along', async () => {
	// Two lots of 0.1; after a fee in the base asset 0.0999 each, of which one tenth can be sold.
	const bot = await makeBot(
		books.pool,
		await lotsWorld({ instrument: { marketType: 'SPOT', lotSize: '0.01', minimumQuantity: '0.1' } }),
		{ notional: 10 },
	);
	const base = (await one<{ base: string }>(books.pool, 'select base_asset as base from instruments')).base;
	await openPosition(books.pool, bot, { lots: 2, fee: 0.001, feeAsset: base });
	const id = await queueClose(bot, 1, 10);
	expect(await trade(id)).toMatchObject({ lots: null, quantity: 0.19 });
});

test('a part too small to be sold is sold as soon as it makes an order', async () => {
	const bot = await holding(4, { instrument: { lotSize: '0.1', minimumQuantity: '0.1', minimumNotional: '150' } });
	// One lot is worth 100: the order holds 1.5 of it, the least that the exchange takes.
	expect(await trade(await queueClose(bot, 1, 10))).toMatchObject({ lots: 1, quantity: 1.5 });
});

test('a position too small to be sold at all is written off, whatever was asked to be closed of it', async () => {
	const bot = await holding(2);
	await books.pool.query('update instruments set minimum_quantity = 3 where id = $1', [bot.instrumentId]);
	expect(await decide(books.pool, bot, { direction: 'CLOSE', lots: 1 })).toMatchObject({ reasonCode: 'BELOW_MINIMUM' });
	expect(await position(bot)).toMatchObject({ status: 'CLOSED', quantity: 0 });
});

test('a quantity too small to be sold is refused, and nothing is written off for it', async () => {
	const bot = await holding(2);
	await books.pool.query('update instruments set minimum_quantity = 0.5 where id = $1', [bot.instrumentId]);
	const made = decide(books.pool, bot, { direction: 'CLOSE', quantity: 0.4 });
	expect(await made).toMatchObject({ reasonCode: 'BELOW_MINIMUM' });
	expect(await position(bot)).toMatchObject({ status: 'OPEN', quantity: 2 });
});

test('a close is not written off as dust between two fills of its order', async () => {
	const bot = await holding(2, { instrument: { minimumQuantity: '0.5', minimumNotional: '1' } });
	const order = await sendClose(bot, undefined, 10);
	await applyFill(books.pool, order, { quantity: 1.8, at: after(11) });
	expect(await position(bot)).toMatchObject({ status: 'OPEN', quantity: 0.2 });
	await applyFill(books.pool, order, { quantity: 0.2, at: after(11) });
	expect(await position(bot)).toMatchObject({ status: 'CLOSED' });
	expect((await books.pool.query(`select from alerts where code = 'POSITION_OVERCLOSED'`)).rowCount).toBe(0);
	expect(await one(books.pool, 'select dust_quantity::float as dust from positions')).toEqual({ dust: 0 });
});

test('a failed close of one lot is retried for that lot, from several connections once', async () => {
	const bot = await holding(3);
	await end(await sendClose(bot, 1, 10), 0, 11);
	expect(await retryCloses(books.pool, { now: after(60) })).toBe(0);
	const queued = await Promise.all([1, 2, 3].map(() => retryCloses(books.pool, { now: after(72) })));
	expect(queued.toSorted()).toEqual([0, 0, 1]);
	expect(
		await one(books.pool, `select lots, quantity::float as quantity from trade_queue where status = 'PENDING'`),
	).toEqual({ lots: 1, quantity: 1 });
});

test('what was not filled of a close of two lots is retried; what was filled whole is not', async () => {
	const bot = await holding(4);
	const order = await sendClose(bot, 2, 10);
	await applyFill(books.pool, order, { quantity: 1.25, at: after(11) });
	await end(order, 1.25, 12);
	expect(await position(bot)).toMatchObject({ lots: 2, quantity: 2.75 });
	expect(await retryCloses(books.pool, { now: after(73) })).toBe(1);
	const pending = await one<{ id: string }>(books.pool, `select * from trade_queue where status = 'PENDING'`);
	expect(await trade(pending.id)).toMatchObject({ lots: 0, quantity: 0.75, trigger_reason: 'GRID_EXIT' });
	const again = await submitTrade(books.pool, pending.id, { now: after(73) });
	await acknowledge(books.pool, again, after(73));
	await applyFill(books.pool, again, { at: after(74) });
	expect(await position(bot)).toMatchObject({ status: 'OPEN', lots: 2, quantity: 2 });
	expect(await retryCloses(books.pool, { now: after(600) })).toBe(0);
});

test('a rest of a lot below the smallest order is not retried', async () => {
	const bot = await holding(3, { instrument: { minimumQuantity: '0.1' } });
	const order = await sendClose(bot, 1, 10);
	await applyFill(books.pool, order, { quantity: 0.95, at: after(11) });
	expect(await position(bot)).toMatchObject({ lots: 2, quantity: 2.05 });
	await end(order, 0.95, 12);
	expect(await retryCloses(books.pool, { now: after(600) })).toBe(0);
});

test('a failed close of everything is retried for everything', async () => {
	const bot = await holding(3);
	const order = await sendClose(bot, undefined, 10);
	await applyFill(books.pool, order, { quantity: 1, at: after(11) });
	await end(order, 1, 12);
	expect(await retryCloses(books.pool, { now: after(73) })).toBe(1);
	expect(
		await one(books.pool, `select lots, quantity::float as quantity from trade_queue where status = 'PENDING'`),
	).toEqual({ lots: null, quantity: 2 });
});

test('what the largest order does not hold is entered and closed in several', async () => {
	const bot = await makeBot(books.pool, await lotsWorld({ instrument: { maximumQuantity: '2.5' } }), { notional: 100 });
	await openPosition(books.pool, bot, { lots: 4 });
	expect(await position(bot)).toMatchObject({ lots: 2, quantity: 2 });
	await openPosition(books.pool, bot, { lots: 2, candleAt: after(300), now: after(300) });
	expect(await position(bot)).toMatchObject({ lots: 4, quantity: 4 });
	const order = await sendClose(bot, undefined, 400);
	expect(order.quantity).toBe('2.500');
	await applyFill(books.pool, order, { at: after(400) });
	expect(await position(bot)).toMatchObject({ status: 'OPEN', lots: 2, quantity: 1.5 });
	expect(await retryCloses(books.pool, { now: after(461) })).toBe(1);
	expect(
		await one(books.pool, `select lots, quantity::float as quantity from trade_queue where status = 'PENDING'`),
	).toEqual({ lots: null, quantity: 1.5 });
});

test('by value as by quantity: as many lots as one order may be worth', async () => {
	const bot = await makeBot(books.pool, await lotsWorld({ instrument: { maximumNotional: '250' } }), { notional: 100 });
	await openPosition(books.pool, bot, { lots: 4 });
	expect(await position(bot)).toMatchObject({ lots: 2, quantity: 2 });
});

test('a lot that is added moves the stops to their distance from the average entry, and keeps who guards them', async () => {
	const world = await lotsWorld({ account: { mode: 'LIVE' } });
	const bot = await makeBot(books.pool, world, { notional: 100 });
	const stops = { stopLossFraction: 0.1, takeProfitFraction: 0.05 };
	await openPosition(books.pool, bot, { ...stops, trailingStopFraction: 0.2 });
	const guards = () =>
		one(
			books.pool,
			`select protection, stop_loss_price::float as stop, take_profit_price::float as target, best_price::float as best,
			        trailing_stop_fraction::float as trail
			   from positions`,
		);
	expect(await guards()).toEqual({ protection: 'EXCHANGE', stop: 90, target: 105, best: 100, trail: 0.2 });
	// Another bot comes to the instrument: what stands at the exchange goes on standing there.
	await makeBot(books.pool, world, { notional: 100 });
	const order = await openOrder(books.pool, bot, { ...stops, price: 50, candleAt: after(300), now: after(300) });
	await applyFill(books.pool, order, { price: 50, at: after(300) });
	// 1 at 100 and 2 at 50: on average 66.67.
	expect(await guards()).toEqual({ protection: 'EXCHANGE', stop: 60, target: 70, best: 100, trail: 0.2 });
	expect(
		await one(books.pool, 'select stop_loss_price::float as stop from orders where id = $1', [order.orderId]),
	).toEqual({ stop: 60 });
});

test('lots that are added are no further position: neither slots nor correlation stand against them', async () => {
	const world = await makeWorld(books.pool, {
		account: { maxPositions: 1, maxCorrelatedPositions: 1 },
		version: { maxLots: 3 },
	});
	const bot = await makeBot(books.pool, world, { notional: 100 });
	await openPosition(books.pool, bot);
	await openPosition(books.pool, bot, { lots: 2, candleAt: after(300), now: after(300) });
	expect(await position(bot)).toMatchObject({ lots: 3 });
	const other = await makeBot(books.pool, world, { notional: 100 });
	expect(await decide(books.pool, other)).toMatchObject({ reasonCode: 'MAX_POSITIONS' });
	await books.pool.query('update accounts set max_positions = 9 where id = $1', [world.accountId]);
	expect(await decide(books.pool, other)).toMatchObject({ reasonCode: 'CORRELATION_LIMIT' });
});

test.each([
	['CLOSE', 1, 'NO_SIGNAL'],
	['LONG', 2, 'NO_SIGNAL'],
	// Everything is everything, whatever is left of it.
	['CLOSE', null, 'QUEUED'],
] as const)(
	'%s of %o lots, decided while a lot was being closed that is gone by the time it is recorded: %s',
	async (decision, lots, outcome) => {
		const bot = await holding(3);
		const closing = await sendClose(bot, 1, 290);
		const dueAt = after(300);
		const jobs = [{ bot_id: bot.id, due_at: dueAt.toISOString() }];
		const [claim] = await claimChecks(books.pool, { jobs, workerId, waitMs: 0, now: after(310) });
		expect(claim).toMatchObject({ verdict: 'CLAIMED', positionLots: 3 });
		await applyFill(books.pool, closing, { price: 100, at: after(311) });
		expect(await position(bot)).toMatchObject({ status: 'OPEN', lots: 2 });

		const checks = [{ ...checkOf(bot, dueAt, { decision }), lots, position_lots: claim!.positionLots }];
		const [recorded] = await recordChecks(books.pool, { checks, workerId, now: after(312) });
		expect(recorded).toMatchObject({ outcome });
		if (outcome === 'NO_SIGNAL') expect(recorded).toMatchObject({ reasonCode: 'TRADE_PENDING', tradeId: null });
		// The next check sees two lots, and may decide of them.
		const next = after(600);
		await claimChecks(books.pool, {
			jobs: [{ bot_id: bot.id, due_at: next.toISOString() }],
			workerId,
			waitMs: 0,
			now: after(600),
		});
		const again = [{ ...checkOf(bot, next, { decision }), lots, position_lots: 2 }];
		const [after_] = await recordChecks(books.pool, { checks: again, workerId, now: after(601) });
		expect(after_?.outcome).toBe(outcome === 'NO_SIGNAL' ? 'QUEUED' : 'REPEATED');
	},
);
