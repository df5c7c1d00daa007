/** ST-002, mean reversion: buys what fell too far from its mean, sells what rose too far, out at the mean. See docs/strategies. */
import { z } from 'zod';
import { bollingerPosition, bollingerPositionFields } from './factors/bollinger-position.ts';
import { fadedInTrend, fadedInTrendFields } from './factors/faded-in-trend.ts';
import { rsiReversion, rsiReversionFields } from './factors/rsi-reversion.ts';
import { stochasticReversion, stochasticReversionFields } from './factors/stochastic-reversion.ts';
import { zScore, zScoreFields } from './factors/z-score.ts';
import { checkBelow, checkScored, prepareScored, scoredFields } from './scored.ts';
import type { Strategy } from './strategy.ts';

const parameters = z
	.strictObject({
		...scoredFields({
			timeframe: '5m',
			weights: { rsi_reversion: 0.35, bollinger_position: 0.4, z_score: 0.25, stochastic_reversion: 0 },
			entryThreshold: 0.7,
			exitThreshold: 0,
			stopLossFraction: 0.015,
			takeProfitFraction: 0.015,
			trailingStopFraction: null,
			maxHoldingMinutes: 240,
			favourableRegimes: ['RANGING'],
		}),
		...rsiReversionFields,
		...bollingerPositionFields,
		...zScoreFields,
		...stochasticReversionFields,
		...fadedInTrendFields,
	})
	.superRefine((values, context) => {
		checkScored(values, context);
		checkBelow(values, context, 'adx_fade_from', 'adx_fade_to');
	});

export const meanReversion: Strategy<typeof parameters> = {
	id: 'ST-002',
	name: 'mean_reversion',
	title: 'Mean Reversion',
	defaultInterval: 5,
	parameters,
	prepare(values) {
		const factors = [rsiReversion(values), bollingerPosition(values), zScore(values), stochasticReversion(values)];
		return prepareScored(
			values,
			factors.map((factor) => fadedInTrend(factor, values)),
		);
	},
};
