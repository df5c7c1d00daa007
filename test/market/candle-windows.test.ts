/** When a worker loads a candle window again, and when the one that it holds serves. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { recordCandles } from '../../src/database/functions/market.ts';
import type { Timeframe } from '../../src/domain.ts';
import { candleOf } from '../../src/market/indicators/stream.ts';
import { regimeHistory } from '../../src/market/regime.ts';
import { CandleWindows, type Market, marketKey } from '../../src/market/windows.ts';
import { indicatorHistory } from '../../src/strategies/history.ts';
import type { CandleWindow } from '../../src/strategies/strategy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { everySpec } from './indicator-specs.ts';
import { randomWalk } from './market-windows.ts';

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

/** The instrument has no feed: its windows are compared candle by candle. With one: test/market/history-revisions.test.ts. */
const historyRevision = null;

async function load(windows: CandleWindows, timeframe: Timeframe, revision: number, at: number, dueAt = at) {
	const markets = await windows.load(
		database.pool,
		[{ instrumentId, timeframe, candles, revision, historyRevision, dueAt }],
		new Date(at),
	);
	return markets.get(marketKey(instrumentId, timeframe));
}

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
		[{ instrumentId, timeframe: '5m', candles, revision: 2, historyRevision, dueAt: noon + 5 * minute }],
		new Date(behind),
	);
	expect(windows.use.loaded).toBe(2);
});

/** The database, with the number of candles of each window that it told. */
function counted() {
	const told: number[] = [];
	const query = async (...args: Parameters<typeof database.pool.query>) => {
		const result = (await Reflect.apply(database.pool.query, database.pool, args)) as unknown as {
			rows: { open_at?: unknown[] }[];
		};
		for (const row of result.rows) if (Array.isArray(row.open_at)) told.push(row.open_at.length);
		return result;
	};
	return { told, db: { query } as unknown as typeof database.pool };
}

/** A window of ten candles up to `last` is held; then `change` happens and one more candle closes. */
async function afterChange(change: () => Promise<unknown>) {
	const windows = new CandleWindows();
	const { told, db } = counted();
	const ask = async (revision: number, at: number) => {
		const request = { instrumentId, timeframe: '5m' as const, candles, revision, historyRevision, dueAt: at };
		return (await windows.load(db, [request], new Date(at))).get(marketKey(instrumentId, '5m'));
	};
	await store('5m', 5, noon - 100 * minute, noon - 5 * minute);
	const before = await ask(1, noon);
	await change();
	await store('5m', 5, noon, noon);
	const market = await ask(2, noon + 5 * minute);
	const fresh = await load(new CandleWindows(), '5m', 2, noon + 5 * minute);
	expect(columnsOf(market)).toEqual(columnsOf(fresh));
	return { told, windows, before, market };
}

function columnsOf(market: Market | undefined): Record<string, number[]> {
	return Object.fromEntries(
		Object.entries(market?.view.candles ?? {}).map(([name, column]) => [name, Array.from(column as Float64Array)]),
	);
}

const update = (assignment: string, openAt: number) =>
	database.pool.query(
		`update botbox.candles set ${assignment}, recorded_at = recorded_at + interval '1 microsecond' where open_at = $1`,
		[new Date(openAt)],
	);

test('of a window that is held only the new candle is loaded, and the last one once more', async () => {
	const { told, windows, before, market } = await afterChange(async () => {});
	expect(told).toEqual([10, 2]);
	expect(windows.use).toEqual({ loaded: 2, extended: 1, reused: 0 });
	expect(market?.candleAt).toBe(noon);
	expect(before?.candleAt).toBe(noon - 5 * minute);
	expect(before?.view.candles.openAt).toHaveLength(10);
});

test('a last candle that was corrected since is replaced, and a window of before keeps what it showed', async () => {
	const { told, before, market } = await afterChange(() => update('close = 100.5', noon - 5 * minute));
	expect(told).toEqual([10, 2]);
	expect(market?.view.candles.close[8]).toBe(100.5);
	expect(before?.view.candles.close[9]).toBe(100.25);
});

test('a candle within the window that was corrected brings the whole window', async () => {
	const { told, market } = await afterChange(() => update('close = 100.5', noon - 25 * minute));
	expect(told).toEqual([10, 10]);
	expect(market?.view.candles.close[4]).toBe(100.5);
});

