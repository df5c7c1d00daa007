/** Software stops, funding, and the comparison of our books with the exchange's. */
import { expect, test } from 'vitest';
import { setAccountStatus } from '../../src/database/functions/administration.ts';
import { reconcileAccount } from '../../src/database/functions/guards.ts';
import {
	applyFills,
	queueExits,
	recordFundingPayments,
	settleOrder,
	submitPaperOrder,
} from '../../src/database/functions/trades.ts';
import { applyFill, fillOf, openOrder, openPosition, queueTrade, submitTrade } from '../support/factories/trading.ts';
import { after, makeBot, makeInstrument, makeWorld, quote, start, type World } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

async function guarded(direction: 'LONG' | 'SHORT') {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const { id } = await openPosition(books.pool, bot, { direction, stopLossFraction: 0.02, takeProfitFraction: 0.04 });
	return { world, bot, id };
}
const exits = (now: Date) => queueExits(books.pool, { now });

test.each([
	['LONG', { bid: 98.01, ask: 98.2, last: 98 }, 0, ''],
	['LONG', { bid: 98, ask: 98.2, last: 98.1 }, 1, 'STOP_LOSS'],
	['LONG', { bid: 104, ask: 104.1, last: 104 }, 1, 'TAKE_PROFIT'],
	['LONG', { bid: 103.99, ask: 104.1, last: 104.1 }, 0, ''],
	['LONG', { last: 97 }, 1, 'STOP_LOSS'],
	['SHORT', { bid: 101.8, ask: 102, last: 101.9 }, 1, 'STOP_LOSS'],
	['SHORT', { bid: 101.9, ask: 101.99, last: 102.5 }, 0, ''],
	['SHORT', { bid: 95.8, ask: 96, last: 95.9 }, 1, 'TAKE_PROFIT'],
] as const)('a %s is closed at what it would get: %o queues %d %s', async (direction, prices, queued, reason) => {
	const { world, id } = await guarded(direction);
	await quote(books.pool, world.instrument, prices, after(10));
	expect(await exits(after(11))).toBe(queued);
	expect(await exits(after(12))).toBe(0);
	if (queued === 1) {
		expect(
			await one(books.pool, `select position_id, trigger_reason, side from trade_queue where direction = 'CLOSE'`),
		).toEqual({
			position_id: id,
			trigger_reason: reason,
			side: direction === 'LONG' ? 'SELL' : 'BUY',
		});
	}
});

test('where both are touched the stop counts', async () => {
	const { world, id } = await guarded('LONG');
	await books.pool.query('update positions set take_profit_price = 97 where id = $1', [id]);
	await quote(books.pool, world.instrument, { last: 97.5 }, after(10));
	expect(await exits(after(11))).toBe(1);
	expect(await one(books.pool, `select trigger_reason from trade_queue where direction = 'CLOSE'`)).toEqual({
		trigger_reason: 'STOP_LOSS',
	});
});

/** A closed minute from 12:01 on; positions of these tests are entered at 12:00. */
async function minute(world: World, [low, high]: readonly [number, number], openAt = after(60)): Promise<void> {
	await books.pool.query(
		`insert into candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		values ($1, '1m', $2, 100, $4, $3, 100, 1, true)`,
		[world.instrument.id, openAt, low, high],
	);
}

test.each([
	['the stop by its low', 'LONG', [97.9, 101], 'STOP_LOSS'],
	['the target by its high', 'LONG', [99, 104], 'TAKE_PROFIT'],
	['both: the stop counts', 'LONG', [97.9, 104.1], 'STOP_LOSS'],
	['neither', 'LONG', [98.1, 103.9], null],
	['the stop by its high', 'SHORT', [99, 102], 'STOP_LOSS'],
	['the target by its low', 'SHORT', [96, 101], 'TAKE_PROFIT'],
	['both: the stop counts', 'SHORT', [95, 102.5], 'STOP_LOSS'],
] as const)('on paper a minute that touched %s, of a %s: %o', async (_, direction, touched, reason) => {
	const { world } = await guarded(direction);
	await minute(world, touched);
	await quote(books.pool, world.instrument, { last: 100 }, after(125));
	expect(await exits(after(126))).toBe(reason === null ? 0 : 1);
	const { rows } = await books.pool.query(`select trigger_reason from trade_queue where direction = 'CLOSE'`);
	expect(rows).toEqual(reason === null ? [] : [{ trigger_reason: reason }]);
});

