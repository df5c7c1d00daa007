/** What strategies see of a market, and the cache by which all bots share its indicators. */

import type { Regime } from '../domain.ts';
import { indicatorHistory, maxBack } from '../strategies/history.ts';
import type { CandleWindow, IndicatorSpec, IndicatorValue, MarketView } from '../strategies/strategy.ts';
import { type Moment, streamOver } from './indicator-states.ts';
import { indicatorKey } from './indicators/indicator.ts';

/** How often an indicator was computed for a window and how often a finished value was reused. */
export interface IndicatorUse {
	computed: number;
	/** Of those computed: how many cost no more than the candles that were new since the window before. */
	advanced: number;
	reused: number;
}

/** The counts of this process since its start: hit rate = reused / (computed + reused). */
export const indicatorUse: IndicatorUse = { computed: 0, advanced: 0, reused: 0 };

interface Computed {
	readonly outputs: readonly string[];
	/** The values of the last `maxBack + 1` candles, oldest first; none where the window is shorter than the indicator needs. */
	readonly recent: readonly (readonly number[])[];
	/** By `back`, made when first asked for. */
	readonly values: (IndicatorValue | undefined)[];
}

/** One cache per window object: views of the same window, with whatever regime, share it; it dies with the window. */
const caches = new WeakMap<CandleWindow, Map<string, Computed>>();

/**
 * A view of `window` (closed candles only, oldest first) in `regime`. Make one per instrument, timeframe and last candle, and
 * show it to every bot. The window may be longer than any strategy needs: each indicator is computed once, and is null in a window
 * shorter than `indicatorHistory(spec)`.
 * `moment` says where the window stands among those of a market that goes on: then the market's states are taken on by the new
 * candles. Without it each indicator is computed from exactly its last `indicatorHistory(spec)` candles. Both give the same to
 * 10^-9: see `src/strategies/history.ts`.
 * `indicator` throws RangeError when `back` is not an integer from 0 to `maxBack`.
 */
export function createMarketView(
	window: CandleWindow,
	regime: Regime | null,
	use = indicatorUse,
	moment: Moment | null = null,
): MarketView {
	const cache = caches.get(window) ?? new Map<string, Computed>();
	caches.set(window, cache);
	return {
		candles: window,
		regime,
		funding: null,
		legs: [],
		timeframe: (timeframe) => (timeframe === window.timeframe ? { candles: window, indicator } : null),
		indicator,
	};

	function indicator(spec: IndicatorSpec, back = 0): IndicatorValue {
		const key = indicatorKey(spec);
		let computed = cache.get(key);
		if (computed === undefined) {
			computed = compute(spec, window, moment, use);
			cache.set(key, computed);
		} else {
			use.reused += 1;
		}
		const known = computed.values[back];
		if (known !== undefined) return known;
		const value = valueAt(computed, back);
		computed.values[back] = value;
		return value;
	}
}

function compute(spec: IndicatorSpec, window: CandleWindow, moment: Moment | null, use: IndicatorUse): Computed {
	const isShort = window.close.length < indicatorHistory(spec, window.timeframe);
	const { stream, isAdvanced } =
		moment === null || isShort
			? { stream: streamOver(spec, window), isAdvanced: false }
			: moment.states.read(spec, window, moment);
	use.computed += 1;
	if (isAdvanced) use.advanced += 1;
	return { outputs: stream.outputs, recent: stream.recent(), values: [] };
}

function valueAt({ outputs, recent }: Computed, back: number): IndicatorValue {
	if (!Number.isInteger(back) || back < 0 || back > maxBack) {
		throw new RangeError(`an indicator can be asked 0 to ${maxBack} candles back, not ${back}`);
	}
	const values = recent[recent.length - 1 - back];
	const value: Record<string, number | null> = {};
	for (const [index, output] of outputs.entries()) {
		const number = values?.[index];
		value[output] = number === undefined || !Number.isFinite(number) ? null : number;
	}
	return value;
}

/** The newest `count` candles of `window`, without copying. */
export function lastCandles(window: CandleWindow, count: number): CandleWindow {
	const from = Math.max(0, window.close.length - count);
	if (from === 0) return window;
	return {
		timeframe: window.timeframe,
		openAt: window.openAt.subarray(from),
		open: window.open.subarray(from),
		high: window.high.subarray(from),
		low: window.low.subarray(from),
		close: window.close.subarray(from),
		volume: window.volume.subarray(from),
	};
}
