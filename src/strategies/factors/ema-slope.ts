import { z } from 'zod';
import { historyOf, maxBack } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, inRanges, type Parsed, period, undefinedScore } from './score.ts';

export const emaSlopeFields = {
	ema_slow_period: period.default(21),
	ema_slope_candles: z.int().min(1).max(maxBack).default(5),
	atr_period: period.default(14),
};

type Parameters = Parsed<typeof emaSlopeFields>;

/** Slope at which the score is full: an average that moves a quarter of a range per candle runs as fast as trends do. */
const fullSlope = 0.25;

/**
 * Trend by the slope of the slow average: value = (EMA now − EMA `ema_slope_candles` ago) / candles / ATR, in average true ranges
 * per candle; score = value / 0.25. Rises with the last close. Source: moving average slope (Murphy 1999, ch. 9), in ATR.
 */
export function emaSlope(parameters: Parameters): Factor {
	const ema: IndicatorSpec = { name: 'ema', period: parameters.ema_slow_period };
	const atr: IndicatorSpec = { name: 'atr', period: parameters.atr_period };
	const candles = parameters.ema_slope_candles;
	return {
		name: 'ema_slope',
		history: historyOf([ema, atr]),
		evaluate(view) {
			const now = view.indicator(ema).value ?? null;
			const before = view.indicator(ema, candles).value ?? null;
			const range = view.indicator(atr).value ?? null;
			if (now === null || before === null || range === null) return undefinedScore;
			const value = inRanges(now - before, range) / candles;
			return { value, score: bounded(value / fullSlope) };
		},
	};
}
