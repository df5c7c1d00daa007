/** Indicators that weigh prices or their direction by volume. */
import { getTypicalPrice, pushUpdate } from 'trading-signals';
import { Previous, Rewindable } from './memory.ts';
import type { Calculation } from './stream.ts';

/**
 * On-balance volume, in the base asset: the sum of volumes, those of candles that closed higher added, those that closed lower
 * taken away, those that closed equal left out. It starts with the first candle's volume. Source: Granville 1963; TA-Lib OBV.
 * Own code: `trading-signals` 8.3 starts at zero with the second candle.
 */
export function obv(): Calculation {
	const closes = new Previous<number>();
	const rewindable = new Rewindable({ sum: 0 });
	return {
		outputs: ['value'],
		update({ close, volume }, replace) {
			const state = rewindable.open(replace);
			const previous = closes.update(close, replace);
			state.sum += previous === undefined ? volume : Math.sign(close - previous) * volume;
			return [state.sum];
		},
	};
}

/**
 * What the last `period` candles added to on-balance volume, in the base asset: today's OBV less that of `period` candles ago,
 * which does not depend on where the series began; first value with candle `period + 1`. Source: as `obv`.
 */
export function obvOver(period: number): Calculation {
	const closes = new Previous<number>();
	const signed: number[] = [];
	return {
		outputs: ['value'],
		update({ close, volume }, replace) {
			const previous = closes.update(close, replace);
			if (previous === undefined) return null;
			pushUpdate({ array: signed, item: Math.sign(close - previous) * volume, maxLength: period, replace });
			return signed.length < period ? null : [signed.reduce((sum, value) => sum + value, 0)];
		},
	};
}

const sessionMs = 86_400_000;

/**
 * Volume-weighted average price since the session began, in price: the sum of (high + low + close) / 3 × volume by the sum of
 * volumes. A session is a day of UTC. Undefined until a session's first candle has been seen - the first one with candles of the
 * day before in front of it, or one that opens at midnight - and while the session has no volume.
 * Source: Berkowitz, Logue and Noser 1988; typical price as charts have it. Own code: `trading-signals` 8.3 knows no sessions, and
 * takes the wrong candle back when one without volume is replaced.
 */
export function vwap(): Calculation {
	const rewindable = new Rewindable({ session: Number.NaN, isWhole: false, value: 0, volume: 0 });
	return {
		outputs: ['value'],
		update(candle, replace) {
			const state = rewindable.open(replace);
			const session = Math.floor(candle.openAt / sessionMs);
			if (session !== state.session) {
				state.isWhole = !Number.isNaN(state.session) || candle.openAt === session * sessionMs;
				state.session = session;
				state.value = 0;
				state.volume = 0;
			}
			state.value += getTypicalPrice(candle) * candle.volume;
			state.volume += candle.volume;
			return state.isWhole && state.volume > 0 ? [state.value / state.volume] : null;
		},
	};
}
