import { z } from 'zod';
import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, flatShare, lastClose, type Parsed, period, undefinedScore } from './score.ts';

export const bollingerPositionFields = {
	bollinger_period: period.default(20),
	bollinger_deviations: z.number().min(0.5).max(5).default(2),
};

type Parameters = Parsed<typeof bollingerPositionFields>;

/**
 * Reversion from a band to the middle: value = %b, 0 at the lower and 1 at the upper band; score = 1 − 2 × %b: 1 at or below the
 * lower band, -1 at or above the upper. Falls as the last close rises between the bands; value 0.5 and score 0 where the bands
 * have no width. Source: Bollinger 2001.
 */
export function bollingerPosition(parameters: Parameters): Factor {
	const bands: IndicatorSpec = {
		name: 'bollinger',
		period: parameters.bollinger_period,
		deviations: parameters.bollinger_deviations,
	};
	return {
		name: 'bollinger_position',
		history: historyOf([bands]),
		evaluate(view) {
			const { upper = null, lower = null } = view.indicator(bands);
			const close = lastClose(view);
			if (upper === null || lower === null || close === null) return undefinedScore;
			const width = upper - lower;
			const value = width > flatShare * Math.abs(close) ? (close - lower) / width : 0.5;
			return { value, score: bounded(1 - 2 * value) };
		},
	};
}
