import { z } from 'zod';
import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { type Parsed, period, undefinedScore } from './score.ts';

export const fadedInTrendFields = {
	adx_period: period.default(14),
	/** ADX up to which the factor counts fully, and from which on not at all. */
	adx_fade_from: z.number().min(0).max(100).default(20),
	adx_fade_to: z.number().min(0).max(100).default(40),
};

type Parameters = Parsed<typeof fadedInTrendFields>;

/**
 * `factor` as long as there is no trend: its score shrinks in a straight line to 0 as ADX rises from `adx_fade_from` to
 * `adx_fade_to`; value and sign stay. So a reversion strategy neither enters against a trend nor waits for one to turn.
 * Source: Wilder 1978 (no trend below ADX 20); oscillators for ranges only, as in Murphy 1999, ch. 10.
 */
export function fadedInTrend(factor: Factor, parameters: Parameters): Factor {
	const movement: IndicatorSpec = { name: 'adx', period: parameters.adx_period };
	const { adx_fade_from: from, adx_fade_to: to } = parameters;
	return {
		...factor,
		history: Math.max(factor.history, historyOf([movement])),
		evaluate(view) {
			const adx = view.indicator(movement).adx ?? null;
			const { value, score } = factor.evaluate(view);
			if (adx === null || score === null) return undefinedScore;
			const kept = Math.max(0, Math.min(1, (to - adx) / (to - from)));
			return { value, score: score * kept };
		},
	};
}
