import { z } from 'zod';
import { type Timeframe, timeframeMs } from '../../domain.ts';
import { historyOf } from '../history.ts';
import type { CandleWindow, Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, inRanges, lastClose, type Parsed, period, undefinedScore } from './score.ts';

export const vwapDeviationFields = {
	/** Candles that make the VWAP: five minutes need 304 of them, single minutes 1456. */
	vwap_timeframe: z.enum(['1m', '5m', '15m', '1h']).default('5m'),
	/** Deviation at which the score is full, in average true ranges by the root of the session's age in candles. */
	vwap_full: z.number().min(0.1).max(5).default(0.75),
	atr_period: period.default(14),
};

type Parameters = Parsed<typeof vwapDeviationFields> & { readonly timeframe: Timeframe };

const vwap: IndicatorSpec = { name: 'vwap' };
const sessionMs = timeframeMs['1d'];

/**
 * Reversion to what the session paid on average: value = (close − VWAP) / ATR / √(candles since 00:00 UTC), since a market that
 * only wanders strays from its VWAP with the root of time; score = −value / `vwap_full`. Falls as the last close rises. The VWAP is
 * that of `vwap_timeframe` at its last closed candle. Undefined while the session has no volume.
 * Source: VWAP as the day's fair price (Berkowitz, Logue and Noser 1988).
 */
export function vwapDeviation(parameters: Parameters): Factor {
	const { timeframe, vwap_timeframe: source } = parameters;
	const atr: IndicatorSpec = { name: 'atr', period: parameters.atr_period };
	const isOwn = source === timeframe;
	const sessionHistory = historyOf([vwap], source);
	const ownHistory = historyOf([atr]);
	return {
		name: 'vwap_deviation',
		history: isOwn ? Math.max(ownHistory, sessionHistory) : ownHistory,
		furtherWindows: isOwn ? [] : [{ timeframe: source, history: sessionHistory }],
		evaluate(view) {
			const session = isOwn ? view : view.timeframe(source);
			const average = session?.indicator(vwap).value ?? null;
			const range = view.indicator(atr).value ?? null;
			const close = lastClose(view);
			if (session === null || average === null || range === null || close === null) return undefinedScore;
			const age = sessionAge(session.candles) / timeframeMs[timeframe];
			const value = inRanges(close - average, range) / Math.sqrt(Math.max(1, age));
			return { value, score: bounded(-value / parameters.vwap_full) };
		},
	};
}

/** Milliseconds of its session that `candles` had seen when the last of them closed. */
function sessionAge({ openAt, timeframe }: CandleWindow): number {
	const last = openAt[openAt.length - 1] ?? Number.NaN;
	return (last % sessionMs) + timeframeMs[timeframe];
}
