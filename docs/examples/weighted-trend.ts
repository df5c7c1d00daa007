/** Factors that botbox ships, weighed in one's own way: thresholds, stops and time exit are those of every scored strategy. */
import { checkBelow, checkScored, defineStrategy, factors, prepareScored, scoredFields, z } from 'botbox/strategy';

export default defineStrategy({
	id: 'MY-002',
	name: 'weighted_trend',
	title: 'Weighted Trend',
	defaultInterval: 15,
	parameters: z
		.strictObject({
			...scoredFields({
				timeframe: '15m',
				weights: { ema_cross: 0.5, momentum: 0.3, adx_direction: 0.2 },
				entryThreshold: 0.5,
				exitThreshold: 0,
				stopLossFraction: 0.02,
				takeProfitFraction: 0.04,
				trailingStopFraction: null,
				maxHoldingMinutes: 1_440,
				favourableRegimes: ['TRENDING_UP', 'TRENDING_DOWN'],
			}),
			...factors.emaCrossFields,
			...factors.momentumFields,
			...factors.adxDirectionFields,
		})
		.superRefine((values, context) => {
			checkScored(values, context);
			checkBelow(values, context, 'ema_fast_period', 'ema_slow_period');
		}),
	prepare: (parameters) =>
		prepareScored(parameters, [
			factors.emaCross(parameters),
			factors.momentum(parameters),
			factors.adxDirection(parameters),
		]),
});
