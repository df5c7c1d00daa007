import { z } from 'zod';
import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, type Parsed, period, undefinedScore } from './score.ts';

export const volatilityFields = {
	volatility_fast_period: period.default(20),
	volatility_slow_period: period.default(100),
	/** Which market scores positive: one that moves more than it did, or one that moves less. */
	volatility_favours: z.enum(['WILD', 'CALM']).default('WILD'),
};

type Parameters = Parsed<typeof volatilityFields>;

/**
 * Whether the market moves more or less than it did: value = realised volatility of the last `volatility_fast_period` candles by
 * that of the last `volatility_slow_period`; score = log2(value), full at twice or half, its sign turned round where CALM is
 * favoured. Positive means the favoured kind of market, **not up**: weighed into a score it would push towards LONG, so use it as
 * `gatedByVolatility` does. Rises (WILD) or falls (CALM) with the value; 0 in a market that never moved.
 * Source: ratio of close-to-close volatilities (Hull, on estimating volatility).
 */
export function volatility(parameters: Parameters): Factor {
	const fast: IndicatorSpec = { name: 'realised_volatility', period: parameters.volatility_fast_period };
	const slow: IndicatorSpec = { name: 'realised_volatility', period: parameters.volatility_slow_period };
	const sign = parameters.volatility_favours === 'WILD' ? 1 : -1;
	return {
		name: 'volatility',
		history: historyOf([fast, slow]),
		evaluate(view) {
			const now = view.indicator(fast).value ?? null;
			const usual = view.indicator(slow).value ?? null;
			if (now === null || usual === null) return undefinedScore;
			const value = usual > 0 ? now / usual : 1;
			return { value, score: bounded(sign * Math.log2(value)) };
		},
	};
}

/**
 * `factor` while the market is of the favoured kind or as it always is: its score shrinks in a straight line to 0 as the score of
 * `volatility` falls from 0 to -1; value and sign stay.
 */
export function gatedByVolatility(factor: Factor, parameters: Parameters): Factor {
	const gate = volatility(parameters);
	return {
		...factor,
		history: Math.max(factor.history, gate.history),
		evaluate(view) {
			const { value, score } = factor.evaluate(view);
			const favour = gate.evaluate(view).score;
			if (score === null || favour === null) return undefinedScore;
			return { value, score: score * Math.min(1, 1 + favour) };
		},
	};
}
