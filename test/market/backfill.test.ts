/** History on request: whole, in as few calls as pages, and going on where it was stopped. */
import { expect, test } from 'vitest';
import { type Timeframe, timeframeMs } from '../../src/domain.ts';
import { RetryLaterError } from '../../src/errors.ts';
import { type BackfillRequest, backfillCandles } from '../../src/market/backfill.ts';
import { openBooks } from '../db/books.ts';
import { type Instrument, makeInstrument, start } from '../support/factories/world.ts';
import { candle, candlesFrom, recordedMarket } from './recorded-market.ts';

const books = openBooks();
const minute = 60_000;
const now = start.getTime();
const market = () => recordedMarket(() => now);

function request(instrument: Instrument, minutes: number, more: Partial<BackfillRequest> = {}): BackfillRequest {
	const from = new Date(now - minutes * minute);
	const base = { instrumentId: instrument.id, symbol: instrument.symbol, timeframe: '1m' as const };
	return { ...base, from, to: new Date(now), now: new Date(now), sleep: async () => undefined, ...more };
}

async function count(instrument: Instrument, timeframe: Timeframe = '1m'): Promise<number> {
	const { rows } = await books.pool.query(
		'select count(*) as n from candles where instrument_id = $1 and timeframe = $2',
		[instrument.id, timeframe],
	);
	return rows[0].n;
}

test('a range is fetched page by page, with its roll-ups and the progress told', async () => {
	const instrument = await makeInstrument(books.pool);
	const data = market();
	data.add('1m', candlesFrom(now - 5_000 * minute, 5_000, '1m'));
	const shares: number[] = [];
	const result = await backfillCandles(
		books.pool,
		data,
		request(instrument, 2_500, { onProgress: ({ share }) => shares.push(share) }),
	);
	expect(result).toMatchObject({ fetched: 2_500, stored: 2_500, refused: 0, isComplete: true, share: 1 });
	expect(data.calls.map(({ limit }) => limit)).toEqual([1_000, 1_000, 500]);
	expect(shares).toEqual([0.4, 0.8, 1]);
	expect(await count(instrument)).toBe(2_500);
	expect(await count(instrument, '5m')).toBe(500);
	// The same again asks nothing.
	data.calls.length = 0;
	expect(await backfillCandles(books.pool, data, request(instrument, 2_500))).toMatchObject({
		fetched: 0,
		isComplete: true,
	});
	expect(data.calls).toEqual([]);
	// Asked for again expressly, all of it.
	await backfillCandles(books.pool, data, request(instrument, 2_500, { afresh: true }));
	expect(data.calls).toHaveLength(3);
});

test('stopped in the middle, the next run goes on where it stopped', async () => {
	const instrument = await makeInstrument(books.pool);
	const data = market();
	data.add('1m', candlesFrom(now - 3_000 * minute, 3_000, '1m'));
	const stopping = new AbortController();
	const onProgress = () => stopping.abort();
	const first = await backfillCandles(
		books.pool,
		data,
		request(instrument, 3_000, { signal: stopping.signal, onProgress }),
	);
	expect(first).toMatchObject({ fetched: 1_000, isComplete: false });
	data.calls.length = 0;
	expect(await backfillCandles(books.pool, data, request(instrument, 3_000))).toMatchObject({
		fetched: 2_000,
		isComplete: true,
	});
	expect(data.calls.map(({ sinceMs }) => sinceMs)).toEqual([now - 2_000 * minute, now - 1_000 * minute]);
	expect(await count(instrument)).toBe(3_000);
});

test('cut off by the exchange, it keeps what it has and goes on from there', async () => {
	const instrument = await makeInstrument(books.pool);
	const data = market();
	data.add('1m', candlesFrom(now - 2_000 * minute, 2_000, '1m'));
	const candles = data.candles;
	Object.assign(data, {
		candles: async (...args: Parameters<typeof candles>) => {
			if (data.calls.length === 1) throw new Error('gone');
			return await candles(...args);
		},
	});
	await expect(backfillCandles(books.pool, data, request(instrument, 2_000))).rejects.toThrow('gone');
	expect(await count(instrument)).toBe(1_000);
	Object.assign(data, { candles });
	expect(await backfillCandles(books.pool, data, request(instrument, 2_000))).toMatchObject({ fetched: 1_000 });
});

