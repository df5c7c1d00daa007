/** Indicators of the range of candles. */
import { DonchianChannels, pushUpdate, WSMA } from 'trading-signals';
import { Fading, Previous, Rewindable } from './memory.ts';
import type { Calculation, Candle } from './stream.ts';

/**
 * True range of a candle after another, in price: the largest of high − low, |high − previous close|, |low − previous close|.
 * Source: Wilder 1978; TA-Lib TRANGE.
 */
function trueRange({ high, low }: Candle, previousClose: number): number {
	return Math.max(high - low, Math.abs(high - previousClose), Math.abs(low - previousClose));
}

/**
 * Average true range, in price; first value with candle `period + 1`.
 * Seed: plain average of the true ranges of candles 2 to `period + 1`. Smoothing: Wilder, 1 / period. Source: Wilder 1978; TA-Lib
 * ATR. The average is `trading-signals`' WSMA, which agrees; its ATR counts the first candle, which has no previous close, as a
 * true range, and so differs by percents at first.
 */
export function atr(period: number): Calculation {
	const average = new WSMA(period);
	const closes = new Previous<number>();
	const fading = new Fading();
	return {
		outputs: ['value'],
		update(candle, replace) {
			const previousClose = closes.update(candle.close, replace);
			if (previousClose === undefined) return null;
			const value = average.update(trueRange(candle, previousClose), replace);
			if (value === null) return null;
			fading.update(value, replace);
			return [value];
		},
		get hasFaded() {
			return fading.hasFaded;
		},
	};
}

/** Ranges closer to each other than this share are equal: what lies between is rounding and the last of an old seed. */
const equalShare = 1e-8;

/**
 * Where the ATR stands among its last `lookback` predecessors, 0 to 100: the share of them below it, equal ones counted half
 * (so a market that never moves stands at 50); first value with candle `period + lookback + 1`.
 * Source: the mean percentile rank, as `percentileofscore(kind='mean')` of SciPy, of Wilder's ATR.
 */
export function atrPercentile(period: number, lookback: number): Calculation {
	const range = atr(period);
	const ranges: number[] = [];
	return {
		outputs: ['value'],
		update(candle, replace) {
			const current = range.update(candle, replace)?.[0];
			if (current === undefined) return null;
			pushUpdate({ array: ranges, item: current, maxLength: lookback + 1, replace });
			if (ranges.length <= lookback) return null;
			let rank = 0;
			for (let index = 0; index < lookback; index += 1) {
				const difference = (ranges[index] ?? Number.NaN) - current;
				if (Math.abs(difference) <= equalShare * current) rank += 0.5;
				else if (difference < 0) rank += 1;
			}
			return [(100 * rank) / lookback];
		},
		get hasFaded() {
			return range.hasFaded ?? false;
		},
	};
}

/**
 * Directional movement: `plus_di` and `minus_di` from candle `period + 1`, `adx` from candle `2 × period`, all 0 to 100.
 * Seed: sums of movement and true range over candles 2 to `period`, then Wilder's sum − sum / period + new; the first ADX
 * is the plain average of `period` DX values, smoothed by Wilder's 1 / period. Where nothing moves, DI is 0 and ADX keeps its
 * last value. Source: Wilder 1978; TA-Lib PLUS_DI, MINUS_DI, ADX.
 * Own code: `trading-signals` 8.3 counts the first candle as a range and a movement of zero, and lets equal moves up and down
 * both count; TA-Lib does neither.
 */
export function adx(period: number): Calculation {
	const candles = new Previous<Candle>();
	const rewindable = new Rewindable({ count: 0, plus: 0, minus: 0, range: 0, adx: 0 });
	const movement = new Fading();
	const ranges = new Fading();
	return {
		outputs: ['adx', 'plus_di', 'minus_di'],
		update(candle, replace) {
			const state = rewindable.open(replace);
			const previous = candles.update(candle, replace);
			if (previous === undefined) return null;
			state.count += 1;
			const up = candle.high - previous.high;
			const down = previous.low - candle.low;
			const kept = state.count < period ? 1 : 1 - 1 / period;
			state.plus = state.plus * kept + (up > down && up > 0 ? up : 0);
			state.minus = state.minus * kept + (down > up && down > 0 ? down : 0);
			state.range = state.range * kept + trueRange(candle, previous.close);
			const moved = state.plus + state.minus;
			movement.update(moved, replace);
			ranges.update(state.range, replace);
			if (state.count < period) return null;
			const moves = state.range > 0 && moved > 0;
			const dx = moves ? (100 * Math.abs(state.plus - state.minus)) / moved : 0;
			if (state.count < 2 * period) state.adx += dx / period;
			else if (moves) state.adx = (state.adx * (period - 1) + dx) / period;
			return [
				state.count >= 2 * period - 1 ? state.adx : Number.NaN,
				state.range === 0 ? 0 : (100 * state.plus) / state.range,
				state.range === 0 ? 0 : (100 * state.minus) / state.range,
			];
		},
		get hasFaded() {
			return movement.hasFaded || ranges.hasFaded;
		},
	};
}

/**
 * Donchian channel, in price: `upper` the highest high and `lower` the lowest low of the last `period` candles, the present one
 * included, `middle` halfway; first value with candle `period`. A close can never leave the channel of its own candle: a breakout
 * is a close beyond the channel one candle back. Source: Donchian; computed by `trading-signals` (TA-Lib: MAX and MIN).
 */
export function donchian(period: number): Calculation {
	const channels = new DonchianChannels(period);
	return {
		outputs: ['upper', 'middle', 'lower'],
		update(candle, replace) {
			const channel = channels.update(candle, replace);
			return channel === null ? null : [channel.upper, channel.middle, channel.lower];
		},
	};
}
