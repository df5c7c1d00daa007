/** Oscillators: where the close stands, by its own past or by the range. */
import { ROC, StochasticOscillator, WSMA } from 'trading-signals';
import { Fading, Previous } from './memory.ts';
import type { Calculation } from './stream.ts';

/**
 * Relative strength index of closes, 0 to 100: 100 × gain / (gain + loss), 0 while nothing moves; first value with candle
 * `period + 1`. Seed: plain averages of the first `period` gains and losses. Smoothing: Wilder, 1 / period.
 * Source: Wilder 1978; TA-Lib RSI. The averages are `trading-signals`' WSMA, which agrees; its RSI says 100 where nothing moves.
 */
export function rsi(period: number): Calculation {
	const gains = new WSMA(period);
	const losses = new WSMA(period);
	const closes = new Previous<number>();
	const movement = new Fading();
	return {
		outputs: ['value'],
		update({ close }, replace) {
			const previous = closes.update(close, replace);
			if (previous === undefined) return null;
			const gain = gains.update(Math.max(close - previous, 0), replace);
			const loss = losses.update(Math.max(previous - close, 0), replace);
			if (gain === null || loss === null) return null;
			const moved = gain + loss;
			movement.update(moved, replace);
			return [moved === 0 ? 0 : (100 * gain) / moved];
		},
		get hasFaded() {
			return movement.hasFaded;
		},
	};
}

/**
 * Rate of change over `period` candles in percent: 100 × (close / close `period` ago − 1); first value with candle
 * `period + 1`. Source: TA-Lib ROC, computed by `trading-signals`, which gives the same as a fraction.
 */
export function roc(period: number): Calculation {
	const change = new ROC(period);
	return {
		outputs: ['value'],
		update({ close }, replace) {
			const fraction = change.update(close, replace);
			return fraction === null ? null : [100 * fraction];
		},
	};
}

/**
 * Stochastic oscillator, 0 to 100: `k` = average over `smooth` candles of where the close stands between the lowest low and the
 * highest high of `period` candles, 0 where these are equal; `d` = average of `k` over `signal` candles. Simple averages; both
 * first defined with candle `period + smooth + signal - 2`.
 * Source: Lane; TA-Lib STOCH (fast K `period`, slow K `smooth`, slow D `signal`), computed by `trading-signals`, which agrees.
 */
export function stochastic(period: number, smooth: number, signal: number): Calculation {
	const oscillator = new StochasticOscillator({ kPeriod: period, kSlowingPeriod: smooth, dPeriod: signal });
	return {
		outputs: ['k', 'd'],
		update(candle, replace) {
			const result = oscillator.update(candle, replace);
			return result === null ? null : [result.stochK, result.stochD];
		},
	};
}
