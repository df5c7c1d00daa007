/** Indicators against figures of others: published ones to their printed precision, TA-Lib's own to 1e-9. */
import { describe, expect, test } from 'vitest';
import { computeIndicator } from '../../src/market/indicators/indicator.ts';
import type { IndicatorSpec } from '../../src/strategies/strategy.ts';
import talib from './fixtures/talib-252.json' with { type: 'json' };
import { windowOf } from './market-windows.ts';

const series = (spec: IndicatorSpec, close: readonly number[], output = 'value') =>
	computeIndicator(spec, windowOf({ close }))[output]!;

function expectFigures(actual: Float64Array, first: number, figures: readonly number[], precision: number): void {
	expect(actual.findIndex((value) => !Number.isNaN(value))).toBe(first);
	for (const [index, figure] of figures.entries()) {
		expect(Math.abs(actual[first + index]! - figure), `figure ${index}`).toBeLessThanOrEqual(precision);
	}
}

describe('TA-Lib on the same bars', () => {
	for (const { spec, output, first, at } of talib.series) {
		test(`${spec.name} ${output}`, () => {
			const actual = computeIndicator(spec as IndicatorSpec, windowOf(talib))[output]!;
			expect(actual).toHaveLength(252);
			expect(actual.findIndex((value) => !Number.isNaN(value))).toBe(first);
			for (const [index, figure] of Object.entries(at)) {
				const value = actual[Number(index)]!;
				expect(Math.abs(value - figure) / Math.max(Math.abs(figure), 1e-6), `bar ${index}`).toBeLessThan(1e-9);
			}
		});
	}
});

/** ChartSchool, "Relative Strength Index (RSI)", spreadsheet cs-rsi: QQQQ, 14 days. */
test('RSI equals the published StockCharts example', () => {
	const close = [
		44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328, 45.614,
		46.282, 46.282, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548,
		44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314,
	];
	const published = [
		70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38, 54.71, 50.42, 39.99, 41.46, 41.87, 45.46,
		37.3, 33.08, 37.77,
	];
	expectFigures(series({ name: 'rsi', period: 14 }, close), 14, published, 0.00501);
});

/** ChartSchool, "Moving Averages - Simple and Exponential", spreadsheet cs-movavg: INTC, 10 days. */
test('SMA and EMA equal the published StockCharts example', () => {
	const close = [
		22.27, 22.19, 22.08, 22.17, 22.18, 22.13, 22.23, 22.43, 22.24, 22.29, 22.15, 22.39, 22.38, 22.61, 23.36, 24.05,
		23.75, 23.83, 23.95, 23.63, 23.82, 23.87, 23.65, 23.19, 23.1, 23.33, 22.68, 23.1, 22.4, 22.17,
	];
	const ema = [
		22.22, 22.21, 22.24, 22.27, 22.33, 22.52, 22.8, 22.97, 23.13, 23.28, 23.34, 23.43, 23.51, 23.53, 23.47, 23.4, 23.39,
		23.26, 23.23, 23.08, 22.92,
	];
	const sma = [22.22, 22.21, 22.23, 22.26, 22.3, 22.42, 22.61, 22.77, 22.91, 23.08, 23.21, 23.38, 23.53, 23.65, 23.71];
	expectFigures(series({ name: 'ema', period: 10 }, close), 9, ema, 0.0101);
	expectFigures(series({ name: 'sma', period: 10 }, close), 9, sma, 0.0101);
});

/** ChartSchool, "Rate of Change (ROC)": Dow Industrials, 12 days. */
test('ROC equals the published StockCharts example', () => {
	const close = [
		11045.27, 11167.32, 11008.61, 11151.83, 10926.77, 10868.12, 10520.32, 10380.43, 10785.14, 10748.26, 10896.91,
		10782.95, 10620.16, 10625.83, 10510.95, 10444.37, 10068.01, 10193.39, 10066.57, 10043.75,
	];
	const published = [-3.85, -4.85, -4.52, -6.34, -7.86, -6.21, -4.31, -3.24];
	expectFigures(series({ name: 'roc', period: 12 }, close), 12, published, 0.00501);
});

/** The first bars and the expected values of TA-Lib's own regression tests: ta_regtest test_data.c, test_rsi.c, test_macd.c. */
test('RSI and MACD equal the figures of TA-Lib’s regression tests', () => {
	const close = [
		91.5, 94.815, 94.375, 95.095, 93.78, 94.625, 92.53, 92.75, 90.315, 92.47, 96.125, 97.25, 98.5, 89.875, 91, 92.815,
		89.155, 89.345, 91.625, 89.875, 88.375, 87.625, 84.78, 83, 83.5, 81.375, 84.44, 89.25, 86.375, 86.25, 85.25, 87.125,
		85.815, 88.97,
	];
	expectFigures(series({ name: 'rsi', period: 14 }, close), 14, [49.14, 52.32, 46.07], 0.0101);
	const macd: IndicatorSpec = { name: 'macd', fast: 12, slow: 26, signal: 9 };
	expectFigures(series(macd, close, 'macd'), 33, [-1.9738], 0.000051);
	expectFigures(series(macd, close, 'signal'), 33, [-2.7071], 0.000051);
});

describe('a market that never moves', () => {
	const still = windowOf({ close: new Array(120).fill(0.0000527) });
	const last = (spec: IndicatorSpec, output = 'value') => computeIndicator(spec, still)[output]!.at(-1);

	test('has no direction, no range and no deviation', () => {
		expect(last({ name: 'rsi', period: 14 })).toBe(0);
		expect(last({ name: 'atr', period: 14 })).toBe(0);
		expect(last({ name: 'zscore', period: 20 })).toBe(0);
		expect(last({ name: 'roc', period: 10 })).toBe(0);
		for (const output of ['adx', 'plus_di', 'minus_di']) expect(last({ name: 'adx', period: 14 }, output)).toBe(0);
	});

	test('stands in the middle of its volatility', () => {
		expect(last({ name: 'atr_percentile', period: 14, lookback: 50 })).toBe(50);
	});
});

test('the ATR percentile counts the share of earlier ranges below the present one', () => {
	const close = new Array(40).fill(100);
	const high = close.map((price, index) => price + index);
	const rising = computeIndicator({ name: 'atr_percentile', period: 2, lookback: 10 }, windowOf({ close, high }));
	expect(rising.value!.findIndex((value) => !Number.isNaN(value))).toBe(12);
	expect(rising.value!.at(-1)).toBe(100);
	const falling = computeIndicator(
		{ name: 'atr_percentile', period: 2, lookback: 10 },
		windowOf({ close, high: high.toReversed() }),
	);
	expect(falling.value!.at(-1)).toBe(0);
});