test('a busy exchange is asked again, with pauses that grow', async () => {
	const instrument = await makeInstrument(books.pool);
	const data = market();
	data.add('1m', candlesFrom(now - 10 * minute, 10, '1m'));
	data.failures.push(...Array.from({ length: 3 }, () => new RetryLaterError('RATE_LIMITED', 'later', 1_000)));
	const pauses: number[] = [];
	const sleep = async (ms: number) => void pauses.push(ms);
	expect(await backfillCandles(books.pool, data, request(instrument, 10, { sleep }))).toMatchObject({ fetched: 10 });
	expect(pauses).toEqual([1_000, 2_000, 4_000]);
	data.failures.push(...Array.from({ length: 10 }, () => new RetryLaterError('RATE_LIMITED', 'later', 1_000)));
	await expect(backfillCandles(books.pool, data, request(instrument, 10, { sleep, afresh: true }))).rejects.toThrow(
		'later',
	);
});

test('an earlier beginning fetches only what is before', async () => {
	const instrument = await makeInstrument(books.pool);
	const data = market();
	data.add('1m', candlesFrom(now - 900 * minute, 900, '1m'));
	await backfillCandles(books.pool, data, request(instrument, 300));
	data.calls.length = 0;
	expect(await backfillCandles(books.pool, data, request(instrument, 900))).toMatchObject({ fetched: 600 });
	expect(data.calls).toEqual([{ timeframe: '1m', sinceMs: now - 900 * minute, limit: 600 }]);
});

test('a market that is younger than what is wanted costs no empty pages', async () => {
	const instrument = await makeInstrument(books.pool);
	const data = market();
	const listed = now - (now % 86_400_000) - 86_400_000;
	data.add('1d', [candle(listed)]);
	data.add('1m', candlesFrom(listed, (now - listed) / minute, '1m'));
	const result = await backfillCandles(books.pool, data, request(instrument, 400 * 1_440));
	expect(result).toMatchObject({ fetched: (now - listed) / minute, isComplete: true });
	expect(data.calls.filter(({ timeframe }) => timeframe === '1d')).toHaveLength(1);
	expect(data.calls.length).toBeLessThan(6);
});

test('minutes that are missing stay missing', async () => {
	const instrument = await makeInstrument(books.pool);
	const data = market();
	data.add('1m', candlesFrom(now - 60 * minute, 60, '1m'));
	for (const index of [10, 11, 30]) data.remove('1m', now - index * minute);
	expect(await backfillCandles(books.pool, data, request(instrument, 60))).toMatchObject({ fetched: 57, stored: 57 });
	const { rows } = await books.pool.query(
		`select gap_from, missing from reporting.candle_gaps where instrument_id = $1 and timeframe = '1m' order by 1`,
		[instrument.id],
	);
	expect(rows).toEqual([
		{ gap_from: new Date(now - 30 * minute), missing: 1 },
		{ gap_from: new Date(now - 11 * minute), missing: 2 },
	]);
});

test.each(['5m', '15m', '1h', '4h', '1d'] as const)(
	'%s: whole candles of the range, the open one never',
	async (timeframe) => {
		const instrument = await makeInstrument(books.pool);
		const data = market();
		const length = timeframeMs[timeframe];
		const last = Math.floor(now / length) * length;
		data.add(timeframe, candlesFrom(last - 5 * length, 6, timeframe));
		const from = new Date(last - 3 * length - 1);
		const result = await backfillCandles(books.pool, data, request(instrument, 1, { timeframe, from }));
		expect(result).toMatchObject({ fetched: 3, from: new Date(last - 3 * length), to: new Date(last) });
	},
);
