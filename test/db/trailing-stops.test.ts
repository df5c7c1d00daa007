/** Trailing stops: best prices follow fresh quotes, and coming back from them closes, whoever guards the other stops. */
import { expect, test } from 'vitest';
import { applyFills, moveBestPrices, queueExits } from '../../src/database/functions/trades.ts';
import type { Direction } from '../../src/domain.ts';
import { applyFill, fillOf, openOrder, openPosition, queueTrade } from '../support/factories/trading.ts';
import { after, makeBot, makeWorld, quote, type World } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

async function trailed(direction: Direction, options: Parameters<typeof makeWorld>[1] & object = {}) {
	const world = await makeWorld(books.pool, options);
	const bot = await makeBot(books.pool, world);
	const { id } = await openPosition(books.pool, bot, { direction, trailingStopFraction: 0.02 });
	return { world, bot, id };
}
const best = async () =>
	(await one<{ best: number }>(books.pool, 'select best_price::float as best from positions')).best;
const close = () => one(books.pool, `select trigger_reason, side, lots from trade_queue where direction = 'CLOSE'`);

/** Prices as the guard sees them, one round of it. */
async function round(world: World, prices: Parameters<typeof quote>[2], seconds: number): Promise<[number, number]> {
	await quote(books.pool, world.instrument, prices, after(seconds));
	const now = after(seconds + 1);
	return [await moveBestPrices(books.pool, { now }), await queueExits(books.pool, { now })];
}

test('LONG: the best bid since entry, and a close once the bid has come back by the fraction', async () => {
	const { world } = await trailed('LONG');
	expect(await best()).toBe(100);
	expect(await round(world, { bid: 99, ask: 99.1, last: 99 }, 10)).toEqual([0, 0]);
	expect(await round(world, { bid: 110, ask: 110.2, last: 110.1 }, 20)).toEqual([1, 0]);
	expect(await best()).toBe(110);
	// The same prices again move nothing, nor do worse ones.
	expect(await round(world, { bid: 110, ask: 110.2, last: 110.1 }, 30)).toEqual([0, 0]);
	expect(await round(world, { bid: 107.81, ask: 108, last: 107.9 }, 40)).toEqual([0, 0]);
	expect(await best()).toBe(110);
	expect(await one(books.pool, 'select trailing_stop_price::float as price from reporting.positions')).toEqual({
		price: 107.8,
	});
	expect(await round(world, { bid: 107.8, ask: 108, last: 108 }, 50)).toEqual([0, 1]);
	expect(await close()).toEqual({ trigger_reason: 'TRAILING_STOP', side: 'SELL', lots: null });
	expect(await round(world, { bid: 100, ask: 100.2, last: 100 }, 60)).toEqual([0, 0]);
});

test('SHORT: the best ask, the other way round', async () => {
	const { world } = await trailed('SHORT');
	expect(await round(world, { bid: 89.8, ask: 90, last: 89.9 }, 10)).toEqual([1, 0]);
	expect(await one(books.pool, 'select trailing_stop_price::float as price from reporting.positions')).toEqual({
		price: 91.8,
	});
	expect(await round(world, { bid: 91.5, ask: 91.79, last: 91.7 }, 20)).toEqual([0, 0]);
	expect(await round(world, { bid: 91.5, ask: 91.8, last: 91.7 }, 30)).toEqual([0, 1]);
	expect(await close()).toMatchObject({ trigger_reason: 'TRAILING_STOP', side: 'BUY' });
});

test('quotes that are stale, crossed or too wide move nothing and close nothing', async () => {
	const { world } = await trailed('LONG');
	for (const [prices, seconds] of [
		[{ bid: 120, ask: 110, last: 115 }, 10],
		[{ bid: 120, ask: 127, last: 120 }, 20],
		[{ bid: 90, ask: 89, last: 90 }, 30],
	] as const) {
		expect(await round(world, prices, seconds)).toEqual([0, 0]);
	}
	await quote(books.pool, world.instrument, { bid: 120, ask: 121, last: 120 }, after(40));
	expect(await moveBestPrices(books.pool, { now: after(55) })).toBe(0);
	expect(await best()).toBe(100);
	expect(await moveBestPrices(books.pool, { now: after(54) })).toBe(1);
	expect(await best()).toBe(120);
});

