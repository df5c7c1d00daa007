import { z } from 'zod';
import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, type Parsed, period, undefinedScore } from './score.ts';

export const stochasticReversionFields = {
	stochastic_period: period.default(14),
	/** Candles over which %K is averaged; 1 leaves it fast. */
	stochastic_smooth: z.int().min(1).max(10).default(3),
	/** %K at which the market counts as fully oversold; 100 − this is fully overbought. */
	stochastic_oversold: z.number().min(1).max(49).default(20),
};

type Parameters = Parsed<typeof stochasticReversionFields>;

/**
 * Reversion from the edge of the recent range: value = slow %K, 0 to 100; score = (50 − %K) / (50 − `stochastic_oversold`): 1 at
 * 20, -1 at 80. Falls as the last close rises; 0 where one of the ranges that %K averages has no width, since %K is 0 there by
 * definition only. Source: Lane's stochastic oscillator (Murphy 1999, ch. 10).
 */
export function stochasticReversion(parameters: Parameters): Factor {
	const { stochastic_period: candles, stochastic_smooth: smooth } = parameters;
	// Nothing here reads %D: with a signal of one it asks for no candle of its own.
	const stochastic: IndicatorSpec = { name: 'stochastic', period: candles, smooth, signal: 1 };
	const channel: IndicatorSpec = { name: 'donchian', period: candles };
	const span = 50 - parameters.stochastic_oversold;
	return {
		name: 'stochastic_reversion',
		history: historyOf([stochastic, channel]),
		evaluate(view) {
			const value = view.indicator(stochastic).k ?? null;
			if (value === null) return undefinedScore;
			for (let back = 0; back < smooth; back += 1) {
				const { upper = null, lower = null } = view.indicator(channel, back);
				if (upper === lower) return { value, score: 0 };
			}
			return { value, score: bounded((50 - value) / span) };
		},
	};
}
