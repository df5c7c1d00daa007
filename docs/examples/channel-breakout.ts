/**
 * Channel breakout: long when the price closes above the highest high of the candles before, short below the lowest low, out when
 * it comes back to the middle. A complete strategy: put this file into the folder that BOTBOX_STRATEGIES names.
 */
import { defineStrategy, z } from 'botbox/strategy';

export default defineStrategy({
	id: 'MY-001',
	name: 'channel_breakout',
	title: 'Channel Breakout',
	defaultInterval: 5,
	// What a bot may be created with; every field with its limits and its default.
	parameters: z.strictObject({
		timeframe: z.enum(['1m', '5m', '15m', '1h']).default('5m'),
		/** Candles that make the channel. */
		channel_period: z.int().min(5).max(200).default(20),
		/** Distance of the stop from the entry, in average true ranges. */
		stop_ranges: z.number().min(0.5).max(10).default(2),
		allow_short: z.boolean().default(true),
	}),

	// What `decide` looks at. The channel is asked for one candle back: the last close can only break what was there before it.
	needs: (parameters) => ({
		timeframe: parameters.timeframe,
		indicators: [
			{ name: 'donchian', period: parameters.channel_period },
			{ name: 'atr', period: 14 },
		],
	}),

	// Pure: no clock, no network, no memory of former checks. The same candles give the same decision.
	decide(view, position, parameters) {
		const { upper, middle, lower } = view.indicator({ name: 'donchian', period: parameters.channel_period }, 1);
		const { value: range } = view.indicator({ name: 'atr', period: 14 });
		const close = view.candles.close.at(-1);
		// Null until there are enough candles: then there is nothing to say.
		if (upper == null || middle == null || lower == null || range == null || close === undefined) return null;

		// Shown with every check, so that a person can see why.
		const figures = { close, upper, middle, lower, atr: range };

		if (position !== null) {
			const isBack = position.direction === 'LONG' ? close <= middle : close >= middle;
			return { decision: isBack ? 'CLOSE' : 'NONE', figures };
		}
		const stopLossFraction = Math.min((parameters.stop_ranges * range) / close, 0.5);
		if (close > upper) return { decision: 'LONG', stopLossFraction, figures };
		if (close < lower && parameters.allow_short) return { decision: 'SHORT', stopLossFraction, figures };
		return { decision: 'NONE', figures };
	},
});
