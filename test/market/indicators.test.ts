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

/** ChartSchool, "Stochastic Oscillator", spreadsheet cs-soo: 14 days; the fast %K of every close from the fourteenth on. */
test('Stochastic equals the published StockCharts example', () => {
	const high = [
		127.009, 127.6159, 126.5911, 127.3472, 128.173, 128.4317, 127.3671, 126.422, 126.8995, 126.8498, 125.646, 125.7156,
		127.1582, 127.7154, 127.6855, 128.2228, 128.2725, 128.0934, 128.2725, 127.7353, 128.77, 129.2873, 130.0633,
		129.1182, 129.2873, 128.4715, 128.0934, 128.6506, 129.1381, 128.6406,
	];
	const low = [
		125.3574, 126.1633, 124.9296, 126.0937, 126.8199, 126.4817, 126.034, 124.8301, 126.3921, 125.7156, 124.5615,
		124.5715, 125.0689, 126.8597, 126.6309, 126.8001, 126.7105, 126.8001, 126.1335, 125.9245, 126.9891, 127.8148,
		128.4715, 128.0641, 127.6059, 127.596, 126.999, 126.8995, 127.4865, 127.397,
	];
	const close = [
		...low.slice(0, 13),
		...[127.2876, 127.1781, 128.0138, 127.1085, 127.7253, 127.0587, 127.3273, 128.7103, 127.8745, 128.5809, 128.6008],
		...[127.9342, 128.1133, 127.596, 127.596, 128.6904, 128.2725],
	];
	const fast = [
		70.4382, 67.6089, 89.2021, 65.8106, 81.7477, 64.5238, 74.5298, 98.5814, 70.1045, 73.0561, 73.4178, 61.2313, 60.9563,
		40.3861, 40.3861, 66.8285, 56.7314,
	];
	const window = windowOf({ close, high, low });
	const bare = computeIndicator({ name: 'stochastic', period: 14, smooth: 1, signal: 1 }, window);
	expectFigures(bare.k!, 13, fast, 0.000051);
	expect(bare.d).toEqual(bare.k);
	const slow = computeIndicator({ name: 'stochastic', period: 14, smooth: 3, signal: 3 }, window);
	expect(slow.k![17]).toBeCloseTo((89.2021 + 65.8106 + 81.7477) / 3, 3);
	expect(slow.d![17]).toBeCloseTo(
		(slow.k![17]! + (70.4382 + 67.6089 + 89.2021 + 67.6089 + 89.2021 + 65.8106) / 3) / 3,
		3,
	);
});

