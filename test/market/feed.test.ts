/** The feed's history: fetched once, page by page, and begun with the present after a long absence. */
import { expect, test } from 'vitest';
import { timeframeMs } from '../../src/domain.ts';
import { type FeedContext, fetchFeeds } from '../../src/market/feed.ts';
import { openBooks } from '../db/books.ts';
import { makeBot, makeStrategyVersion, makeWorld, start, type World } from '../support/factories/world.ts';
import { candlesFrom, type RecordedMarket, recordedMarket } from './recorded-market.ts';

const books = openBooks();
const minute = 60_000;

interface Followed {
	readonly world: World;
	readonly market: RecordedMarket;
	readonly context: FeedContext;
	now: number;
	fetch(): Promise<{ fetched: number; failed: readonly { error: string }[] }>;
}

/** A bot that needs `history` candles of 5m. */
async function follow(history: number): Promise<Followed> {
	const world = await makeWorld(books.pool);
	await makeBot(books.pool, {
		...world,
		versionId: await makeStrategyVersion(books.pool, { timeframe: '5m', history }),
	});
	const followed: Followed = {
		world,
		now: start.getTime(),
		market: recordedMarket(() => followed.now),
		context: { pool: books.pool, workerId: 'w', marketData: async () => followed.market },
		fetch: () => fetchFeeds(followed.context, { now: new Date(followed.now) }),
	};
	return followed;
}

const stored = async (timeframe: string) => {
	const { rows } = await books.pool.query(
		'select count(*) as n, min(open_at) as first, max(open_at) as last from candles where timeframe = $1',
		[timeframe],
	);
	return rows[0];
};

test('a long history is stored page by page; after a crash only what is missing is fetched again', async () => {
	const feed = await follow(3_500);
	const five = timeframeMs['5m'];
	feed.market.add('5m', candlesFrom(feed.now - 4_000 * five, 4_000, '5m'));
	feed.market.add('1m', candlesFrom(feed.now - 500 * minute, 500, '1m'));
	// The third page fails: as far as the database is concerned its worker may as well have died.
	const candles = feed.market.candles;
	let pages = 0;
	Object.assign(feed.market, {
		candles: async (...args: Parameters<typeof candles>) => {
			pages += 1;
			if (pages === 3) throw new Error('cut off');
			return await candles(...args);
		},
	});
	expect(await feed.fetch()).toMatchObject({ fetched: 0, failed: [{ error: 'cut off' }] });
	// One page, and the window that has just closed, which is asked for by itself.
	expect(await stored('5m')).toMatchObject({ n: 1_001 });
	feed.market.calls.length = 0;
	feed.now += 2_000;
	expect(await feed.fetch()).toMatchObject({ fetched: 1 });
	expect(await stored('5m')).toMatchObject({ n: 3_500, first: new Date(start.getTime() - 3_500 * five) });
	// The newest page for freshness, then those that were missing: the one that was stored is not asked for again.
	const asked = feed.market.calls
		.filter(({ timeframe }) => timeframe === '5m')
		.map(({ sinceMs, limit }) => [sinceMs, limit]);
	expect(asked).toEqual([
		[undefined, 1_000],
		[start.getTime() - 3_000 * five, 1_000],
		[start.getTime() - 3_500 * five, 500],
	]);
	// From then on nothing but minutes.
	feed.market.calls.length = 0;
	feed.now += minute;
	feed.market.add('1m', candlesFrom(start.getTime(), 1, '1m'));
	await feed.fetch();
	expect(feed.market.calls.map(({ timeframe }) => timeframe)).toEqual(['1m']);
});

test('a market that is younger than the history wanted has what there is', async () => {
	const feed = await follow(3_000);
	feed.market.add('5m', candlesFrom(feed.now - 1_200 * timeframeMs['5m'], 1_200, '5m'));
	expect(await feed.fetch()).toMatchObject({ fetched: 1 });
	expect(await stored('5m')).toMatchObject({ n: 1_200 });
	expect(feed.market.calls.length).toBeLessThan(6);
});

test('after days without workers the present comes first and strategies have whole windows; the rest is a gap to refetch', async () => {
	const feed = await follow(300);
	const history = (from: number, to: number) => {
		feed.market.add('1m', candlesFrom(from, (to - from) / minute, '1m'));
		feed.market.add('5m', candlesFrom(from, (to - from) / timeframeMs['5m'], '5m'));
	};
	history(feed.now - 2_000 * minute, feed.now);
	await feed.fetch();
	const away = 3 * 86_400_000;
	history(feed.now, feed.now + away);
	feed.now += away;
	feed.market.calls.length = 0;
	expect(await feed.fetch()).toMatchObject({ fetched: 1 });
	expect(feed.market.calls.map(({ timeframe }) => timeframe).toSorted()).toEqual(['1h', '1m', '5m']);
	const { rows } = await books.pool.query(`select fetched_at, last_candle_at from feeds`);
	expect(rows).toEqual([{ fetched_at: new Date(feed.now), last_candle_at: new Date(feed.now - minute) }]);
	const window = await books.pool.query(`select count(*) as n from candles where timeframe = '5m' and open_at >= $1`, [
		new Date(feed.now - 300 * timeframeMs['5m']),
	]);
	expect(window.rows[0].n).toBe(300);
	const gaps = await books.pool.query(`select gap_from, gap_to from candle_gaps where timeframe = '1m'`);
	expect(gaps.rows).toEqual([{ gap_from: start, gap_to: new Date(feed.now - 1_000 * minute) }]);
	// And once it follows again, a minute is one call.
	feed.market.calls.length = 0;
	feed.now += minute;
	feed.market.add('1m', candlesFrom(feed.now - minute, 1, '1m'));
	await feed.fetch();
	expect(feed.market.calls).toHaveLength(1);
});

test('a market of which every bot is deleted rests', async () => {
	const feed = await follow(10);
	feed.market.add('1m', candlesFrom(feed.now - 200 * minute, 200, '1m'));
	expect(await feed.fetch()).toMatchObject({ fetched: 1 });
	await books.pool.query(`update bots set status = 'DELETED', deleted_at = now(), next_check_at = null`);
	feed.now += 10 * minute;
	expect(await feed.fetch()).toMatchObject({ fetched: 0 });
});
