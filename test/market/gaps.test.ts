/** Gaps: found, asked for again, filled where the exchange has candles and confirmed where it has none. */
import { expect, test } from 'vitest';
import { recordCandles } from '../../src/database/functions/market.ts';
import type { FeedContext } from '../../src/market/feed.ts';
import { findGaps, refetchGaps } from '../../src/market/gaps.ts';
import { one, openBooks } from '../db/books.ts';
import {
	after,
	makeBot,
	makeFeedFresh,
	makeInstrument,
	makeStrategyVersion,
	makeWorld,
	start,
} from '../support/factories/world.ts';
import { candle, candlesFrom, type RecordedMarket, recordedMarket } from './recorded-market.ts';

const books = openBooks();
const minute = 60_000;
const from = start.getTime() - 120 * minute;

interface Followed {
	readonly instrumentId: number;
	readonly market: RecordedMarket;
	readonly context: FeedContext;
	now: number;
	round(days?: number): ReturnType<typeof refetchGaps>;
}

/** A followed instrument of which two hours of minutes are stored but for those with these indexes; the exchange has them all. */
async function withMissing(...missing: number[]): Promise<Followed> {
	const world = await makeWorld(books.pool);
	await makeBot(books.pool, { ...world, versionId: await makeStrategyVersion(books.pool, { timeframe: '5m' }) });
	await makeFeedFresh(books.pool, world.instrument.id, start);
	const followed: Followed = {
		instrumentId: world.instrument.id,
		now: start.getTime(),
		market: recordedMarket(() => followed.now),
		context: { pool: books.pool, workerId: 'w', marketData: async () => followed.market },
		round: async (days = 1) => {
			await findGaps(books.pool, { days, now: new Date(followed.now) });
			return await refetchGaps(followed.context, { now: new Date(followed.now) });
		},
	};
	const candles = candlesFrom(from, 120, '1m');
	followed.market.add('1m', candles);
	const batch = [
		{
			instrument_id: world.instrument.id,
			timeframe: '1m',
			candles: candles.filter((_, index) => !missing.includes(index)),
		},
	];
	await recordCandles(books.pool, { batch, now: start });
	return followed;
}

const gaps = async () =>
	(
		await books.pool.query(
			`select timeframe, gap_from, missing, state, attempts from reporting.candle_gaps where timeframe in ('1m', '5m') order by 1, 2`,
		)
	).rows;
const revision = async () => (await one<{ revision: number }>(books.pool, 'select revision from feeds')).revision;

test('what the exchange has is stored, its roll-ups follow, and the feed has a new revision', async () => {
	const feed = await withMissing(3, 40, 41);
	expect(await gaps()).toMatchObject([
		{ timeframe: '1m', gap_from: new Date(from + 3 * minute), missing: 1, state: 'OPEN', attempts: 0 },
		{ timeframe: '1m', gap_from: new Date(from + 40 * minute), missing: 2, state: 'OPEN' },
		{ timeframe: '5m', gap_from: new Date(from + 40 * minute), missing: 1, state: 'OPEN' },
	]);
	const before = await revision();
	expect(await feed.round()).toMatchObject({ gaps: 3, confirmed: 0, failed: [] });
	expect(await gaps()).toEqual([]);
	expect(await revision()).toBeGreaterThan(before);
	expect(
		await one(books.pool, `select count(*) as n from candles where timeframe = '1h' and instrument_id = $1`, [
			feed.instrumentId,
		]),
	).toEqual({ n: 2 });
	// One call for the minutes that lie near each other, one for the five minutes.
	expect(feed.market.calls).toHaveLength(2);
	expect((await books.pool.query('select from candle_gaps')).rowCount).toBe(0);
	expect(await feed.round()).toMatchObject({ gaps: 0 });
	expect(feed.market.calls).toHaveLength(2);
});

test('where the exchange has none the gap is asked for three times, further and further apart, and then no more', async () => {
	const feed = await withMissing(50);
	feed.market.remove('1m', from + 50 * minute);
	const wait = async (ms: number) => {
		feed.now += ms;
		feed.market.calls.length = 0;
		const round = await feed.round();
		return {
			minutes: feed.market.calls.filter(({ timeframe }) => timeframe === '1m').length,
			confirmed: round.confirmed,
		};
	};
	expect(await wait(0)).toEqual({ minutes: 1, confirmed: 0 });
	expect(await wait(59 * minute)).toEqual({ minutes: 0, confirmed: 0 });
	expect(await wait(minute)).toEqual({ minutes: 1, confirmed: 0 });
	expect(await wait(359 * minute)).toEqual({ minutes: 0, confirmed: 0 });
	expect(await wait(minute)).toMatchObject({ minutes: 1 });
	expect(await gaps()).toMatchObject([
		{ timeframe: '1m', missing: 1, state: 'CONFIRMED', attempts: 3 },
		{ timeframe: '5m', missing: 1, state: 'CONFIRMED', attempts: 3 },
	]);
	expect(await wait(30 * 86_400_000)).toEqual({ minutes: 0, confirmed: 0 });
	// A thin market is no alert.
	expect((await books.pool.query('select from alerts')).rowCount).toBe(0);
});

