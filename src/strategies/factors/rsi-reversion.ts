import { z } from 'zod';
import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, type Parsed, period, undefinedScore } from './score.ts';

export const rsiReversionFields = {
	rsi_period: period.default(14),
	/** RSI at which the market counts as fully oversold; 100 − this is fully overbought. */
	rsi_oversold: z.number().min(1).max(49).default(30),
};

type Parameters = Parsed<typeof rsiReversionFields>;

/**
 * Reversion from one-sided gains or losses: value = RSI, 0 to 100; score = (50 − RSI) / (50 − `rsi_oversold`): 1 at 30, -1 at 70.
 * Falls as RSI rises; 0 in a market without any movement, where RSI is 0 by definition only. Source: Wilder 1978.
 */
export function rsiReversion(parameters: Parameters): Factor {
	const rsi: IndicatorSpec = { name: 'rsi', period: parameters.rsi_period };
	const span = 50 - parameters.rsi_oversold;
	const history = historyOf([rsi]);
	return {
		name: 'rsi_reversion',
		history,
		evaluate(view) {
			const value = view.indicator(rsi).value ?? null;
			if (value === null) return undefinedScore;
			const close = view.candles.close;
			const still = value === 0 && close[close.length - 1] === close[close.length - history];
			return { value, score: still ? 0 : bounded((50 - value) / span) };
		},
	};
}
