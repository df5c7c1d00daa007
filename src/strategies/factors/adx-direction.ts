import { historyOf } from '../history.ts';
import type { Factor, IndicatorSpec } from '../strategy.ts';
import { bounded, type Parsed, period, undefinedScore } from './score.ts';

export const adxDirectionFields = { adx_period: period.default(14) };

type Parameters = Parsed<typeof adxDirectionFields>;

/** Up to the first ADX there is no trend (Wilder), from the second on a strong one. */
const noTrend = 20;
const fullTrend = 30;
/** Share of directional movement on one side at which the direction counts fully: a DX of 50. */
const fullDirection = 0.5;

/**
 * Direction of movement where a trend is there at all: value = (+DI − −DI) / (+DI + −DI), in [-1, 1];
 * score = value / 0.5, times the gate that opens from ADX 20 (shut) to ADX 30 (open). Rises with +DI, falls with −DI, and its size
 * with ADX. Source: Wilder 1978, directional movement system.
 */
export function adxDirection(parameters: Parameters): Factor {
	const movement: IndicatorSpec = { name: 'adx', period: parameters.adx_period };
	return {
		name: 'adx_direction',
		history: historyOf([movement]),
		evaluate(view) {
			const { adx = null, plus_di = null, minus_di = null } = view.indicator(movement);
			if (adx === null || plus_di === null || minus_di === null) return undefinedScore;
			const total = plus_di + minus_di;
			const value = total > 0 ? (plus_di - minus_di) / total : 0;
			const gate = Math.max(0, Math.min(1, (adx - noTrend) / (fullTrend - noTrend)));
			return { value, score: bounded(value / fullDirection) * gate };
		},
	};
}
