import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, inRanges, type Parsed, period, undefinedScore } from './score.ts';

export const macdFields = {
	macd_fast_period: period.default(12),
	macd_slow_period: period.default(26),
	macd_signal_period: period.default(9),
	atr_period: period.default(14),
};

type Parameters = Parsed<typeof macdFields>;

/** Histogram at which the score is full: a third of a range separates the lines when a trend gathers speed. */
const fullHistogram = 1 / 3;

/**
 * Acceleration of the trend: value = MACD histogram / ATR, in average true ranges; score = value × 3.
 * Rises with the last close. Source: Appel's MACD with Aspray's histogram (1986), in ATR.
 */
export function macd(parameters: Parameters): Factor {
	const lines: IndicatorSpec = {
		name: 'macd',
		fast: parameters.macd_fast_period,
		slow: parameters.macd_slow_period,
		signal: parameters.macd_signal_period,
	};
	const atr: IndicatorSpec = { name: 'atr', period: parameters.atr_period };
	return {
		name: 'macd',
		history: historyOf([lines, atr]),
		evaluate(view) {
			const histogram = view.indicator(lines).histogram ?? null;
			const range = view.indicator(atr).value ?? null;
			if (histogram === null || range === null) return undefinedScore;
			const value = inRanges(histogram, range);
			return { value, score: bounded(value / fullHistogram) };
		},
	};
}
