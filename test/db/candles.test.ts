/** Candles: rolled up only where whole, never over the exchange's own, and visible only once closed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
	claimFeeds,
	findUncoveredWindows,
	loadCandleWindows,
	recordCandles,
	recordFetches,
} from '../../src/database/functions/market.ts';
import type { Timeframe } from '../../src/domain.ts';
import { workerId } from '../support/factories/trading.ts';
import {
	after,
	type Instrument,
	makeBot,
	makeFeedFresh,
	makeInstrument,
	makeStrategyVersion,
	makeWorld,
	start,
} from '../support/factories/world.ts';
import { empty, openBooks } from './books.ts';

const books = openBooks();
type Bar = readonly [openMs: number, open: number, high: number, low: number, close: number, volume: number];

/** The minute `index` after start. */
const minute = (index: number, price = 100, volume = 1): Bar => [
	start.getTime() + index * 60_000,
	price,
	price + 2,
	price - 2,
	price + 1,
	volume,
];
const minutes = (from: number, to: number, price = 100): Bar[] =>
	Array.from({ length: to - from }, (_, index) => minute(from + index, price + index));

async function record(
	instrument: Instrument,
	candles: readonly Bar[],
	options: { timeframe?: Timeframe; now?: Date; more?: object } = {},
) {
	const last = candles.at(-1)?.[0] ?? start.getTime();
	const batch = [
		{
			instrument_id: instrument.id,
			timeframe: options.timeframe ?? '1m',
			candles,
			fetched_at: new Date(last + 60_000).toISOString(),
			...options.more,
		},
	];
	return (await recordCandles(books.pool, { batch, now: options.now ?? new Date(last + 60_000) }))[0];
}

async function stored(instrument: Instrument, timeframe: Timeframe) {
	const { rows } = await books.pool.query(
		`select open_at, open::float, high::float, low::float, close::float, volume::float, is_native from candles
		where instrument_id = $1 and timeframe = $2 order by open_at`,
		[instrument.id, timeframe],
	);
	return rows;
}

test('a window is rolled up when its last minute comes, and equals the aggregate of its minutes', async () => {
	const instrument = await makeInstrument(books.pool);
	expect(await record(instrument, minutes(0, 4))).toMatchObject({ stored: 4, rolledUp: 0 });
	expect(await record(instrument, [minute(4, 104)])).toMatchObject({ stored: 1, rolledUp: 1 });
	expect(await stored(instrument, '5m')).toEqual([
		{ open_at: start, open: 100, high: 106, low: 98, close: 105, volume: 5, is_native: false },
	]);
	// The same again changes nothing.
	expect(await record(instrument, [minute(4, 104)])).toMatchObject({ stored: 0, rolledUp: 0 });
});

test('only fully covered windows are rolled up; a minute that comes late completes its own', async () => {
	const instrument = await makeInstrument(books.pool);
	await record(instrument, [...minutes(0, 2), ...minutes(3, 15)]);
	expect((await stored(instrument, '5m')).map(({ open_at }) => open_at)).toEqual([after(300), after(600)]);
	expect(await stored(instrument, '15m')).toEqual([]);
	expect(await record(instrument, [minute(2, 50)], { now: after(3_600) })).toMatchObject({ rolledUp: 2 });
	expect((await stored(instrument, '5m'))[0]).toMatchObject({ open_at: start, low: 48 });
	expect(await stored(instrument, '15m')).toMatchObject([{ low: 48 }]);
});

test('a correction of a minute corrects what was rolled up from it', async () => {
	const instrument = await makeInstrument(books.pool);
	await record(instrument, minutes(0, 60));
	const before = await stored(instrument, '1h');
	expect(await record(instrument, [minute(7, 500)], { now: after(7_200) })).toMatchObject({ stored: 1, rolledUp: 3 });
	expect(await stored(instrument, '1h')).toMatchObject([{ ...before[0], high: 502 }]);
});

test("the exchange's own candle wins over ours, whichever came first", async () => {
	const instrument = await makeInstrument(books.pool);
	const native: Bar = [start.getTime(), 1, 3, 0.5, 2, 9];
	await record(instrument, minutes(0, 5));
	expect(await record(instrument, [native], { timeframe: '5m' })).toMatchObject({ stored: 1, rolledUp: 0 });
	await record(instrument, [minute(1, 900)], { now: after(600) });
	expect(await stored(instrument, '5m')).toEqual([
		{ open_at: start, open: 1, high: 3, low: 0.5, close: 2, volume: 9, is_native: true },
	]);
});