test('a minute from before the entry, one without a fresh price, and one on a LIVE account close nothing', async () => {
	const { world } = await guarded('LONG');
	await minute(world, [90, 110], after(-60));
	await quote(books.pool, world.instrument, { last: 100 }, after(10));
	expect(await exits(after(11))).toBe(0);
	await minute(world, [90, 110]);
	expect(await exits(after(126))).toBe(0);
	const live = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const first = await makeBot(books.pool, live);
	const order = { liveAccounts: [], stopLossFraction: 0.02 };
	const { id } = await openPosition(books.pool, first, order);
	await books.pool.query(`update positions set protection = 'GUARD' where id = $1`, [id]);
	await minute(live, [90, 110]);
	await quote(books.pool, live.instrument, { last: 100 }, after(125));
	expect(await exits(after(126))).toBe(0);
});

test('a stop that a minute touched is filled on paper at the stop, not at the better price of now; a target at the price of now', async () => {
	for (const [touched, price] of [
		[[97.9, 101], 98],
		[[99, 104.5], 100],
	] as const) {
		const { world, bot } = await guarded('LONG');
		await minute(world, touched);
		await quote(books.pool, world.instrument, { last: 100 }, after(125));
		expect(await exits(after(126))).toBe(1);
		const { id: tradeId } = await one<{ id: string }>(
			books.pool,
			`select id from trade_queue where direction = 'CLOSE' and bot_id = $1`,
			[bot.id],
		);
		const order = await submitTrade(books.pool, tradeId, { now: after(127) });
		await submitPaperOrder(books.pool, {
			...{ accountId: order.accountId, instrumentId: order.instrumentId, clientOrderId: order.clientOrderId },
			...{ side: order.side, quantity: order.quantity, price: '100', now: after(127) },
		});
		const filled = await one<{ price: number; slippage: number }>(
			books.pool,
			`select p.price::float8 as price, a.paper_slippage_bps::float8 as slippage
			from paper_orders p join accounts a on a.id = p.account_id where p.client_order_id = $1`,
			[order.clientOrderId],
		);
		expect(filled.price).toBeCloseTo(price * (1 - filled.slippage / 10_000), 1);
	}
});

test('stale prices and spreads that cannot be true trigger nothing', async () => {
	const { world } = await guarded('LONG');
	await quote(books.pool, world.instrument, { last: 90 }, after(10));
	expect(await exits(after(25))).toBe(0);
	await quote(books.pool, world.instrument, { bid: 90, ask: 95, last: 92 }, after(30));
	expect(await exits(after(31))).toBe(0);
	await quote(books.pool, world.instrument, { bid: 91, ask: 95, last: 92 }, after(40));
	expect(await exits(after(41))).toBe(1);
});

test('positions whose stops stand at the exchange, or that have none, are left alone', async () => {
	const live = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	await openPosition(books.pool, await makeBot(books.pool, live), { stopLossFraction: 0.02 });
	await quote(books.pool, live.instrument, { last: 50 }, after(10));
	const plain = await makeWorld(books.pool);
	await openPosition(books.pool, await makeBot(books.pool, plain));
	await quote(books.pool, plain.instrument, { last: 50 }, after(10));
	expect(await exits(after(11))).toBe(0);
});

test("a HALTED account's stop is refused, once, however often it is touched", async () => {
	const { world } = await guarded('LONG');
	await setAccountStatus(books.pool, { accountId: world.accountId, status: 'HALTED', now: start });
	for (const seconds of [10, 15, 20]) {
		await quote(books.pool, world.instrument, { last: 90 }, after(seconds));
		expect(await exits(after(seconds + 1))).toBe(0);
	}
	expect(await one(books.pool, `select reason_code, repeat_count from signals where direction = 'CLOSE'`)).toEqual({
		reason_code: 'ACCOUNT_HALTED',
		repeat_count: 2,
	});
});

test('two workers at once queue one exit', async () => {
	const { world } = await guarded('LONG');
	await quote(books.pool, world.instrument, { last: 90 }, after(10));
	const queued = await Promise.all([1, 2, 3, 4].map(() => exits(after(11))));
	expect(queued.toSorted()).toEqual([0, 0, 0, 1]);
});

const payment = (world: World, reference: string, amount: number, paidAt = after(60)) => ({
	symbol: world.instrument.symbol,
	asset: 'USDT',
	amount,
	reference,
	paid_at: paidAt.toISOString(),
});

