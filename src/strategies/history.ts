/**
 * How many candles an indicator is computed from. Every value a strategy sees is computed from exactly that many candles
 * (`src/market/view.ts`), whatever else lies in the window: the same candles give the same score on every worker, in every
 * test and when a signal is explained a month later. Smoothed indicators get so many that older candles would change them by
 * less than one part in 10^9, so they also equal what a chart computes from the whole past.
 */
import type { IndicatorSpec } from './strategy.ts';

/** The furthest back a factor may ask an indicator, in candles. */
export const maxBack = 16;

const tolerance = 1e-9;

/** Steps after which an exponential average forgets its seed: the smallest n with λ^n ≤ 10^-9. */
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
function settledAfter(spec: IndicatorSpec): number {
	switch (spec.name) {
		case 'sma':
		case 'zscore':
		case 'bollinger':
			return spec.period;
		case 'roc':
			return spec.period + 1;
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
			return settledAfter({ name: 'atr', period: spec.period }) + spec.lookback;
	}
}

/** Candles from which `spec` is computed, `maxBack` included; with fewer its value is null. */
export function indicatorHistory(spec: IndicatorSpec): number {
	return settledAfter(spec) + maxBack;
}

/** Candles that a factor over `specs` needs. */
export function historyOf(specs: readonly IndicatorSpec[]): number {
	return specs.reduce((most, spec) => Math.max(most, indicatorHistory(spec)), 1);
}
