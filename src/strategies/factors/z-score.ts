import { z } from 'zod';
import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, type Parsed, period, undefinedScore } from './score.ts';

export const zScoreFields = {
	zscore_period: period.default(50),
	/** Standard deviations from the mean at which the score is full. */
	zscore_full: z.number().min(0.5).max(5).default(2),
};

type Parameters = Parsed<typeof zScoreFields>;

/**
 * Reversion to a longer mean: value = z-score of the close, in population standard deviations; score = −value / `zscore_full`.
 * Falls as the z-score rises. Source: standard score; its use for reversion as in Chan 2013, ch. 2.
 */
export function zScore(parameters: Parameters): Factor {
	const zscore: IndicatorSpec = { name: 'zscore', period: parameters.zscore_period };
	return {
		name: 'z_score',
		history: historyOf([zscore]),
		evaluate(view) {
			const value = view.indicator(zscore).value ?? null;
			if (value === null) return undefinedScore;
			return { value, score: bounded(-value / parameters.zscore_full) };
		},
	};
}
