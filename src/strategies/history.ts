/**
 * How many candles an indicator is computed from. Smoothed indicators get so many that older ones would change them by less than one
 * part in 10^12 of the movement that they smooth. So a value is the same to 10^-9, and with it the score that factors make of it by
 * dividing through a range, whether it was computed from exactly that many candles, by a state that has run for months, or by a chart
 * from the whole past: on every worker, after a restart, and when a signal is explained a month later.
 *
 * Ratios of smoothed movement (RSI, ADX, ATR among its own past) divide by what shrinks while a market is quiet: where it has shrunk
 * too far a running state gives way to one computed from the window (`Calculation.hasFaded`).
 */
import { type Timeframe, timeframeMs } from '../domain.ts';
import type { IndicatorSpec } from './strategy.ts';

/** The furthest back a factor may ask an indicator, in candles. */
export const maxBack = 16;

const tolerance = 1e-12;
const dayMs = 86_400_000;

/** Steps after which an exponential average forgets its seed: the smallest n with λ^n ≤ `tolerance`. */
function decaySteps(lambda: number): number {
	return lambda <= 0 ? 0 : Math.ceil(Math.log(tolerance) / Math.log(lambda));
}

/** The same for an average of an average, whose memory of step n is at most (n + 1)·λ^n. */
function doubleDecaySteps(lambda: number): number {
	let steps = decaySteps(lambda);
	while ((steps + 1) * lambda ** steps > tolerance) steps += 1;
	return steps;
}

const emaLambda = (period: number) => 1 - 2 / (period + 1);
const wilderLambda = (period: number) => 1 - 1 / period;

/** Candles that define the value and make its seed irrelevant. */
function settledAfter(spec: IndicatorSpec, timeframe: Timeframe): number {
	switch (spec.name) {
		case 'sma':
		case 'zscore':
		case 'volume_zscore':
		case 'bollinger':
		case 'donchian':
			return spec.period;
		case 'roc':
		case 'realised_volatility':
			return spec.period + 1;
		case 'stochastic':
			return spec.period + spec.smooth + spec.signal - 2;
		case 'ema':
			return spec.period + decaySteps(emaLambda(spec.period));
		case 'rsi':
		case 'atr':
			return spec.period + 1 + decaySteps(wilderLambda(spec.period));
		case 'adx':
			return 2 * spec.period + doubleDecaySteps(wilderLambda(spec.period));
		case 'macd': {
			const slowest = emaLambda(Math.max(spec.fast, spec.slow, spec.signal));
			return Math.max(spec.fast, spec.slow) + spec.signal + doubleDecaySteps(slowest);
		}
		case 'atr_percentile':
			return settledAfter({ name: 'atr', period: spec.period }, timeframe) + spec.lookback;
		case 'obv':
			if (spec.period === undefined)
				throw new RangeError('obv without a period counts from the first candle ever: give it a period');
			return spec.period + 1;
		case 'vwap':
			// The whole session up to its last candle.
			return Math.ceil(dayMs / timeframeMs[timeframe]);
	}
}

/**
 * Candles of `timeframe` from which `spec` is computed, `maxBack` included; with fewer its value is null. The timeframe matters to
 * `vwap` alone, which needs a whole session. Throws RangeError for `obv` without a period, which has no finite history.
 */
export function indicatorHistory(spec: IndicatorSpec, timeframe: Timeframe = '1m'): number {
	return settledAfter(spec, timeframe) + maxBack;
}

/** Candles of `timeframe` that a factor over `specs` needs. */
export function historyOf(specs: readonly IndicatorSpec[], timeframe: Timeframe = '1m'): number {
	return specs.reduce((most, spec) => Math.max(most, indicatorHistory(spec, timeframe)), 1);
}