test('a candle that is gone, or comes late into a gap, brings the whole window', async () => {
	const remove = () =>
		database.pool.query('delete from botbox.candles where open_at = $1', [new Date(noon - 25 * minute)]);
	expect((await afterChange(remove)).told).toEqual([10, 10]);
	await database.pool.query('delete from botbox.candles');

	await store('5m', 5, noon - 100 * minute, noon - 30 * minute);
	const windows = new CandleWindows();
	const { told, db } = counted();
	const ask = (revision: number) =>
		windows.load(
			db,
			[{ instrumentId, timeframe: '5m', candles, revision, historyRevision, dueAt: noon }],
			new Date(noon),
		);
	await store('5m', 5, noon - 20 * minute, noon - 10 * minute);
	await ask(1);
	await store('5m', 5, noon - 25 * minute, noon - 25 * minute);
	const market = (await ask(2)).get(marketKey(instrumentId, '5m'));
	expect(told).toEqual([10, 10]);
	expect(market?.view.candles.openAt).toContain(noon - 25 * minute);
});

test('a correction is noticed even where the clock stood still since the candle was recorded', async () => {
	const at = new Date(noon - 5 * minute);
	const record = (close: number) =>
		recordCandles(database.pool, {
			batch: [
				{ instrument_id: instrumentId, timeframe: '1m', candles: [[noon - 25 * minute, 100, 101, 99.5, close, 0]] },
			],
			now: at,
		});
	const recordedAt = async () => {
		const { rows } = await database.pool.query<{ at: string }>(
			'select extract(epoch from recorded_at)::text as at from botbox.candles',
		);
		return rows[0]?.at;
	};
	await record(100);
	const first = await recordedAt();
	await record(100);
	expect(await recordedAt()).toBe(first);
	await record(100.5);
	expect(await recordedAt()).not.toBe(first);
});

test('after more candles than a window holds the whole window is loaded', async () => {
	const { market, windows } = await afterChange(() =>
		store('5m', 5, noon - 5 * minute, noon - 5 * minute).catch(() => {}),
	);
	expect(market?.candleAt).toBe(noon);
	await store('5m', 5, noon + 5 * minute, noon + 500 * minute);
	const later = await load(windows, '5m', 3, noon + 505 * minute);
	expect(later?.candleAt).toBe(noon + 500 * minute);
	expect(columnsOf(later)).toEqual(columnsOf(await load(new CandleWindows(), '5m', 3, noon + 505 * minute)));
});

test('a clock that goes back shows no candle that had not closed by then', async () => {
	const { windows } = await afterChange(async () => {});
	const earlier = await load(windows, '5m', 3, noon - 20 * minute);
	expect(earlier?.candleAt).toBe(noon - 25 * minute);
	expect((await load(windows, '5m', 4, noon + 5 * minute))?.candleAt).toBe(noon);
});

test('two loads at once end with the newest candle, and nothing twice', async () => {
	const { windows } = await afterChange(async () => {});
	await store('5m', 5, noon + 5 * minute, noon + 5 * minute);
	const both = await Promise.all([
		load(windows, '5m', 3, noon + 10 * minute),
		load(windows, '5m', 4, noon + 10 * minute),
		load(windows, '5m', 3, noon + 5 * minute),
	]);
	expect(both[0]?.candleAt).toBe(noon + 5 * minute);
	const fresh = await load(new CandleWindows(), '5m', 4, noon + 10 * minute);
	expect(columnsOf(both[1])).toEqual(columnsOf(fresh));
	expect(columnsOf(await load(windows, '5m', 5, noon + 10 * minute))).toEqual(columnsOf(fresh));
});

test('batches side by side: one of them loads what both look at', async () => {
	const windows = new CandleWindows();
	await store('5m', 5, noon - 60 * minute, noon - 5 * minute);
	const both = await Promise.all([load(windows, '5m', 1, noon), load(windows, '5m', 1, noon)]);
	expect(both[0]?.candleAt).toBe(noon - 5 * minute);
	expect(both[1]).toBe(both[0]);
	expect(windows.use).toEqual({ loaded: 1, extended: 0, reused: 1 });
});

