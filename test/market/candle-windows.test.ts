/** When a worker loads a candle window again, and when the one that it holds serves. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Timeframe } from '../../src/domain.ts';
import { CandleWindows, marketKey } from '../../src/market/windows.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** A full quarter of an hour: every timeframe has just closed a candle. */
const noon = Date.UTC(2025, 5, 12, 12);
const minute = 60_000;
const candles = 10;
let database: TestDatabase;
let instrumentId: number;

beforeAll(async () => {
	database = await createTestDatabase();
	const { rows } = await database.pool.query<{ id: number }>(
		`insert into botbox.instruments (exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size)
		 values ('sim', 'BTC/USDT', 'BTCUSDT', 'SPOT', 'BTC', 'USDT', 'USDT', 0.01, 0.001) returning id`,
	);
	instrumentId = rows[0]?.id ?? 0;
});
afterAll(() => database.drop());
beforeEach(async () => {
	await database.pool.query('delete from botbox.candles');
});

/** Candles of a timeframe with opening times from `first` to `last`, both epoch ms. */
async function store(timeframe: Timeframe, minutes: number, first: number, last: number): Promise<void> {
	await database.pool.query(
		`insert into botbox.candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		 select $1, $2, t, 100, 101, 99.5, 100.25, 0, true
		   from generate_series($4::timestamptz, $5::timestamptz, make_interval(mins => $3)) t`,
		[instrumentId, timeframe, minutes, new Date(first), new Date(last)],
	);
}

async function load(windows: CandleWindows, timeframe: Timeframe, revision: number, at: number, dueAt = at) {
	const markets = await windows.load(
		database.pool,
		[{ instrumentId, timeframe, candles, revision, dueAt }],
		new Date(at),
	);
	return markets.get(marketKey(instrumentId, timeframe));
}

test('a window of five minutes is loaded again when a candle has closed, not with every fetch', async () => {
	const windows = new CandleWindows();
	await store('5m', 5, noon - 60 * minute, noon - 5 * minute);
	const first = await load(windows, '5m', 1, noon);
	expect(first?.candleAt).toBe(noon - 5 * minute);
	expect(first?.view.candles.low[0]).toBe(99.5);
	expect(await load(windows, '5m', 2, noon + minute)).toBe(first);
	expect(windows.use).toEqual({ loaded: 1, reused: 1 });
	await store('5m', 5, noon, noon);
	expect((await load(windows, '5m', 7, noon + 5 * minute))?.candleAt).toBe(noon);
	expect(windows.use.loaded).toBe(2);
});

test('a window whose newest candle came late is loaded again as soon as something is stored', async () => {
	const windows = new CandleWindows();
	await store('5m', 5, noon - 60 * minute, noon - 10 * minute);
	expect((await load(windows, '5m', 1, noon))?.candleAt).toBe(noon - 10 * minute);
	await store('5m', 5, noon - 5 * minute, noon - 5 * minute);
	expect((await load(windows, '5m', 2, noon + minute))?.candleAt).toBe(noon - 5 * minute);
});

test('a window that is short of history is loaded again, since a backfill may have brought it', async () => {
	const windows = new CandleWindows();
	await store('5m', 5, noon - 15 * minute, noon - 5 * minute);
	expect((await load(windows, '5m', 1, noon))?.view.candles.close).toHaveLength(3);
	await store('5m', 5, noon - 60 * minute, noon - 20 * minute);
	expect((await load(windows, '5m', 2, noon + minute))?.view.candles.close).toHaveLength(candles);
});

test('a clock that is behind does not hide the candle that a check is due for', async () => {
	const windows = new CandleWindows();
	await store('5m', 5, noon - 60 * minute, noon);
	const behind = noon + 5 * minute - 2_000;
	expect((await load(windows, '5m', 1, behind))?.candleAt).toBe(noon - 5 * minute);
	// The database's clock is past the full five minutes, or the check would not be due.
	await windows.load(
		database.pool,
		[{ instrumentId, timeframe: '5m', candles, revision: 2, dueAt: noon + 5 * minute }],
		new Date(behind),
	);
	expect(windows.use.loaded).toBe(2);
});
