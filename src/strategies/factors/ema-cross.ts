import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, inRanges, type Parsed, period, undefinedScore } from './score.ts';

export const emaCrossFields = {
	ema_fast_period: period.default(9),
	ema_slow_period: period.default(21),
	atr_period: period.default(14),
};

type Parameters = Parsed<typeof emaCrossFields>;

/**
 * Trend by crossing averages: value = (fast EMA − slow EMA) / ATR, in average true ranges; score = value, full at one range.
 * Rises with the last close. Source: the dual moving average crossover (Murphy 1999, ch. 9), measured in Wilder's ATR so that one
 * scale fits every market.
 */
export function emaCross(parameters: Parameters): Factor {
	const fast: IndicatorSpec = { name: 'ema', period: parameters.ema_fast_period };
	const slow: IndicatorSpec = { name: 'ema', period: parameters.ema_slow_period };
	const atr: IndicatorSpec = { name: 'atr', period: parameters.atr_period };
	return {
		name: 'ema_cross',
		history: historyOf([fast, slow, atr]),
		evaluate(view) {
			const fastEma = view.indicator(fast).value ?? null;
			const slowEma = view.indicator(slow).value ?? null;
			const range = view.indicator(atr).value ?? null;
			if (fastEma === null || slowEma === null || range === null) return undefinedScore;
			const value = inRanges(fastEma - slowEma, range);
			return { value, score: bounded(value) };
		},
	};
}
