/** Averages of one column. All series have the length of their input; NaN where too little history defines a value. */
import { SMA } from 'trading-signals';

/**
 * Simple moving average of `values`, in their unit; first value at index `period - 1`.
 * Source: TA-Lib SMA, computed by `trading-signals`, which agrees.
 */
export function smaSeries(values: Float64Array, period: number): Float64Array {
	const series = new Float64Array(values.length).fill(Number.NaN);
	const sma = new SMA(period);
	for (const [index, value] of values.entries()) series[index] = sma.add(value) ?? Number.NaN;
	return series;
}

/**
 * Exponential moving average of `values`, in their unit; first value at index `seedEnd`, by default `period - 1`.
 * Seed: the simple average of the `period` values that end at `seedEnd`. Smoothing: 2 / (period + 1). Source: TA-Lib EMA.
 * Own code: `trading-signals` 8.3 starts its EMA at the first price, which differs from TA-Lib by percents at first.
 */
export function emaSeries(values: Float64Array, period: number, seedEnd = period - 1): Float64Array {
	const series = new Float64Array(values.length).fill(Number.NaN);
	if (values.length <= seedEnd) return series;
	let sum = 0;
	for (let index = seedEnd - period + 1; index <= seedEnd; index += 1) sum += values[index] ?? Number.NaN;
	let ema = sum / period;
	series[seedEnd] = ema;
	const weight = 2 / (period + 1);
	for (let index = seedEnd + 1; index < values.length; index += 1) {
		ema += ((values[index] ?? Number.NaN) - ema) * weight;
		series[index] = ema;
	}
	return series;
}

/**
 * Moving average convergence and divergence: `macd` = fast EMA − slow EMA, `signal` = EMA of `macd`, `histogram` = their
 * difference, in the unit of `values`; all first defined at index `slow + signal - 2`.
 * Seed: TA-Lib's: both averages start at index `slow - 1`, the fast one from the `fast` values before it, the signal from the
 * first `signal` values of `macd`. Source: Appel; TA-Lib MACD. Own code: see `emaSeries`.
 */
export function macdSeries(values: Float64Array, fast: number, slow: number, signal: number) {
	const fastEma = emaSeries(values, fast, slow - 1);
	const slowEma = emaSeries(values, slow);
	const macd = fastEma.map((value, index) => value - (slowEma[index] ?? Number.NaN));
	const first = slow + signal - 2;
	const signalLine = emaSeries(macd, signal, first);
	macd.fill(Number.NaN, 0, first);
	const histogram = macd.map((value, index) => value - (signalLine[index] ?? Number.NaN));
	return { macd, signal: signalLine, histogram };
}
