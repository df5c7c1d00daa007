/** Averages of closing prices, in price. */
import { SMA } from 'trading-signals';
import { Rewindable } from './memory.ts';
import type { Calculation } from './stream.ts';

/**
 * Simple moving average; first value with candle `period`.
 * Source: TA-Lib SMA, computed by `trading-signals`, which agrees.
 */
export function sma(period: number): Calculation {
	const average = new SMA(period);
	return {
		outputs: ['value'],
		update({ close }, replace) {
			const value = average.update(close, replace);
			return value === null ? null : [value];
		},
	};
}

/**
 * Exponential moving average; first value with candle `period`.
 * Seed: the simple average of the first `period` values. Smoothing: 2 / (period + 1). Source: TA-Lib EMA.
 */
export function ema(period: number): Calculation {
	const average = new SeededEma(period);
	return {
		outputs: ['value'],
		update: ({ close }, replace) => [average.update(close, replace)],
	};
}

/**
 * Moving average convergence and divergence: `macd` = fast EMA − slow EMA, `signal` = EMA of `macd`, `histogram` = their
 * difference; all first defined with candle `slow + signal - 1`.
 * Seed: TA-Lib's: both averages start with candle `slow`, the fast one from the `fast` values up to it, the signal from the
 * first `signal` values of `macd`. Source: Appel; TA-Lib MACD. Own code: see `SeededEma`.
 * Throws RangeError unless `fast` is below `slow`: TA-Lib would swap them without a word.
 */
export function macd(fast: number, slow: number, signal: number): Calculation {
	if (!(fast < slow))
		throw new RangeError(`the fast period of MACD must be below the slow one, not ${fast} and ${slow}`);
	const fastEma = new SeededEma(fast, slow - fast);
	const slowEma = new SeededEma(slow);
	const signalEma = new SeededEma(signal);
	return {
		outputs: ['macd', 'signal', 'histogram'],
		update({ close }, replace) {
			const difference = fastEma.update(close, replace) - slowEma.update(close, replace);
			if (Number.isNaN(difference)) return null;
			const line = signalEma.update(difference, replace);
			return Number.isNaN(line) ? null : [difference, line, difference - line];
		},
	};
}

/**
 * Exponential average whose seed is the simple average of `period` values, after `skipped` values that it does not look at.
 * Own code: `trading-signals` 8.3 starts its EMA at the first price, which differs from TA-Lib by percents at first.
 */
class SeededEma {
	readonly #period: number;
	readonly #skipped: number;
	readonly #weight: number;
	readonly #state = new Rewindable({ count: 0, sum: 0, value: Number.NaN });

	constructor(period: number, skipped = 0) {
		this.#period = period;
		this.#skipped = skipped;
		this.#weight = 2 / (period + 1);
	}

	/** NaN until the seed is complete. */
	update(value: number, replace: boolean): number {
		const state = this.#state.open(replace);
		state.count += 1;
		const seen = state.count - this.#skipped;
		if (seen > this.#period) {
			state.value += (value - state.value) * this.#weight;
		} else if (seen > 0) {
			state.sum += value;
			if (seen === this.#period) state.value = state.sum / this.#period;
		}
		return state.value;
	}
}