test('longer candles come from those below them, the exchange’s own among them', async () => {
	const instrument = await makeInstrument(books.pool);
	const five = (index: number, high = 200): Bar => [start.getTime() + index * 300_000, 100, high, 90, 110, 0.1];
	// Minute 7 is missing for good: the exchange has the five minutes around it.
	await record(instrument, [...minutes(0, 7), ...minutes(8, 60)], { now: after(3_600) });
	expect(await stored(instrument, '1h')).toEqual([]);
	expect(await record(instrument, [five(1)], { timeframe: '5m', now: after(3_700) })).toMatchObject({
		stored: 1,
		rolledUp: 2,
	});
	expect(await stored(instrument, '1h')).toMatchObject([{ open: 100, high: 200, low: 90, close: 152, volume: 55.1 }]);
	// Corrected, it corrects what is above it.
	expect(await record(instrument, [five(1, 300)], { timeframe: '5m', now: after(3_800) })).toMatchObject({
		rolledUp: 2,
	});
	expect(await stored(instrument, '1h')).toMatchObject([{ high: 300 }]);
	expect(await stored(instrument, '15m')).toMatchObject([{ high: 300 }, {}, {}, {}]);
});

test('five-minute candles alone make quarters, hours and days, and only whole ones', async () => {
	const instrument = await makeInstrument(books.pool);
	const midnight = after(12 * 3_600).getTime();
	const fives = Array.from({ length: 288 }, (_, index): Bar => [midnight + index * 300_000, 100, 102, 98, 101, 0.1]);
	await record(instrument, fives.toSpliced(200, 1), { timeframe: '5m', now: after(40 * 3_600) });
	const count = async (timeframe: Timeframe) => (await stored(instrument, timeframe)).length;
	expect([await count('15m'), await count('1h'), await count('4h'), await count('1d')]).toEqual([95, 23, 5, 0]);
	await record(instrument, [fives[200]!], { timeframe: '5m', now: after(40 * 3_600) });
	expect([await count('15m'), await count('1h'), await count('4h'), await count('1d')]).toEqual([96, 24, 6, 1]);
	expect((await stored(instrument, '1d'))[0]).toMatchObject({
		open: 100,
		high: 102,
		low: 98,
		close: 101,
		volume: 28.8,
	});
});

test('candles of no instrument are refused', async () => {
	await expect(record({ id: 999_999, symbol: 'X' }, minutes(0, 1))).rejects.toMatchObject({ code: '23503' });
});

test('a candle that comes twice in one answer is one, the later', async () => {
	const instrument = await makeInstrument(books.pool);
	expect(await record(instrument, [minute(0, 100), minute(0, 110)])).toMatchObject({ stored: 1 });
	expect(await stored(instrument, '1m')).toMatchObject([{ open: 110 }]);
});

test('any minutes, in any order and any batches: every roll-up equals the aggregate of its window', async () => {
	const some = fc.array(fc.record({ index: fc.nat(59), price: fc.integer({ min: 50, max: 150 }) }), {
		minLength: 1,
		maxLength: 30,
	});
	await fc.assert(
		fc.asyncProperty(fc.array(some, { minLength: 1, maxLength: 6 }), fc.boolean(), async (batches, fillUp) => {
			await empty(books.pool);
			const instrument = await makeInstrument(books.pool);
			const all = fillUp
				? [minutes(0, 60), ...batches.map((batch) => batch.map(({ index, price }) => minute(index, price)))]
				: batches.map((batch) => batch.map(({ index, price }) => minute(index, price)));
			for (const batch of all) await record(instrument, batch, { now: after(7_200) });
			const { rows } = await books.pool.query(`
				with wanted as (
					select f.timeframe, date_bin(f.length, m.open_at, 'epoch') as open_at, (array_agg(m.open order by m.open_at))[1] as open,
						max(m.high) as high, min(m.low) as low, (array_agg(m.close order by m.open_at desc))[1] as close, sum(m.volume) as volume
					from candles m
					cross join (values ('5m'::timeframe, interval '5 minutes', 5), ('15m', '15 minutes', 15), ('1h', '1 hour', 60)) f (timeframe, length, minutes)
					where m.timeframe = '1m'
					group by f.timeframe, f.minutes, 2 having count(*) = f.minutes)
				select * from wanted w
				full join (select * from candles where timeframe <> '1m') k using (timeframe, open_at)
				where (w.open, w.high, w.low, w.close, w.volume) is distinct from (k.open, k.high, k.low, k.close, k.volume)`);
			expect(rows).toEqual([]);
		}),
		{ numRuns: 15 },
	);
});

