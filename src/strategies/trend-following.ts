/** ST-003, trend following: goes with a trend that several measures agree on, until they no longer do. See docs/strategies. */
import { z } from 'zod';
import { adxDirection, adxDirectionFields } from './factors/adx-direction.ts';
import { donchianBreakout, donchianBreakoutFields } from './factors/donchian-breakout.ts';
import { emaCross, emaCrossFields } from './factors/ema-cross.ts';
import { emaSlope, emaSlopeFields } from './factors/ema-slope.ts';
import { checkHigherTimeframe, higherTimeframe, higherTimeframeFields } from './factors/higher-timeframe.ts';
import { macd, macdFields } from './factors/macd.ts';
import { momentum, momentumFields } from './factors/momentum.ts';
import { checkBelow, checkScored, prepareScored, scoredFields } from './scored.ts';
import type { Strategy } from './strategy.ts';

const parameters = z
	.strictObject({
		...scoredFields({
			timeframe: '15m',
			weights: {
				ema_cross: 0.2,
				ema_slope: 0.1,
				macd: 0.05,
				adx_direction: 0.35,
				momentum: 0.05,
				donchian_breakout: 0.1,
				higher_timeframe: 0.15,
			},
			entryThreshold: 0.6,
			exitThreshold: 0.2,
			stopLossFraction: 0.02,
			takeProfitFraction: 0.06,
			trailingStopFraction: 0.03,
			maxHoldingMinutes: 1440,
			favourableRegimes: ['TRENDING_UP', 'TRENDING_DOWN'],
		}),
		...emaCrossFields,
		...emaSlopeFields,
		...macdFields,
		...adxDirectionFields,
		...momentumFields,
		...donchianBreakoutFields,
		...higherTimeframeFields('1h'),
	})
	.superRefine((values, context) => {
		checkScored(values, context);
		checkHigherTimeframe(values, context);
		checkBelow(values, context, 'ema_fast_period', 'ema_slow_period');
		checkBelow(values, context, 'macd_fast_period', 'macd_slow_period');
		checkBelow(values, context, 'higher_fast_period', 'higher_slow_period');
	});

export const trendFollowing: Strategy<typeof parameters> = {
	id: 'ST-003',
	name: 'trend_following',
	title: 'Trend Following',
	defaultInterval: 15,
	parameters,
	prepare(values) {
		return prepareScored(values, [
			emaCross(values),
			emaSlope(values),
			macd(values),
			adxDirection(values),
			momentum(values),
			donchianBreakout(values),
			higherTimeframe(values),
		]);
	},
};
