/** ST-001, scalping: short moves on minutes that volume bears out and the hour agrees with; in and out fast. See docs/strategies. */
import { z } from 'zod';
import { donchianBreakout, donchianBreakoutFields } from './factors/donchian-breakout.ts';
import { emaCross, emaCrossFields } from './factors/ema-cross.ts';
import { checkHigherTimeframe, higherTimeframe, higherTimeframeFields } from './factors/higher-timeframe.ts';
import { stochasticReversion, stochasticReversionFields } from './factors/stochastic-reversion.ts';
import { gatedByVolatility, volatilityFields } from './factors/volatility.ts';
import { volumeConfirmation, volumeConfirmationFields } from './factors/volume-confirmation.ts';
import { vwapDeviation, vwapDeviationFields } from './factors/vwap-deviation.ts';
import { checkBelow, checkScored, prepareScored, scoredFields } from './scored.ts';
import type { Strategy } from './strategy.ts';

const parameters = z
	.strictObject({
		...scoredFields({
			timeframe: '1m',
			weights: {
				ema_cross: 0.3,
				donchian_breakout: 0.2,
				volume_confirmation: 0.2,
				higher_timeframe: 0.3,
				stochastic_reversion: 0,
				vwap_deviation: 0,
			},
			entryThreshold: 0.65,
			exitThreshold: 0,
			stopLossFraction: 0.005,
			takeProfitFraction: 0.008,
			trailingStopFraction: 0.005,
			maxHoldingMinutes: 30,
			favourableRegimes: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
		}),
		...emaCrossFields,
		...donchianBreakoutFields,
		...volumeConfirmationFields,
		...higherTimeframeFields('15m'),
		...stochasticReversionFields,
		...vwapDeviationFields,
		...volatilityFields,
	})
	.superRefine((values, context) => {
		checkScored(values, context);
		checkHigherTimeframe(values, context);
		checkBelow(values, context, 'ema_fast_period', 'ema_slow_period');
		checkBelow(values, context, 'higher_fast_period', 'higher_slow_period');
		checkBelow(values, context, 'volatility_fast_period', 'volatility_slow_period');
	});

export const scalping: Strategy<typeof parameters> = {
	id: 'ST-001',
	name: 'scalping',
	title: 'Scalping',
	defaultInterval: 1,
	parameters,
	prepare(values) {
		const factors = [
			emaCross(values),
			donchianBreakout(values),
			volumeConfirmation(values),
			higherTimeframe(values),
			stochasticReversion(values),
			vwapDeviation(values),
		];
		return prepareScored(
			values,
			factors.map((factor) => gatedByVolatility(factor, values)),
		);
	},
};