test('a load that fails does not keep the next one from loading', async () => {
	const windows = new CandleWindows();
	await store('5m', 5, noon - 60 * minute, noon - 5 * minute);
	const request = { instrumentId, timeframe: '5m' as const, candles, revision: 1, historyRevision, dueAt: noon };
	const away = { query: async () => Promise.reject(new Error('the database is away')) };
	const failing = windows.load(away as never, [request], new Date(noon));
	const next = load(windows, '5m', 1, noon);
	await expect(failing).rejects.toThrow('the database is away');
	expect((await next)?.candleAt).toBe(noon - 5 * minute);
});

test('streamed through 500 candles with corrections and gaps: the same values as after a restart', async () => {
	const specs = everySpec.filter((spec) => spec.name !== 'obv' || spec.period !== undefined);
	const needed = Math.max(regimeHistory, ...specs.map((spec) => indicatorHistory(spec, '5m')));
	const walk = randomWalk(17, needed + 500);
	const begin = noon - needed * 5 * minute;
	const openAt = (index: number) => begin + index * 5 * minute;
	const record = async (window: CandleWindow, indices: readonly number[], now: number) => {
		const rows = indices.map((index) => {
			const { open, high, low, close, volume } = candleOf(window, index);
			return [openAt(index), open, high, low, close, volume];
		});
		const batch = [{ instrument_id: instrumentId, timeframe: '5m', candles: rows }];
		await recordCandles(database.pool, { batch, now: new Date(now) });
	};
	const wrong = randomWalk(18, needed + 500);
	const windows = new CandleWindows();
	const ask = async (held: CandleWindows, revision: number, at: number) => {
		const request = { instrumentId, timeframe: '5m' as const, candles: needed, revision, historyRevision, dueAt: at };
		return (await held.load(database.pool, [request], new Date(at))).get(marketKey(instrumentId, '5m'));
	};
	await record(
		walk,
		Array.from({ length: needed }, (_, index) => index),
		noon,
	);
	let compared = 0;
	for (let step = 0; step < 500; step += 1) {
		const index = needed + step;
		const now = openAt(index) + 5 * minute;
		// Some candles never come, some come wrong and are corrected with the next, some long after.
		if (step % 37 === 5) continue;
		await record(step % 11 === 3 ? wrong : walk, [index], now);
		if (step % 11 === 4) await record(walk, [index - 1], now);
		if (step % 61 === 7) await record(wrong, [index - 30], now);
		const market = await ask(windows, step + 1, now);
		expect(market?.candleAt).toBe(openAt(index));
		for (const spec of specs) market?.view.indicator(spec);
		if (step % 25 !== 0 && step % 11 > 4 && step % 61 !== 7) continue;
		const fresh = await ask(new CandleWindows(), step + 1, now);
		expect(columnsOf(market)).toEqual(columnsOf(fresh));
		expect(market?.regimeFigures).not.toBeNull();
		for (const spec of specs) {
			for (const [output, figure] of Object.entries(fresh!.view.indicator(spec))) {
				expect(figure).not.toBeNull();
				const value = market!.view.indicator(spec)[output]!;
				compared += 1;
				expect(Math.abs(value - figure!)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(figure!)));
			}
		}
	}
	expect(compared).toBeGreaterThan(5_000);
	expect(windows.use.extended).toBeGreaterThan(400);
}, 60_000);

test('a load of more windows than are kept answers every one of them', async () => {
	const windows = new CandleWindows(1);
	const timeframes = ['1m', '5m', '15m'] as const;
	for (const [timeframe, minutes] of [
		['1m', 1],
		['5m', 5],
		['15m', 15],
	] as const)
		await store(timeframe, minutes, noon - 20 * minutes * minute, noon - minutes * minute);
	const requests = timeframes.map((timeframe) => ({
		instrumentId,
		timeframe,
		candles,
		revision: 1,
		historyRevision,
		dueAt: noon,
	}));
	const keys = timeframes.map((timeframe) => marketKey(instrumentId, timeframe));
	for (const reused of [0, 1]) {
		expect([...(await windows.load(database.pool, requests, new Date(noon))).keys()].sort()).toEqual(keys.sort());
		expect(windows.use.reused).toBe(reused);
	}
});