test('a failed call is no answer', async () => {
	const feed = await withMissing(50);
	feed.market.failures.push(...Array.from({ length: 2 }, () => new Error('busy')));
	expect((await feed.round()).failed).toHaveLength(2);
	expect(await gaps()).toMatchObject([{ attempts: 0 }, { attempts: 0 }]);
	feed.now += 4 * minute;
	expect(await feed.round()).toMatchObject({ gaps: 0 });
	feed.now += minute;
	expect(await feed.round()).toMatchObject({ gaps: 2, failed: [] });
	expect(await gaps()).toEqual([]);
});

test('a gap of which a part came is a smaller one, asked for anew', async () => {
	const feed = await withMissing(50, 51, 52);
	for (const index of [50, 52]) feed.market.remove('1m', from + index * minute);
	await feed.round();
	expect((await gaps()).filter(({ timeframe }) => timeframe === '1m')).toMatchObject([
		{ gap_from: new Date(from + 50 * minute), missing: 1, attempts: 0 },
		{ gap_from: new Date(from + 52 * minute), missing: 1, attempts: 0 },
	]);
});

test("an exchange's own candle covers a window of which a minute is missing for good, and those above it", async () => {
	const feed = await withMissing(50);
	feed.market.remove('1m', from + 50 * minute);
	feed.market.add('5m', [candle(from + 50 * minute, 123, '7')]);
	await feed.round();
	const { rows } = await books.pool.query(
		`select timeframe, is_native from candles where timeframe <> '1m' and open_at = date_bin(case timeframe when '5m' then interval '5 minutes' when '15m' then interval '15 minutes' else interval '1 hour' end, $1, 'epoch') order by 1`,
		[new Date(from + 50 * minute)],
	);
	expect(rows).toEqual([
		{ timeframe: '5m', is_native: true },
		{ timeframe: '15m', is_native: false },
		{ timeframe: '1h', is_native: false },
	]);
});

test('a gap of days is fetched in pages', async () => {
	const feed = await withMissing();
	const away = 3 * 1_440;
	feed.market.add('1m', candlesFrom(start.getTime(), away + 10, '1m'));
	feed.now += (away + 10) * minute;
	const batch = [
		{
			instrument_id: feed.instrumentId,
			timeframe: '1m',
			candles: candlesFrom(start.getTime() + away * minute, 10, '1m'),
		},
	];
	await recordCandles(books.pool, { batch, now: new Date(feed.now) });
	await feed.round(7);
	expect(feed.market.calls.filter(({ timeframe }) => timeframe === '1m').map(({ limit }) => limit)).toEqual([
		1_000, 1_000, 1_000, 1_000, 320,
	]);
	expect((await gaps()).filter(({ timeframe }) => timeframe === '1m')).toEqual([]);
});

test('what nobody follows, and what is older than asked for, is listed and not refetched', async () => {
	const feed = await withMissing(50);
	const other = await makeInstrument(books.pool);
	const candles = [0, 1, 5].map((index) => candle(from + index * minute));
	await recordCandles(books.pool, { batch: [{ instrument_id: other.id, timeframe: '1m', candles }], now: start });
	feed.now += 2 * 86_400_000;
	expect(await feed.round(1)).toMatchObject({ gaps: 0 });
	expect(feed.market.calls).toEqual([]);
	expect((await gaps()).filter(({ timeframe }) => timeframe === '1m')).toHaveLength(2);
});

test('a year of minutes: the view walks the key of one instrument and sorts nothing', async () => {
	const instrument = await makeInstrument(books.pool);
	const others = await makeInstrument(books.pool);
	await books.pool.query(
		`insert into candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		select i, '1m', $3::timestamptz + n * interval '1 minute', 100, 100, 100, 100, 1, true
		from unnest(array[$1, $2]::bigint[]) i, generate_series(0, 525599) n
		where n % 50000 <> 7`,
		[instrument.id, others.id, after(-366 * 86_400)],
	);
	await books.pool.query('vacuum analyze candles');
	const question = `from reporting.candle_gaps where instrument_id = ${instrument.id} and timeframe = '1m'`;
	expect(await one(books.pool, `select count(*) as gaps, sum(missing)::integer as missing ${question}`)).toEqual({
		gaps: 11,
		missing: 11,
	});
	const { rows } = await books.pool.query<{ 'QUERY PLAN': string }>(`explain (costs off) select * ${question}`);
	const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
	expect(plan).toMatch(/Index Only Scan using candles_pkey|Index (Only )?Scan using \S*candles_pkey/);
	expect(plan).not.toMatch(/-> +(Incremental )?Sort$|Seq Scan on (candles|_hyper)/m);
});
