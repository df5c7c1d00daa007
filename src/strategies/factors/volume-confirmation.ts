import { z } from 'zod';
import { historyOf, maxBack } from '../history.ts';
import type { Factor, IndicatorSpec, MarketView } from '../strategy.ts';
import { bounded, type Parsed, period, undefinedScore } from './score.ts';

export const volumeConfirmationFields = {
	volume_period: period.default(30),
	/** Last candles whose move is to be confirmed. */
	volume_candles: z.int().min(1).max(maxBack).default(3),
	/** Mean z-score of their volumes at which a move counts fully. */
	volume_full: z.number().min(0.1).max(5).default(1),
};

type Parameters = Parsed<typeof volumeConfirmationFields>;

/**
 * A move that volume bears out: value = mean z-score of the volumes of the last `volume_candles` candles, each among the
 * `volume_period` up to it; score = (close − first open) / (highest high − lowest low) of those candles, times value /
 * `volume_full` limited to [0, 1]. Positive after a rise on unusual volume, 0 on ordinary or low volume. Its size rises with
 * volume. Source: volume confirms the trend (Murphy 1999, ch. 7).
 */
export function volumeConfirmation(parameters: Parameters): Factor {
	const volume: IndicatorSpec = { name: 'volume_zscore', period: parameters.volume_period };
	const candles = parameters.volume_candles;
	return {
		name: 'volume_confirmation',
		history: historyOf([volume]),
		evaluate(view) {
			let sum = 0;
			for (let back = 0; back < candles; back += 1) {
				const zscore = view.indicator(volume, back).value ?? null;
				if (zscore === null) return undefinedScore;
				sum += zscore;
			}
			const value = sum / candles;
			const weight = Math.max(0, Math.min(1, value / parameters.volume_full));
			return { value, score: bounded(moveOf(view, candles) * weight) };
		},
	};
}

/** Of the range of the last `count` candles, the share by which they closed higher than they opened. */
function moveOf({ candles: { open, high, low, close } }: MarketView, count: number): number {
	const from = close.length - count;
	const range = Math.max(...high.subarray(from)) - Math.min(...low.subarray(from));
	const move = (close[close.length - 1] ?? Number.NaN) - (open[from] ?? Number.NaN);
	return range > 0 ? move / range : 0;
}
