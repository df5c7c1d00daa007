import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computeIndicator } from '../../src/market/indicators/indicator.ts';
import { createMarketView, lastCandles } from '../../src/market/view.ts';
import { indicatorHistory, maxBack } from '../../src/strategies/history.ts';
import type { CandleWindow, IndicatorSpec } from '../../src/strategies/strategy.ts';
import { randomWalk, slice } from './market-windows.ts';

const specs: readonly IndicatorSpec[] = [
	{ name: 'sma', period: 20 },
	{ name: 'ema', period: 21 },
	{ name: 'rsi', period: 14 },
	{ name: 'atr', period: 14 },
	{ name: 'adx', period: 14 },
	{ name: 'roc', period: 10 },
	{ name: 'zscore', period: 50 },
	{ name: 'bollinger', period: 20, deviations: 2 },
	{ name: 'macd', fast: 12, slow: 26, signal: 9 },
	{ name: 'atr_percentile', period: 14, lookback: 100 },
	{ name: 'volume_zscore', period: 20 },
	{ name: 'realised_volatility', period: 20 },
	{ name: 'stochastic', period: 14, smooth: 3, signal: 3 },
	{ name: 'donchian', period: 20 },
	{ name: 'obv', period: 20 },
	{ name: 'vwap' },
];

/** The last value of each output, computed over every candle of `window`. */
function computeWhole(spec: IndicatorSpec, window: CandleWindow): Record<string, number> {
	const columns = Object.entries(computeIndicator(spec, window));
	return Object.fromEntries(columns.map(([output, column]) => [output, column.at(-1)!]));
}

test('a thousand bots compute each indicator once per window', () => {
	const use = { computed: 0, advanced: 0, reused: 0 };
	const window = randomWalk(1, 500);
	const view = createMarketView(window, null, use);
	for (let bot = 0; bot < 1000; bot += 1) for (const spec of specs) view.indicator({ ...spec });
	expect(use).toEqual({ computed: specs.length, advanced: 0, reused: 999 * specs.length });

	createMarketView(window, { direction: 'RANGING', volatility: 'LOW' }, use).indicator(specs[0]!);
	expect(use.computed).toBe(specs.length);
	createMarketView(slice(window, 0, 500), null, use).indicator(specs[0]!);
	expect(use.computed).toBe(specs.length + 1);
});

test('the same value is the same object, so that reading it again allocates nothing', () => {
	const view = createMarketView(randomWalk(2, 500), null);
	expect(view.indicator({ name: 'ema', period: 21 }, 3)).toBe(view.indicator({ name: 'ema', period: 21 }, 3));
});

describe.each(specs)('$name', (spec) => {
	const history = indicatorHistory(spec, '5m');

	test('is null in every output until its history is there', () => {
		const walk = randomWalk(3, history);
		const short = createMarketView(slice(walk, 1, history), null).indicator(spec);
		expect(Object.keys(short).length).toBeGreaterThan(0);
		expect(Object.values(short).every((value) => value === null)).toBe(true);
		const enough = createMarketView(walk, null);
		for (const back of [0, maxBack]) {
			expect(Object.values(enough.indicator(spec, back)).every((value) => Number.isFinite(value))).toBe(true);
		}
	});

	test('depends on no candle before its history', () => {
		fc.assert(
			fc.property(
				fc.nat(),
				fc.integer({ min: 0, max: 300 }),
				fc.integer({ min: 0, max: maxBack }),
				(seed, older, back) => {
					const walk = randomWalk(seed, history + older);
					const long = createMarketView(walk, null).indicator(spec, back);
					const exact = createMarketView(slice(walk, older, history + older), null).indicator(spec, back);
					expect(exact).toEqual(long);
				},
			),
			{ numRuns: 10 },
		);
	});

	test('has forgotten its seed: the value equals that of the whole past to 1e-9', () => {
		const walk = randomWalk(5, 2500);
		const whole = computeWhole(spec, walk);
		for (const [output, value] of Object.entries(createMarketView(walk, null).indicator(spec))) {
			expect(Math.abs(value! - whole[output]!)).toBeLessThan(1e-9 * Math.max(1, Math.abs(whole[output]!)));
		}
	});
});

test('on-balance volume since the first candle ever, which no view can know, is refused', () => {
	expect(() => createMarketView(randomWalk(6, 400), null).indicator({ name: 'obv' })).toThrow(RangeError);
});

test('the session of the volume-weighted price is as long as a day of the timeframe', () => {
	expect(indicatorHistory({ name: 'vwap' }, '1m')).toBe(1_440 + maxBack);
	expect(indicatorHistory({ name: 'vwap' }, '15m')).toBe(96 + maxBack);
	expect(indicatorHistory({ name: 'vwap' }, '1d')).toBe(1 + maxBack);
});

test('a value further back than a view reaches is refused', () => {
	const view = createMarketView(randomWalk(6, 400), null);
	for (const back of [-1, 0.5, maxBack + 1, Number.NaN]) {
		expect(() => view.indicator(specs[0]!, back)).toThrow(RangeError);
	}
});

test('the last candles of a window share its memory', () => {
	const walk = randomWalk(8, 50);
	const last = lastCandles(walk, 20);
	expect(last.close).toEqual(walk.close.subarray(30));
	expect(last.close.buffer).toBe(walk.close.buffer);
	expect(lastCandles(walk, 60)).toBe(walk);
});
