/**
 * Indicators of the range of candles. All series have the length of the window; NaN where history is too short.
 * Own code: `trading-signals` 8.3 counts the first candle, which has no previous close, as a true range and a movement of
 * zero, and lets equal moves up and down both count; TA-Lib does neither, and its values differ by percents at first.
 */
import type { CandleWindow } from '../../strategies/strategy.ts';

/**
 * True range of candle `index` ≥ 1, in price: the largest of high − low, |high − previous close|, |low − previous close|.
 * Source: Wilder 1978; TA-Lib TRANGE.
 */
function trueRange(window: CandleWindow, index: number): number {
	const high = window.high[index] ?? Number.NaN;
	const low = window.low[index] ?? Number.NaN;
	const previousClose = window.close[index - 1] ?? Number.NaN;
	return Math.max(high - low, Math.abs(high - previousClose), Math.abs(low - previousClose));
}

/**
 * Average true range, in price; first value at index `period`.
 * Seed: plain average of the true ranges of candles 1 to `period`. Smoothing: Wilder, 1 / period. Source: Wilder 1978; TA-Lib ATR.
 */
export function atrSeries(window: CandleWindow, period: number): Float64Array {
	const length = window.close.length;
	const series = new Float64Array(length).fill(Number.NaN);
	if (length <= period) return series;
	let sum = 0;
	for (let index = 1; index <= period; index += 1) sum += trueRange(window, index);
	let atr = sum / period;
	series[period] = atr;
	for (let index = period + 1; index < length; index += 1) {
		atr = (atr * (period - 1) + trueRange(window, index)) / period;
		series[index] = atr;
	}
	return series;
}

/**
 * Where the ATR stands among its last `lookback` predecessors, 0 to 100: the share of them below it, equal ones counted half
 * (so a market that never moves stands at 50); first value at index `period + lookback`.
 * Source: the mean percentile rank, as `percentileofscore(kind='mean')` of SciPy, of Wilder's ATR.
 */
export function atrPercentileSeries(window: CandleWindow, period: number, lookback: number): Float64Array {
	const atr = atrSeries(window, period);
	const series = new Float64Array(atr.length).fill(Number.NaN);
	for (let index = period + lookback; index < atr.length; index += 1) {
		const current = atr[index] ?? Number.NaN;
		let rank = 0;
		for (const earlier of atr.subarray(index - lookback, index)) {
			if (earlier < current) rank += 1;
			else if (earlier === current) rank += 0.5;
		}
		series[index] = (100 * rank) / lookback;
	}
	return series;
}

/**
 * Directional movement: `plus_di` and `minus_di` from index `period`, `adx` from index `2 × period − 1`, all 0 to 100.
 * Seed: sums of movement and true range over candles 1 to `period − 1`, then Wilder's sum − sum / period + new; the first ADX
 * is the plain average of `period` DX values, smoothed by Wilder's 1 / period. Where nothing moves, DI is 0 and ADX keeps its
 * last value. Source: Wilder 1978; TA-Lib PLUS_DI, MINUS_DI, ADX.
 */
export function adxSeries(window: CandleWindow, period: number) {
	const { high, low } = window;
	const length = high.length;
	const adxs = new Float64Array(length).fill(Number.NaN);
	const plusDis = adxs.slice();
	const minusDis = adxs.slice();
	let plus = 0;
	let minus = 0;
	let range = 0;
	let adx = 0;
	for (let index = 1; index < length; index += 1) {
		const up = (high[index] ?? Number.NaN) - (high[index - 1] ?? Number.NaN);
		const down = (low[index - 1] ?? Number.NaN) - (low[index] ?? Number.NaN);
		const kept = index < period ? 1 : 1 - 1 / period;
		plus = plus * kept + (up > down && up > 0 ? up : 0);
		minus = minus * kept + (down > up && down > 0 ? down : 0);
		range = range * kept + trueRange(window, index);
		if (index < period) continue;
		plusDis[index] = range === 0 ? 0 : (100 * plus) / range;
		minusDis[index] = range === 0 ? 0 : (100 * minus) / range;
		const moves = range > 0 && plus + minus > 0;
		const dx = moves ? (100 * Math.abs(plus - minus)) / (plus + minus) : 0;
		if (index < 2 * period) adx += dx / period;
		else if (moves) adx = (adx * (period - 1) + dx) / period;
		if (index >= 2 * period - 1) adxs[index] = adx;
	}
	return { adx: adxs, plus_di: plusDis, minus_di: minusDis };
}
