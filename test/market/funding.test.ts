/** Funding rates: a month at first, then each one after its time, for both legs of a pair and for perpetuals alone. */
import { expect, test } from 'vitest';
import type { FeedContext } from '../../src/market/feed.ts';
import { fetchFunding } from '../../src/market/funding.ts';
import { one, openBooks } from '../db/books.ts';
import { startHarness } from '../exchange/harness.ts';
import {
	type Instrument,
	makeBot,
	makeFeedFresh,
	makeInstrument,
	makeWorld,
	start,
} from '../support/factories/world.ts';
import { type RecordedMarket, recordedMarket } from './recorded-market.ts';

const books = openBooks();
const hour = 3_600_000;
const day = 24 * hour;

interface Followed {
	readonly instrument: Instrument;
	readonly market: RecordedMarket;
	readonly context: FeedContext;
	now: number;
	round(): ReturnType<typeof fetchFunding>;
}

/** A followed perpetual; `start` is noon, funding is at 0, 8 and 16 o'clock. */
async function followed(): Promise<Followed> {
	const world = await makeWorld(books.pool);
	await makeBot(books.pool, world);
	await makeFeedFresh(books.pool, world.instrument.id, start);
	const found: Followed = {
		instrument: world.instrument,
		now: start.getTime(),
		market: recordedMarket(() => found.now),
		context: { pool: books.pool, workerId: 'w', marketData: async () => found.market },
		round: () => fetchFunding(found.context, { now: new Date(found.now) }),
	};
	return found;
}

/** Rates every `everyMs` up to `until`, `jitter` past the hour. */
const rates = (from: number, until: number, everyMs: number, jitter = 0) =>
	Array.from({ length: Math.floor((until - from) / everyMs) + 1 }, (_, index) => ({
		fundingAt: from + index * everyMs + jitter,
		rate: `0.0001${index % 10}`,
	}));
const due = async () => (await one<{ at: Date }>(books.pool, 'select funding_due_at as at from feeds')).at;
const stored = async () => (await one<{ n: number }>(books.pool, 'select count(*) as n from funding_rates')).n;
const eight = start.getTime() - 4 * hour;

test('history once, then a call after each funding time and none in between', async () => {
	const feed = await followed();
	feed.market.settle(rates(eight - 40 * day, eight + 2 * day, 8 * hour));
	expect(await feed.round()).toEqual({ asked: 1, stored: 90, failed: [] });
	expect(feed.market.fundingCalls).toEqual([start.getTime() - 30 * day]);
	expect(await due()).toEqual(new Date(eight + 8 * hour + 5_000));
	for (const minutes of [1, 60, 239]) {
		feed.now = start.getTime() + minutes * 60_000;
		expect(await feed.round()).toMatchObject({ asked: 0 });
	}
	feed.now = eight + 8 * hour + 5_000;
	expect(await feed.round()).toMatchObject({ asked: 1, stored: 1 });
	expect(feed.market.fundingCalls).toHaveLength(2);
	// After a day away the ones between come with the next call.
	feed.now += day;
	expect(await feed.round()).toMatchObject({ asked: 1, stored: 3 });
	expect(await stored()).toBe(94);
});

test('a rate that is published late is asked for every minute for an hour, then hourly', async () => {
	const feed = await followed();
	feed.market.settle(rates(eight - 2 * day, eight, 8 * hour));
	await feed.round();
	const next = eight + 8 * hour;
	feed.now = next + 5_000;
	expect(await feed.round()).toMatchObject({ asked: 1, stored: 0 });
	expect(await due()).toEqual(new Date(feed.now + 60_000));
	feed.now = next + 2 * hour;
	await feed.round();
	expect(await due()).toEqual(new Date(feed.now + hour));
});

test('the interval is that of the last rates, whatever milliseconds they were stamped with', async () => {
	const feed = await followed();
	feed.market.settle([
		...rates(eight - 2 * day, eight - 8 * hour, 8 * hour, 17),
		...rates(eight - 4 * hour, eight, 4 * hour, 7),
	]);
	await feed.round();
	expect(await due()).toEqual(new Date(eight + 7 + 4 * hour + 5_000));
});

test('the same again, twice and from two workers, is stored once; a corrected rate is corrected', async () => {
	const feed = await followed();
	feed.market.settle(rates(eight - 2 * day, eight, 8 * hour));
	const rounds = await Promise.all([feed.round(), feed.round()]);
	expect(rounds.reduce((sum, round) => sum + round.stored, 0)).toBe(7);
	expect(await stored()).toBe(7);
	feed.market.settle([{ fundingAt: eight, rate: '-0.0009' }]);
	await books.pool.query('update feeds set funding_due_at = null');
	expect(await feed.round()).toMatchObject({ stored: 1 });
	expect(await one(books.pool, 'select rate::text from funding_rates order by funding_at desc limit 1')).toEqual({
		rate: '-0.0009',
	});
});

test('a failed call is told and comes again after a minute', async () => {
	const feed = await followed();
	feed.market.failures.push(new Error('busy'));
	expect((await feed.round()).failed).toEqual([{ symbol: feed.instrument.symbol, error: 'busy' }]);
	expect(await one(books.pool, 'select funding_error as error from feeds')).toEqual({ error: 'busy' });
	expect(await feed.round()).toMatchObject({ asked: 0 });
	feed.now += 60_000;
	expect(await feed.round()).toMatchObject({ asked: 1, failed: [] });
	expect(await one(books.pool, 'select funding_error as error from feeds')).toEqual({ error: null });
});

test('perpetuals of living bots are asked for, second legs too; spot markets and markets without bots are not', async () => {
	const world = await makeWorld(books.pool, { instrument: { marketType: 'SPOT' } });
	const [second, other] = [await makeInstrument(books.pool), await makeInstrument(books.pool)];
	const bot = await makeBot(books.pool, world);
	for (const id of [world.instrument.id, second.id, other.id]) await makeFeedFresh(books.pool, id, start);
	await books.pool.query('insert into bot_legs (bot_id, leg, account_id, instrument_id) values ($1, 2, $2, $3)', [
		bot.id,
		bot.accountId,
		second.id,
	]);
	const market = recordedMarket(() => start.getTime());
	const asked: string[] = [];
	const context: FeedContext = {
		pool: books.pool,
		workerId: 'w',
		marketData: async () => ({
			...market,
			fundingRates: async (symbol) => {
				asked.push(symbol);
				return [];
			},
		}),
	};
	await fetchFunding(context, { now: start });
	expect(asked).toEqual([second.symbol]);
});

test('the history of the simulated exchange, through gateway and limiter', async () => {
	const harness = await startHarness(books.pool);
	try {
		const world = await makeWorld(books.pool);
		const instrument = { id: await harness.instrumentId('BTC/USDT:USDT'), symbol: 'BTC/USDT:USDT' };
		await makeBot(books.pool, { ...world, instrument });
		await makeFeedFresh(books.pool, instrument.id, new Date(harness.clock()));
		const context: FeedContext = { pool: books.pool, workerId: 'w', marketData: async () => harness.marketData };
		expect(await fetchFunding(context, { now: new Date(harness.clock()) })).toMatchObject({ asked: 1, stored: 90 });
		harness.clock.advance(4 * hour + 10_000);
		expect(await fetchFunding(context, { now: new Date(harness.clock()) })).toMatchObject({ asked: 1, stored: 1 });
	} finally {
		await harness.close();
	}
});
