/** Oscillators and bands of one column. All series have the length of their input; NaN where history is too short. */
import { BollingerBands, getStandardDeviation, ROC, RSI } from 'trading-signals';

/** A deviation below this share of the mean is rounding, not movement: one tick of any market is far above it. */
const flatShare = 1e-12;

/**
 * Relative strength index of `values`, 0 to 100; first value at index `period`.
 * Seed: plain averages of the first `period` gains and losses. Smoothing: Wilder, 1 / period. Source: Wilder 1978; TA-Lib RSI,
 * computed by `trading-signals`, which agrees but for a market that never moved: there TA-Lib says 0, and so does this.
 */
export function rsiSeries(values: Float64Array, period: number): Float64Array {
	const series = new Float64Array(values.length).fill(Number.NaN);
	const rsi = new RSI(period);
	let moved = false;
	for (const [index, value] of values.entries()) {
		moved ||= value !== values[0];
		const strength = rsi.add(value);
		if (strength !== null) series[index] = moved ? strength : 0;
	}
	return series;
}

/**
 * Rate of change over `period` candles in percent: 100 × (value / value `period` ago − 1); first value at index `period`.
 * Source: TA-Lib ROC, computed by `trading-signals`, which gives the same as a fraction.
 */
export function rocSeries(values: Float64Array, period: number): Float64Array {
	const series = new Float64Array(values.length).fill(Number.NaN);
	const roc = new ROC(period);
	for (const [index, value] of values.entries()) {
		const change = roc.add(value);
		if (change !== null) series[index] = 100 * change;
	}
	return series;
}

/**
 * Bollinger bands: simple average ± `deviations` population standard deviations (divisor `period`), in the unit of `values`;
 * first value at index `period - 1`. Source: Bollinger 2001; TA-Lib BBANDS, computed by `trading-signals`, which agrees.
 */
export function bollingerSeries(values: Float64Array, period: number, deviations: number) {
	const upper = new Float64Array(values.length).fill(Number.NaN);
	const middle = upper.slice();
	const lower = upper.slice();
	const bands = new BollingerBands(period, deviations);
	for (const [index, value] of values.entries()) {
		const band = bands.add(value);
		if (band === null) continue;
		upper[index] = band.upper;
		middle[index] = band.middle;
		lower[index] = band.lower;
	}
	return { upper, middle, lower };
}

/**
 * Z-score: (value − average) / population standard deviation of the last `period` values; first at index `period - 1`.
 * 0 where the values do not move (the library throws there). Source: TA-Lib SMA and STDDEV (population), the deviation
 * computed by `trading-signals`.
 */
export function zscoreSeries(values: Float64Array, period: number): Float64Array {
	const series = new Float64Array(values.length).fill(Number.NaN);
	for (let index = period - 1; index < values.length; index += 1) {
		const last = Array.from(values.subarray(index - period + 1, index + 1));
		const mean = last.reduce((sum, value) => sum + value, 0) / period;
		const deviation = getStandardDeviation(last, mean);
		series[index] = deviation <= flatShare * Math.abs(mean) ? 0 : ((values[index] ?? Number.NaN) - mean) / deviation;
	}
	return series;
}