/** Investopedia, "On-Balance Volume": ten days. The example starts at zero, TA-Lib's series at the first day's volume. */
test('OBV equals the published Investopedia example', () => {
	const close = [10, 10.15, 10.17, 10.13, 10.11, 10.15, 10.2, 10.2, 10.22, 10.21];
	const volume = [25_200, 30_000, 25_600, 32_000, 23_000, 40_000, 36_000, 20_500, 23_000, 27_500];
	const published = [0, 30_000, 55_600, 23_600, 600, 40_600, 76_600, 76_600, 99_600, 72_100];
	const window = windowOf({ close, volume });
	const whole = computeIndicator({ name: 'obv' }, window).value!;
	expect([...whole]).toEqual(published.map((figure) => figure + 25_200));
	const overThree = computeIndicator({ name: 'obv', period: 3 }, window).value!;
	expect([...overThree.subarray(0, 3)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
	expect([...overThree.subarray(3)]).toEqual(published.slice(3).map((figure, index) => figure - published[index]!));
});

describe('VWAP', () => {
	const hour = 3_600_000;
	const vwapOf = (openAt: readonly number[], close: readonly number[], volume: readonly number[]) => {
		const high = close.map((price) => price + 2);
		const low = close.map((price) => price - 1);
		const window = {
			...windowOf({ close, high, low, volume }, '1h'),
			openAt: Float64Array.from(openAt, (at) => at * hour),
		};
		return [...computeIndicator({ name: 'vwap' }, window).value!];
	};
	const none = Number.NaN;

	test('weighs typical prices by volume from 00:00 UTC on, and begins again the next day', () => {
		// Typical price: close + 1/3.
		const figures = vwapOf([22, 23, 24, 25, 48, 49], [100, 110, 120, 130, 140, 150], [1, 3, 2, 2, 1, 4]);
		expect(figures.slice(0, 2)).toEqual([none, none]);
		const expected = [120, 125, 140, (140 + 4 * 150) / 5].map((price) => price + 1 / 3);
		for (const [index, figure] of expected.entries()) expect(figures[index + 2]).toBeCloseTo(figure, 10);
	});

	test('a session whose beginning is not in the window has none', () => {
		expect(vwapOf([1, 2, 3], [100, 110, 120], [1, 1, 1])).toEqual([none, none, none]);
		expect(vwapOf([0, 2, 3], [100, 110, 120], [1, 1, 1]).every(Number.isFinite)).toBe(true);
	});

	test('where midnight is missing the first candle after it begins the session', () => {
		expect(vwapOf([21, 26, 27], [100, 110, 120], [1, 1, 1])[2]).toBeCloseTo(115 + 1 / 3, 10);
	});

	test('a session without volume has none, and a candle without volume changes nothing', () => {
		const figures = vwapOf([0, 1, 2, 3], [100, 110, 120, 130], [0, 0, 2, 0]);
		expect(figures.slice(0, 2)).toEqual([none, none]);
		expect(figures[2]).toBeCloseTo(120 + 1 / 3, 10);
		expect(figures[3]).toBe(figures[2]);
	});
});

test('realised volatility is the sample deviation of log returns', () => {
	const returns = [0.01, -0.02, 0.03, 0, -0.01, 0.02];
	let price = 50;
	const close = [price, ...returns.map((change) => (price *= Math.exp(change)))];
	const actual = series({ name: 'realised_volatility', period: 4 }, close);
	for (let end = 4; end <= returns.length; end += 1) {
		const last = returns.slice(end - 4, end);
		const mean = last.reduce((sum, change) => sum + change, 0) / 4;
		const variance = last.reduce((sum, change) => sum + (change - mean) ** 2, 0) / 3;
		expect(actual[end]).toBeCloseTo(Math.sqrt(variance), 12);
	}
});

test('parameters that define no value are refused', () => {
	const window = windowOf({ close: [1, 2, 3] });
	expect(() => computeIndicator({ name: 'macd', fast: 26, slow: 12, signal: 9 }, window)).toThrow(RangeError);
	expect(() => computeIndicator({ name: 'realised_volatility', period: 1 }, window)).toThrow(RangeError);
});

describe('a market that never moves', () => {
	const still = windowOf({ close: new Array(120).fill(0.0000527) });
	const last = (spec: IndicatorSpec, output = 'value') => computeIndicator(spec, still)[output]!.at(-1);

	test('has no direction, no range and no deviation', () => {
		expect(last({ name: 'rsi', period: 14 })).toBe(0);
		expect(last({ name: 'atr', period: 14 })).toBe(0);
		expect(last({ name: 'zscore', period: 20 })).toBe(0);
		expect(last({ name: 'roc', period: 10 })).toBe(0);
		expect(last({ name: 'realised_volatility', period: 20 })).toBe(0);
		expect(last({ name: 'volume_zscore', period: 20 })).toBe(0);
		expect(last({ name: 'obv', period: 20 })).toBe(0);
		// TA-Lib's STOCH gives 0 where the highest high is the lowest low.
		for (const output of ['k', 'd'])
			expect(last({ name: 'stochastic', period: 14, smooth: 3, signal: 3 }, output)).toBe(0);
		for (const output of ['upper', 'middle', 'lower']) {
			expect(last({ name: 'donchian', period: 20 }, output)).toBe(0.0000527);
		}
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
