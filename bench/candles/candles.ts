/**
 * `candles`: storing what feeds bring, rolling it up, and reading the windows that checks look at, on a year of minutes. The floor of storing
 * is the server's own COPY of the same rows into a table that is made alike.
 */
import { performance } from 'node:perf_hooks';
import { loadCandleWindows, recordCandles } from '../../src/database/functions/market.ts';
import type { Pool } from '../../src/database/pool.ts';
import { type BenchContext, type Benchmark, type Figure, median, percentile } from '../benchmark.ts';
import { measureCompressed } from './compressed.ts';

interface Extent {
	readonly instruments: number;
	/** Of these there is a year of minutes; the others have the last days only. */
	readonly withYear: number;
	readonly days: number;
}

/** A year of 200 instruments would be 105 million rows: as deep for twenty, which is what a window's query sees, and ten days for the rest. */
const extent: Extent = { instruments: 200, withYear: 20, days: 365 };
const quickExtent: Extent = { instruments: 20, withYear: 2, days: 20 };
const recentDays = 10;
const minuteMs = 60_000;
/** A midnight: with it every timeframe closes a candle. */
const until = Date.UTC(2026, 0, 16);
/** Candles of one answer of an exchange. */
const pageLength = 1_000;
const windowLength = 300;

export const candles: Benchmark = {
	name: 'candles',
	title: 'candles stored, rolled up and read, on a year of minutes',
	run: async (context) => {
		const { pool, isQuick, log } = context;
		const chosen = isQuick ? quickExtent : extent;
		const ids = await createInstruments(pool, chosen.instruments);
		await createHistory(pool, chosen, ids);
		const { rows: before } = await pool.query<{ rows: number }>('select count(*)::integer as rows from botbox.candles');
		log(`${before[0]?.rows} candles are there`);
		return [
			...(await measureSize(pool)),
			...(await measurePages(context, ids)),
			...(await measureMinutes(context, ids)),
			...(await measureWindows(context, ids.slice(0, chosen.withYear))),
			...(await measureCompressed(isQuick, log)),
		];
	},
};

function figureOf(name: string, metric: string, value: number, unit: string, floor: number | null = null): Figure {
	return { benchmark: 'candles', case: name, metric, value, unit, floor, peers: {} };
}

async function createInstruments(pool: Pool, count: number): Promise<number[]> {
	const { rows } = await pool.query<{ id: number }>(
		`with made as (
		   insert into botbox.instruments (
		     exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size
		   )
		   select 'sim', format('C%s/USDT:USDT', n), format('C%sUSDT', n), 'LINEAR', 'C' || n, 'USDT', 'USDT', 0.0001, 0.001
		     from generate_series(1, $1) n
		   returning id
		 ),
		 fed as (insert into botbox.feeds (instrument_id) select id from made)
		 select id from made order by id`,
		[count],
	);
	return rows.map(({ id }) => id);
}

/** Minutes up to `until`, and the hours made of them, straight into the table. */
async function createHistory(pool: Pool, { withYear, days }: Extent, ids: readonly number[]): Promise<void> {
	for (const [index, id] of ids.entries()) {
		const long = index < withYear ? days : recentDays;
		for (const [timeframe, length] of [
			['1m', 1],
			['5m', 5],
			['15m', 15],
			['1h', 60],
		] as const) {
			await pool.query(
				`insert into botbox.candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
				 select $1, $2::botbox.timeframe, t, 100 + n % 7, 110 + n % 5, 90 + n % 3, 101 + n % 6, 10 + n % 11, $2::botbox.timeframe = '1m'
				   from generate_series(0, $4::integer * 1440 / $3::integer - 1) n,
				        lateral (select $5::timestamptz - make_interval(mins => ($4::integer * 1440) - n * $3::integer)) as at (t)`,
				[id, timeframe, length, long, new Date(until)],
			);
		}
	}
	await pool.query('vacuum analyze botbox.candles');
}

async function measureSize(pool: Pool): Promise<Figure[]> {
	const { rows } = await pool.query<{ table: number; index: number; rows: number }>(
		`with parts as (
		   select 'botbox.candles'::regclass::oid as id
		   union all
		   select inhrelid from pg_inherits where inhparent = 'botbox.candles'::regclass
		 )
		 select sum(pg_table_size(id))::float8 as table, sum(pg_indexes_size(id))::float8 as index,
		        (select count(*) from botbox.candles)::float8 as rows
		   from parts`,
	);
	const row = rows[0];
	if (row === undefined || row.rows === 0) throw new Error('there is no candle to measure');
	return [
		figureOf('stored', 'bytes per candle, row', row.table / row.rows, 'bytes'),
		figureOf('stored', 'bytes per candle, index', row.index / row.rows, 'bytes'),
	];
}

