/** Windows of candles for tests: from columns, from a seed, from the recorded files. */
import { existsSync, readFileSync } from 'node:fs';
import { type Timeframe, timeframeMs } from '../../src/domain.ts';
import type { CandleWindow } from '../../src/strategies/strategy.ts';

interface Columns {
	readonly open?: readonly number[];
	readonly high?: readonly number[];
	readonly low?: readonly number[];
	readonly close: readonly number[];
	readonly volume?: readonly number[];
}

/** A window of these columns; a column that is not given equals `close`, volumes are 1. */
export function windowOf(columns: Columns, timeframe: Timeframe = '5m'): CandleWindow {
	const { close } = columns;
	return {
		timeframe,
		openAt: Float64Array.from(close, (_, index) => index * timeframeMs[timeframe]),
		open: Float64Array.from(columns.open ?? close),
		high: Float64Array.from(columns.high ?? close),
		low: Float64Array.from(columns.low ?? close),
		close: Float64Array.from(close),
		volume: Float64Array.from(columns.volume ?? close.map(() => 1)),
	};
}

/** A random walk without drift: `volatility` per candle, sixteen steps a candle; the same seed gives the same candles. */
export function randomWalk(
	seed: number,
	length: number,
	volatility = 0.002,
	timeframe: Timeframe = '5m',
): CandleWindow {
	const uniform = generator(seed);
	const traded = generator(seed + 1);
	const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
	const columns = { open: [] as number[], high: [] as number[], low: [] as number[], close: [] as number[] };
	const volume: number[] = [];
	let price = 100;
	for (let index = 0; index < length; index += 1) {
		const steps = [price];
		for (let step = 0; step < 16; step += 1) {
			price *= Math.exp((volatility / 4) * normal());
			steps.push(price);
		}
		columns.open.push(steps[0]!);
		columns.high.push(Math.max(...steps));
		columns.low.push(Math.min(...steps));
		columns.close.push(price);
		// Some candles have no trade, as in thin markets.
		volume.push(traded() < 0.05 ? 0 : 1000 * traded());
	}
	return windowOf({ ...columns, volume }, timeframe);
}

/** Numbers between 0 and 1, the same for the same seed. */
function generator(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return (state + 0.5) / 2 ** 32;
	};
}

/** Candles `from` to `to` (exclusive) of `window`, as a window of its own. */
export function slice(window: CandleWindow, from: number, to: number): CandleWindow {
	const { timeframe, openAt, open, high, low, close, volume } = window;
	const part = (column: Float64Array) => column.slice(from, to);
	return {
		timeframe,
		openAt: part(openAt),
		open: part(open),
		high: part(high),
		low: part(low),
		close: part(close),
		volume: part(volume),
	};
}

/** The recorded candles of `name` (e.g. `XRP-USDT-USDT_5m`); null where the folder is absent. */
export function recorded(name: string, timeframe: Timeframe): CandleWindow | null {
	const file = new URL(`../../../shared/data/candles/${name}.csv`, import.meta.url);
	if (!existsSync(file)) return null;
	const rows = readFileSync(file, 'utf8').trim().split('\n').slice(1);
	const fields = rows.map((row) => row.split(','));
	const column = (index: number) => Float64Array.from(fields, (row) => Number(row[index]));
	return {
		timeframe,
		openAt: Float64Array.from(fields, (row) => Date.parse(row[0]!)),
		open: column(1),
		high: column(2),
		low: column(3),
		close: column(4),
		volume: column(5),
	};
}
