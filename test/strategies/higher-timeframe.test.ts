/** A higher candle counts only once it has closed: what a worker loads for a strategy that looks at two timeframes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Timeframe, timeframeMs } from '../../src/domain.ts';
import { viewOf } from '../../src/market/views.ts';
import { CandleWindows, marketKey } from '../../src/market/windows.ts';
import { higherTimeframe } from '../../src/strategies/factors/higher-timeframe.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const noon = Date.UTC(2025, 5, 12, 12);
const minute = 60_000;
const factor = higherTimeframe({ higher_timeframe: '1h', higher_fast_period: 5, higher_slow_period: 20 });
let database: TestDatabase;
let instrumentId: number;

beforeAll(async () => {
	database = await createTestDatabase();
	const { rows } = await database.pool.query<{ id: number }>(
		`insert into botbox.instruments (exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size)
		 values ('sim', 'BTC/USDT', 'BTCUSDT', 'SPOT', 'BTC', 'USDT', 'USDT', 0.01, 0.001) returning id`,
	);
	instrumentId = rows[0]!.id;
	await store('15m', 0);
	await store('1h', 0);
	// The hour from twelve to one is stored while it runs, and falls far below all before it.
	await database.pool.query(
		`update botbox.candles set low = 50, close = 50 where timeframe = '1h' and open_at = $1::timestamptz`,
		[new Date(noon)],
	);
});
afterAll(() => database.drop());

/** Candles that rise slowly, until the one that opens at `noon` plus `after`. */
async function store(timeframe: Timeframe, after: number): Promise<void> {
	await database.pool.query(
		`insert into botbox.candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		 select $1, $2, $3::timestamptz - n * make_interval(secs => $4), 200 - n, 202 - n, 199 - n, 201 - n, 1, true
		   from generate_series(0, 60) n`,
		[instrumentId, timeframe, new Date(noon + after), timeframeMs[timeframe] / 1000],
	);
}

/** The factor as a bot on candles of a quarter of an hour sees it at `at`. */
async function look(at: number) {
	const windows = new CandleWindows();
	const needs = [{ timeframe: '15m', history: 1 } as const, ...factor.furtherWindows!];
	const requests = needs.map(({ timeframe, history }) => {
		return { instrumentId, timeframe, candles: history, revision: 1, historyRevision: null, dueAt: at };
	});
	const markets = await windows.load(database.pool, requests, new Date(at));
	const [main, higher] = needs.map(({ timeframe }) => markets.get(marketKey(instrumentId, timeframe))!);
	const view = viewOf({ main: main!, funding: null, further: [higher!], legs: [] });
	return { opened: view.timeframe('1h')!.candles.openAt.at(-1), ...factor.evaluate(view) };
}

test('until the hour is over the trend is that of the hours before', async () => {
	const before = await look(noon);
	expect(before).toMatchObject({ opened: noon - 60 * minute, score: 1 });
	for (const passed of [15, 45, 59]) expect(await look(noon + passed * minute)).toEqual(before);

	const after = await look(noon + 60 * minute);
	expect(after).toMatchObject({ opened: noon, score: expect.any(Number) });
	expect(after.score).toBeLessThan(0);
});
