import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, flatShare, lastClose, type Parsed, period, undefinedScore } from './score.ts';

export const donchianBreakoutFields = { donchian_period: period.default(20) };

type Parameters = Parsed<typeof donchianBreakoutFields>;

/** Half of the way from the middle of the channel to its edge counts as nothing: the market is inside. */
const inside = 0.5;

/**
 * Breakout from the channel of the `donchian_period` candles before the last: value = (close − middle) / half of the width, -1 at
 * the lower edge, 1 at the upper, beyond on a breakout; score = 0 in the inner half, then straight up to 1 at the upper edge and
 * down to -1 at the lower. Rises with the last close; 0 where the channel has no width. Source: Donchian's four-week rule
 * (Murphy 1999, ch. 9).
 */
export function donchianBreakout(parameters: Parameters): Factor {
	const channel: IndicatorSpec = { name: 'donchian', period: parameters.donchian_period };
	return {
		name: 'donchian_breakout',
		history: historyOf([channel]),
		evaluate(view) {
			// The last candle is measured against the channel before it: it cannot break out of its own.
			const { upper = null, lower = null } = view.indicator(channel, 1);
			const close = lastClose(view);
			if (upper === null || lower === null || close === null) return undefinedScore;
			const half = (upper - lower) / 2;
			const value = half > flatShare * close ? (close - (upper + lower) / 2) / half : Math.sign(close - upper);
			const beyond = Math.max(0, Math.abs(value) - inside) / (1 - inside);
			return { value, score: bounded(Math.sign(value) * beyond) };
		},
	};
}