test('windows show closed candles only, oldest first, and no more than asked for', async () => {
	const instrument = await makeInstrument(books.pool);
	await record(instrument, minutes(0, 12), { now: after(720) });
	const load = async (seconds: number, timeframe: Timeframe = '1m', candles = 3) =>
		(
			await loadCandleWindows(books.pool, {
				requests: [{ instrument_id: instrument.id, timeframe, candles }],
				now: after(seconds),
			})
		)[0];
	expect(await load(59.9)).toBeUndefined();
	expect((await load(60))?.openAt).toEqual([start.getTime()]);
	expect((await load(600))?.openAt).toEqual([7, 8, 9].map((index) => start.getTime() + index * 60_000));
	expect((await load(599))?.close).toEqual([107, 108, 109]);
	expect((await load(599, '5m'))?.openAt).toEqual([start.getTime()]);
	expect((await load(600, '5m'))?.openAt).toEqual([start.getTime(), start.getTime() + 300_000]);
});

test("the exchange's freshness and revision move with what is stored; backfills are noted once", async () => {
	const world = await makeWorld(books.pool);
	await makeBot(books.pool, world);
	await record(world.instrument, minutes(0, 3), { more: { refused_rows: 2 } });
	await record(world.instrument, minutes(0, 3), { more: { refused_rows: 1 } });
	await record(world.instrument, [minute(0)], { timeframe: '5m', more: { backfilled: 10 } });
	const { rows } = await books.pool.query('select revision, refused_rows, fetched_at, last_candle_at from feeds');
	expect(rows).toEqual([{ revision: 2, refused_rows: 3, fetched_at: after(180), last_candle_at: after(120) }]);
	const [feed] = await claimFeeds(books.pool, { workerId, now: after(60) });
	// What is left is what correlations need.
	expect(feed?.windows).toEqual([{ timeframe: '1h', candles: 720 }]);
});

test('a feed is claimed by one worker, and again after its fetch or its lease', async () => {
	const world = await makeWorld(books.pool);
	await makeBot(books.pool, world);
	const claims = await Promise.all(
		['a', 'b', 'c'].map((worker) => claimFeeds(books.pool, { workerId: worker, now: start })),
	);
	expect(claims.flat()).toMatchObject([
		{
			windows: [
				{ timeframe: '5m', candles: 10 },
				{ timeframe: '1h', candles: 720 },
			],
		},
	]);
	const holder = ['a', 'b', 'c'][claims.findIndex((rows) => rows.length > 0)]!;
	const results = [{ instrument_id: world.instrument.id, error: 'timeout' }];
	await recordFetches(books.pool, { results, workerId: 'other', now: after(1) });
	expect(await claimFeeds(books.pool, { workerId: 'd', now: after(14) })).toEqual([]);
	await recordFetches(books.pool, { results, workerId: holder, now: after(1) });
	// A failure comes again after 1, 2, 4 … s, a success at the next full minute.
	expect(await claimFeeds(books.pool, { workerId: 'd', now: after(1.9) })).toEqual([]);
	expect(await claimFeeds(books.pool, { workerId: 'd', now: after(2) })).toHaveLength(1);
	await recordFetches(books.pool, { results: [{ ...results[0], error: null }], workerId: 'd', now: after(3) });
	expect(await claimFeeds(books.pool, { workerId: 'd', now: after(59) })).toEqual([]);
	expect(await claimFeeds(books.pool, { workerId: 'd', now: after(60) })).toHaveLength(1);
	expect(await claimFeeds(books.pool, { workerId: 'e', now: after(74) })).toEqual([]);
	expect(await claimFeeds(books.pool, { workerId: 'e', now: after(75) })).toHaveLength(1);
});

test('asked for by name a feed is fetched at once, unless it was within the last second', async () => {
	const world = await makeWorld(books.pool);
	await makeBot(books.pool, world);
	await makeFeedFresh(books.pool, world.instrument.id, after(100));
	await books.pool.query('update feeds set next_fetch_at = $1', [after(600)]);
	const ask = (seconds: number) =>
		claimFeeds(books.pool, { workerId, instrumentIds: [world.instrument.id], now: after(seconds) });
	expect(await ask(101)).toEqual([]);
	expect(await ask(101.1)).toHaveLength(1);
});

test("windows that minutes do not cover are named while the exchange's own candle is news", async () => {
	const world = await makeWorld(books.pool);
	await makeBot(books.pool, { ...world, versionId: await makeStrategyVersion(books.pool, { timeframe: '5m' }) });
	await record(world.instrument, minutes(0, 3));
	const ask = (seconds: number) =>
		findUncoveredWindows(books.pool, { instrumentIds: [world.instrument.id], now: after(seconds) });
	expect(await ask(300)).toEqual([{ instrumentId: world.instrument.id, timeframe: '5m', openAt: start }]);
	await record(world.instrument, [minute(0)], { timeframe: '5m' });
	expect(await ask(300)).toEqual([]);
});