test('funding is booked once by its reference, to ledger, balance and position', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const { id } = await openPosition(books.pool, bot);
	const book = (...payments: ReturnType<typeof payment>[]) =>
		recordFundingPayments(books.pool, { accountId: world.accountId, payments, now: after(70) });
	expect(await book(payment(world, 'f1', -2), payment(world, 'f2', 0.5))).toBe(2);
	expect(await book(payment(world, 'f1', -2))).toBe(0);
	const both = await Promise.all([book(payment(world, 'f3', -1)), book(payment(world, 'f3', -1))]);
	expect(both.toSorted()).toEqual([0, 1]);
	expect(Number((await one(books.pool, 'select funding from positions where id = $1', [id])).funding)).toBe(-2.5);
	expect(Number((await one(books.pool, `select booked from account_balances where asset = 'USDT'`)).booked)).toBe(
		9_997.5,
	);
	// Before anything was held it belongs to the account alone.
	await book(payment(world, 'f4', -3, after(-60)));
	expect(await one(books.pool, `select position_id from ledger_entries where reference = 'f4'`)).toEqual({
		position_id: null,
	});
});

test('funding of bots that share an instrument goes to each by what it holds', async () => {
	const world = await makeWorld(books.pool);
	const big = await openPosition(books.pool, await makeBot(books.pool, world, { notional: 4_000 }));
	const small = await openPosition(books.pool, await makeBot(books.pool, world, { notional: 1_000 }));
	const short = await openPosition(books.pool, await makeBot(books.pool, world, { notional: 2_000 }), {
		direction: 'SHORT',
	});
	// Net 30 long pays 3: longs of 40 and 10 pay 4 and 1, the short of 20 receives 2.
	await recordFundingPayments(books.pool, {
		accountId: world.accountId,
		payments: [payment(world, 'f1', -3)],
		now: after(70),
	});
	const { rows } = await books.pool.query('select id, funding::float from positions order by id');
	expect(rows).toEqual([
		{ id: big.id, funding: -4 },
		{ id: small.id, funding: -1 },
		{ id: short.id, funding: 2 },
	]);
});

async function reconcile(
	world: World,
	reported: { positions?: unknown[]; balances?: Record<string, number>; openOrders?: unknown[]; askedAt?: Date },
) {
	const { positions = [], balances = {}, openOrders = [], askedAt = after(100) } = reported;
	return await reconcileAccount(books.pool, {
		accountId: world.accountId,
		positions,
		balances,
		openOrders,
		askedAt,
		now: after(101),
	});
}
const openAlerts = async () =>
	(await books.pool.query('select code, subject from alerts where resolved_at is null order by code')).rows.map(
		({ code }) => code,
	);

test('books and exchange that agree say so, and the account may trade', async () => {
	const world = await makeWorld(books.pool);
	await openPosition(books.pool, await makeBot(books.pool, world), { fee: 1 });
	const positions = [{ symbol: world.instrument.symbol, quantity: 10, entry_price: 100 }];
	expect(await reconcile(world, { positions, balances: { USDT: 9_999 } })).toEqual([]);
	expect(await one(books.pool, 'select reconciled_at from accounts')).toEqual({ reconciled_at: after(101) });
	expect(await openAlerts()).toEqual([]);
});

test('a difference alerts with both values, changes no books, and resolves by itself', async () => {
	const world = await makeWorld(books.pool);
	const { id } = await openPosition(books.pool, await makeBot(books.pool, world));
	const { symbol } = world.instrument;
	const wrong = {
		positions: [
			{ symbol, quantity: 7, entry_price: 100 },
			{ symbol: 'X/USDT:USDT', quantity: -1, entry_price: 5 },
		],
		balances: { USDT: 8_000 },
		openOrders: [{ symbol, exchange_order_id: 'theirs', client_order_id: null, quantity: 3, stop_kind: null }],
	};
	const found = await reconcile(world, wrong);
	expect(found.map(({ difference, subject }) => `${difference} ${subject}`).toSorted()).toEqual([
		'BALANCE USDT',
		`FOREIGN_ORDER ${symbol} theirs`,
		'FOREIGN_POSITION X/USDT:USDT',
		`POSITION ${symbol}`,
	]);
	expect(found.find(({ subject }) => subject === symbol)).toMatchObject({ booked: '10.000', reported: '7' });
	expect(await openAlerts()).toHaveLength(4);
	expect(Number((await one(books.pool, 'select quantity from positions where id = $1', [id])).quantity)).toBe(10);
	expect(Number((await one(books.pool, 'select booked from account_balances')).booked)).toBe(10_000);
	expect(
		await reconcile(world, { positions: [{ symbol, quantity: 10, entry_price: 100 }], balances: { USDT: 10_000 } }),
	).toEqual([]);
	expect(await openAlerts()).toEqual([]);
});

