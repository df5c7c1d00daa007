import { z } from 'zod';
import { timeframeMs } from '../../domain.ts';
import type { Factor, FundingRates, MarketView } from '../strategy.ts';
import { bounded, type Parsed, undefinedScore } from './score.ts';

export const fundingRateFields = {
	/** Last settlements that are averaged: three are a day on most exchanges. */
	funding_settlements: z.int().min(1).max(30).default(3),
	/** Mean rate per settlement, as a fraction, at which the score is full. */
	funding_full: z.number().min(0.00001).max(0.01).default(0.0005),
};

type Parameters = Parsed<typeof fundingRateFields>;

/**
 * Against the crowd of a perpetual: value = mean of the last `funding_settlements` funding rates, a fraction of the position's value
 * per settlement, positive where longs pay shorts; score = −value / `funding_full`. Falls as funding rises. Undefined on spot
 * markets and before that many settlements. Source: funding as the price of leverage on one side (He, Manela, Ross and von
 * Wachter, "Fundamentals of Perpetual Futures", 2022).
 */
export function fundingRate(parameters: Parameters): Factor {
	const count = parameters.funding_settlements;
	return {
		name: 'funding_rate',
		history: 1,
		readsFunding: true,
		evaluate(view) {
			if (view.funding === null) return undefinedScore;
			const settled = ratesAt(view.funding, closeOf(view)).slice(-count);
			if (settled.length < count) return undefinedScore;
			const value = settled.reduce((sum, rate) => sum + rate, 0) / count;
			return { value, score: bounded(-value / parameters.funding_full) };
		},
	};
}

/** What was settled by `at`: a later settlement is the future of the candle that is judged, even if it is known by now. */
function ratesAt({ fundingAt, rate }: FundingRates, at: number): Float64Array {
	const next = fundingAt.findIndex((settledAt) => settledAt > at);
	return next === -1 ? rate : rate.subarray(0, next);
}

/** When the last candle closed, epoch ms. */
function closeOf({ candles: { openAt, timeframe } }: MarketView): number {
	return (openAt[openAt.length - 1] ?? Number.NaN) + timeframeMs[timeframe];
}
