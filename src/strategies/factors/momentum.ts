import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, inRanges, lastClose, type Parsed, period, undefinedScore } from './score.ts';

export const momentumFields = { roc_period: period.default(10), atr_period: period.default(14) };

type Parameters = Parsed<typeof momentumFields>;

/**
 * Momentum: value = rate of change over `roc_period` candles, in percent; score = that change in average true ranges, divided
 * by √`roc_period`, the distance a walk without direction covers. Rises with the last close. Source: TA-Lib ROC; the scaling by
 * volatility and root of time as in time series momentum (Moskowitz, Ooi and Pedersen 2012).
 */
export function momentum(parameters: Parameters): Factor {
	const roc: IndicatorSpec = { name: 'roc', period: parameters.roc_period };
	const atr: IndicatorSpec = { name: 'atr', period: parameters.atr_period };
	const rootOfTime = Math.sqrt(parameters.roc_period);
	return {
		name: 'momentum',
		history: historyOf([roc, atr]),
		evaluate(view) {
			const value = view.indicator(roc).value ?? null;
			const range = view.indicator(atr).value ?? null;
			const close = lastClose(view);
			if (value === null || range === null || close === null) return undefinedScore;
			const change = close - close / (1 + value / 100);
			return { value, score: bounded(inRanges(change, range) / rootOfTime) };
		},
	};
}