test('a coin in our books that the exchange no longer lists is a difference', async () => {
	const world = await makeWorld(books.pool, { instrument: { marketType: 'SPOT' } });
	await openPosition(books.pool, await makeBot(books.pool, world));
	const base = world.instrument.symbol.split('/')[0];
	expect(await reconcile(world, { balances: { USDT: 9_000 } })).toMatchObject([
		{ difference: 'BALANCE', subject: base, reported: '0' },
	]);
	// An exchange that was not asked for balances says nothing about them.
	expect(await reconcile(world, {})).toEqual([]);
});

test('bots on both sides of an instrument are compared by their net', async () => {
	const world = await makeWorld(books.pool);
	await openPosition(books.pool, await makeBot(books.pool, world, { notional: 3_000 }));
	await openPosition(books.pool, await makeBot(books.pool, world, { notional: 1_000 }), { direction: 'SHORT' });
	expect(
		await reconcile(world, {
			positions: [{ symbol: world.instrument.symbol, quantity: 20, entry_price: 100 }],
			balances: { USDT: 10_000 },
		}),
	).toEqual([]);
});

test.each([
	['equal', 'LONG', 40],
	['opposite and equal in size', 'SHORT', 0],
] as const)(
	'two %s positions in one instrument and a third are the net that the exchange holds, and no other',
	async (_, direction, net) => {
		const world = await makeWorld(books.pool);
		const elsewhere = await makeInstrument(books.pool);
		await openPosition(books.pool, await makeBot(books.pool, world, { notional: 2_000 }));
		await openPosition(books.pool, await makeBot(books.pool, world, { notional: 2_000 }), { direction });
		await openPosition(books.pool, await makeBot(books.pool, world, { notional: 1_000, instrument: elsewhere }), {
			direction: 'SHORT',
		});
		const other = { symbol: elsewhere.symbol, quantity: -10, entry_price: 100 };
		const shared = (quantity: number) =>
			quantity === 0 ? [] : [{ symbol: world.instrument.symbol, quantity, entry_price: 100 }];
		expect(await reconcile(world, { positions: [other, ...shared(net)], balances: { USDT: 10_000 } })).toEqual([]);
		// What the bots hold in sum of amounts, or one of them alone, is not what stands there.
		const found = await reconcile(world, { positions: [other, ...shared(20)], balances: {} });
		expect(found).toMatchObject([{ difference: 'POSITION', subject: world.instrument.symbol, reported: '20' }]);
		expect(Number(found[0]?.booked)).toBe(net);
	},
);

test('what is in flight, or moved while the exchange was asked, is compared the next time', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const order = await submitTrade(books.pool, await queueTrade(books.pool, bot));
	const reported = {
		positions: [{ symbol: world.instrument.symbol, quantity: 10, entry_price: 100 }],
		balances: { USDT: 9_990 },
	};
	expect(await reconcile(world, reported)).toEqual([]);
	await applyFills(books.pool, { accountId: world.accountId, fills: [fillOf(order, { fee: 10 })], now: after(100) });
	expect(await reconcile(world, { ...reported, positions: [], balances: { USDT: 10_000 } })).toEqual([]);
	expect(await reconcile(world, { ...reported, askedAt: after(100.5) })).toEqual([]);
	expect(await reconcile(world, { positions: [], balances: { USDT: 10_000 }, askedAt: after(100.5) })).toHaveLength(2);
});

test('our own open orders and the stops that went with our entries are not foreign', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const bot = await makeBot(books.pool, world);
	const order = await openOrder(books.pool, bot, { stopLossFraction: 0.1 });
	await applyFill(books.pool, order, { quantity: 4 });
	const { symbol } = world.instrument;
	const ours = { symbol, exchange_order_id: `ex-${order.orderId}`, client_order_id: order.clientOrderId, quantity: 6 };
	const stop = { symbol, exchange_order_id: 'stop', client_order_id: null, quantity: 4, stop_kind: 'STOP_LOSS' };
	expect(await reconcile(world, { openOrders: [ours, stop] })).toEqual([]);
	await settleOrder(books.pool, { orderId: order.orderId, status: 'CANCELLED', filledQuantity: 4, now: after(50) });
	const positions = [{ symbol, quantity: 4, entry_price: 100 }];
	expect(await reconcile(world, { positions, openOrders: [{ ...stop, stop_kind: null }] })).toMatchObject([
		{ difference: 'FOREIGN_ORDER' },
	]);
});