/** A backfill: pages of 1,000 minutes, two instruments a call, older than all that is there. */
async function measurePages({ pool, isQuick, log }: BenchContext, ids: readonly number[]): Promise<Figure[]> {
	const rates: number[] = [];
	const floors: number[] = [];
	await pool.query('create table public.copied (like botbox.candles including all)');
	const oldest = Date.UTC(2024, 0, 1);
	for (let page = 0; page < (isQuick ? 4 : 40); page += 1) {
		const first = oldest + page * pageLength * minuteMs;
		const [one, two] = [ids[(2 * page) % ids.length] ?? 0, ids[(2 * page + 1) % ids.length] ?? 0];
		const batch = [one, two].map((id) => batchOf(id, first, pageLength));
		const begun = performance.now();
		await recordCandles(pool, { batch, now: new Date(until) });
		const ms = performance.now() - begun;
		const floor = await copyAlike(pool, [one, two], first);
		if (page === 0) continue;
		rates.push((1_000 * 2 * pageLength) / ms);
		floors.push((1_000 * 2 * pageLength) / floor);
	}
	log(`stored pages: ${median(rates).toFixed(0)} candles/s`);
	return [figureOf('backfill, pages of 1,000', 'stored and rolled up', median(rates), 'candles/s', median(floors))];
}

function batchOf(id: number, first: number, count: number) {
	return {
		instrument_id: id,
		timeframe: '1m',
		candles: Array.from({ length: count }, (_, index) => [first + index * minuteMs, 100, 101, 99, 100.5, 10]),
	};
}

/** Milliseconds of the server's COPY of the rows that were just stored. */
async function copyAlike(pool: Pool, ids: readonly number[], first: number): Promise<number> {
	const { rows } = await pool.query<{ file: string }>(
		`select current_setting('data_directory') || '/bench-copy.csv' as file`,
	);
	const file = (rows[0]?.file ?? '').replaceAll("'", "''");
	await pool.query(
		`copy (
		   select * from botbox.candles
		    where instrument_id in (${ids.map(Number).join(', ')}) and timeframe = '1m'
		      and open_at >= '${new Date(first).toISOString()}' and open_at < '${new Date(first + pageLength * minuteMs).toISOString()}'
		 ) to '${file}'`,
	);
	const begun = performance.now();
	await pool.query(`copy public.copied from '${file}'`);
	return performance.now() - begun;
}

/** What feeds store each minute, all instruments in one call: minutes that close nothing else, and midnight, which closes everything. */
async function measureMinutes({ pool, isQuick }: BenchContext, ids: readonly number[]): Promise<Figure[]> {
	const times = {
		'no other candle closes': [] as number[],
		'five minutes close': [] as number[],
		'an hour closes': [] as number[],
	};
	for (let minute = 0; minute < (isQuick ? 60 : 180); minute += 1) {
		const openAt = until + minute * minuteMs;
		const begun = performance.now();
		await recordCandles(pool, {
			batch: ids.map((id) => ({ ...batchOf(id, openAt, 1), fetched_at: new Date(openAt + minuteMs) })),
			now: new Date(openAt + minuteMs),
		});
		const ms = performance.now() - begun;
		const closed = minute + 1;
		if (closed % 60 === 0) times['an hour closes'].push(ms);
		else if (closed % 5 === 0) times['five minutes close'].push(ms);
		else times['no other candle closes'].push(ms);
	}
	return Object.entries(times).map(([what, measured]) =>
		figureOf(`a minute of ${ids.length} instruments`, `stored, ${what}`, median(measured), 'ms'),
	);
}

async function measureWindows({ pool, isQuick }: BenchContext, ids: readonly number[]): Promise<Figure[]> {
	const now = new Date(until + 200 * minuteMs);
	const single: number[] = [];
	for (let repeat = 0; repeat < (isQuick ? 50 : 400); repeat += 1) {
		const begun = performance.now();
		const rows = await loadCandleWindows(pool, {
			requests: [{ instrument_id: ids[repeat % ids.length] ?? 0, timeframe: '1m', candles: windowLength }],
			now,
		});
		if (rows[0]?.openAt.length !== windowLength) throw new Error('a window is not whole');
		if (repeat >= ids.length) single.push(performance.now() - begun);
	}
	return [
		figureOf(`window of ${windowLength} minutes`, 'read, median', median(single), 'ms'),
		figureOf(`window of ${windowLength} minutes`, 'read, p95', percentile(single, 0.95), 'ms'),
	];
}