test('a position whose stops the exchange keeps is trailed too', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, bot, { stopLossFraction: 0.5, trailingStopFraction: 0.02 });
	expect(await one(books.pool, 'select protection from positions')).toEqual({ protection: 'EXCHANGE' });
	expect(await round(world, { bid: 97.9, ask: 98, last: 98 }, 10)).toEqual([0, 1]);
	expect(await close()).toMatchObject({ trigger_reason: 'TRAILING_STOP' });
});

test('where the stop-loss is reached too, the stop-loss counts; without a fraction nothing is trailed', async () => {
	const world = await makeWorld(books.pool);
	await openPosition(books.pool, await makeBot(books.pool, world), {
		stopLossFraction: 0.03,
		trailingStopFraction: 0.02,
	});
	const plain = await makeWorld(books.pool);
	await openPosition(books.pool, await makeBot(books.pool, plain), { stopLossFraction: 0.5 });
	expect(await round(plain, { bid: 150, ask: 151, last: 150 }, 5)).toEqual([0, 0]);
	expect(await round(plain, { bid: 90, ask: 91, last: 90 }, 8)).toEqual([0, 0]);
	expect(await round(world, { bid: 97, ask: 97.1, last: 97 }, 10)).toEqual([0, 1]);
	expect(await close()).toMatchObject({ trigger_reason: 'STOP_LOSS' });
});

test('the best price is that of the best fill, and each entry keeps the trail of the one before it', async () => {
	const world = await makeWorld(books.pool, { version: { maxLots: 2 } });
	const bot = await makeBot(books.pool, world);
	const order = await openOrder(books.pool, bot, { trailingStopFraction: 0.02 });
	await applyFill(books.pool, order, { quantity: 4, price: 100 });
	await applyFill(books.pool, order, { quantity: 6, price: 101 });
	await openPosition(books.pool, bot, { price: 90, candleAt: after(300), now: after(300) });
	expect(
		await one(books.pool, 'select best_price::float as best, trailing_stop_fraction::float as trail from positions'),
	).toEqual({ best: 101, trail: 0.02 });
});

test('a close of some lots that was executed does not hold off the stop of the rest', async () => {
	const world = await makeWorld(books.pool, { version: { maxLots: 3 } });
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, bot, { lots: 3, stopLossFraction: 0.02 });
	const order = await openOrder(books.pool, bot, { direction: 'CLOSE', lots: 1, trigger: 'GRID_EXIT', now: after(10) });
	await applyFill(books.pool, order, { at: after(11) });
	expect(await round(world, { bid: 97, ask: 97.1, last: 97 }, 12)).toEqual([0, 1]);
	expect(await one(books.pool, `select lots, trigger_reason from trade_queue where status = 'PENDING'`)).toEqual({
		lots: null,
		trigger_reason: 'STOP_LOSS',
	});
});

test('workers that move best prices while fills are booked do not wait for each other', async () => {
	const world = await makeWorld(books.pool, { version: { maxLots: 3 } });
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, bot, { trailingStopFraction: 0.02 });
	const order = await openOrder(books.pool, bot, { direction: 'CLOSE', now: after(5) });
	await quote(books.pool, world.instrument, { bid: 105, ask: 105.1, last: 105 }, after(10));
	const booking = await books.pool.connect();
	try {
		await booking.query('begin');
		await applyFills(booking, { accountId: bot.accountId, fills: [fillOf(order, { quantity: 1 })], now: after(11) });
		// The position is locked by the booking: it is left to the next round rather than waited for.
		expect(await moveBestPrices(books.pool, { now: after(11) })).toBe(0);
		await booking.query('commit');
	} finally {
		booking.release();
	}
	const moved = await Promise.all([1, 2, 3].map(() => moveBestPrices(books.pool, { now: after(12) })));
	expect(moved.reduce((sum, count) => sum + count)).toBe(1);
	expect(await best()).toBe(105);
});

test('two workers at once queue one trailing stop', async () => {
	const { world, bot } = await trailed('LONG');
	await quote(books.pool, world.instrument, { bid: 90, ask: 90.1, last: 90 }, after(10));
	const queued = await Promise.all([1, 2, 3, 4].map(() => queueExits(books.pool, { now: after(11) })));
	expect(queued.toSorted()).toEqual([0, 0, 0, 1]);
	// While it is under way a check's close of another reason is refused.
	await expect(queueTrade(books.pool, bot, { direction: 'CLOSE', now: after(12) })).rejects.toThrow('TRADE_PENDING');
});
