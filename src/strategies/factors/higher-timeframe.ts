import { z } from 'zod';
import { type Timeframe, timeframeMs } from '../../domain.ts';
import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, flatShare, type Parsed, period, undefinedScore } from './score.ts';

/** Timeframes that can lie above one that a strategy decides on. */
const higherTimeframes = ['5m', '15m', '1h', '4h', '1d'] as const;
type HigherTimeframe = (typeof higherTimeframes)[number];

/** The fields, with `timeframe` as the default; null asks for none. */
export function higherTimeframeFields(timeframe: HigherTimeframe | null) {
	return {
		higher_timeframe: z.enum(higherTimeframes).nullable().default(timeframe),
		higher_fast_period: period.default(5),
		higher_slow_period: period.default(20),
	};
}

type Parameters = Parsed<ReturnType<typeof higherTimeframeFields>>;

/** Distance of the averages at which the score is full: a line that only rises reaches 0.39. */
const fullDistance = 0.25;

/**
 * Alignment with the trend of `higher_timeframe`: value = (average of the last `higher_fast_period` closes − average of the last
 * `higher_slow_period`) / (highest high − lowest low of these), by its closed candles only; score = value / 0.25. Rises with the
 * fast average, falls with the slow one. Undefined where `higher_timeframe` is null.
 * Source: moving average crossover (Murphy 1999, ch. 9). Simple averages, because 36 candles define them: an EMA of 20 would be
 * settled after 313, which are thirteen days of hours.
 */
export function higherTimeframe(parameters: Parameters): Factor {
	const fast: IndicatorSpec = { name: 'sma', period: parameters.higher_fast_period };
	const slow: IndicatorSpec = { name: 'sma', period: parameters.higher_slow_period };
	const channel: IndicatorSpec = { name: 'donchian', period: parameters.higher_slow_period };
	const timeframe = parameters.higher_timeframe;
	return {
		name: 'higher_timeframe',
		history: 1,
		furtherWindows: timeframe === null ? [] : [{ timeframe, history: historyOf([fast, slow, channel], timeframe) }],
		evaluate(view) {
			const higher = timeframe === null ? null : view.timeframe(timeframe);
			const fastAverage = higher?.indicator(fast).value ?? null;
			const slowAverage = higher?.indicator(slow).value ?? null;
			const { upper = null, lower = null } = higher?.indicator(channel) ?? {};
			if (fastAverage === null || slowAverage === null || upper === null || lower === null) return undefinedScore;
			const width = upper - lower;
			const value = width > flatShare * slowAverage ? (fastAverage - slowAverage) / width : 0;
			return { value, score: bounded(value / fullDistance) };
		},
	};
}

/** For `superRefine`: the higher timeframe is longer than the strategy's own, and there wherever it is weighed. */
export function checkHigherTimeframe(
	parameters: {
		readonly timeframe: Timeframe;
		readonly higher_timeframe: Timeframe | null;
		readonly weights: Readonly<Record<string, number>>;
	},
	context: z.RefinementCtx,
): void {
	const { timeframe, higher_timeframe: higher } = parameters;
	const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['higher_timeframe'], message });
	if (higher === null && (parameters.weights.higher_timeframe ?? 0) > 0) {
		refuse('must be set while weights.higher_timeframe is above 0');
	} else if (higher !== null && timeframeMs[higher] <= timeframeMs[timeframe]) {
		refuse(`must be longer than timeframe (${timeframe}), is ${higher}`);
	}
}
