/** What strategies see of a market, and the cache by which all bots share its indicators. */

import type { Regime } from '../domain.ts';
import { indicatorHistory, maxBack } from '../strategies/history.ts';
import type { CandleWindow, IndicatorSpec, IndicatorValue, MarketView } from '../strategies/strategy.ts';
import { computeIndicator, type IndicatorSeries, indicatorKey } from './indicators/indicator.ts';

/** How often an indicator was computed and how often a finished one was reused. */
export interface IndicatorUse {
	computed: number;
	reused: number;
}

/** The counts of this process since its start: hit rate = reused / (computed + reused). */
export const indicatorUse: IndicatorUse = { computed: 0, reused: 0 };

interface Computed {
	/** Over exactly `indicatorHistory(spec)` candles; empty where the window is shorter. */
	readonly series: IndicatorSeries;
	/** By `back`, made when first asked for. */
	readonly values: (IndicatorValue | undefined)[];
}

/** One cache per window object: views of the same window, with whatever regime, share it; it dies with the window. */
const caches = new WeakMap<CandleWindow, Map<string, Computed>>();

/**
 * A view of `window` (closed candles only, oldest first) in `regime`. Make one per instrument, timeframe and last candle, and
 * show it to every bot. The window may be longer than any strategy needs: each indicator is computed once, from exactly its
 * last `indicatorHistory(spec)` candles, and is null in a shorter window.
 * `indicator` throws RangeError when `back` is not an integer from 0 to `maxBack`.
 */
export function createMarketView(window: CandleWindow, regime: Regime | null, use = indicatorUse): MarketView {
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
			computed = compute(spec, window);
			cache.set(key, computed);
			use.computed += 1;
		} else {
			use.reused += 1;
		}
		const known = computed.values[back];
		if (known !== undefined) return known;
		const value = valueAt(computed.series, back);
		computed.values[back] = value;
		return value;
	}
}

function compute(spec: IndicatorSpec, window: CandleWindow): Computed {
	const needed = indicatorHistory(spec, window.timeframe);
	const enough = window.close.length >= needed;
	return { series: computeIndicator(spec, lastCandles(window, enough ? needed : 0)), values: [] };
}

function valueAt(series: IndicatorSeries, back: number): IndicatorValue {
	if (!Number.isInteger(back) || back < 0 || back > maxBack) {
		throw new RangeError(`an indicator can be asked 0 to ${maxBack} candles back, not ${back}`);
	}
	const value: Record<string, number | null> = {};
	for (const [output, column] of Object.entries(series)) {
		const number = column[column.length - 1 - back];
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
