/** What must hold for every indicator on every market. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computeIndicator, indicatorKey } from '../../src/market/indicators/indicator.ts';
import { everySpec, firstDefined } from './indicator-specs.ts';
import { randomWalk, recorded, slice } from './market-windows.ts';

describe.each(firstDefined.map(([spec, first]) => [indicatorKey(spec), spec, first] as const))(
	'%s',
	(_, spec, first) => {
		test('does not look ahead: the series of a prefix is the prefix of the series', () => {
			fc.assert(
				fc.property(fc.nat(), fc.integer({ min: 0, max: 200 }), (seed, length) => {
					const walk = randomWalk(seed, 200);
					const whole = computeIndicator(spec, walk);
					for (const [output, column] of Object.entries(computeIndicator(spec, slice(walk, 0, length)))) {
						expect(column).toEqual(whole[output]!.subarray(0, length));
					}
				}),
				{ numRuns: 30 },
			);
		});

		test('is undefined at first, then defined for good', () => {
			const columns = Object.values(computeIndicator(spec, randomWalk(7, 200)));
			const defined = columns[0]!.map((_, index) =>
				columns.every((column) => Number.isFinite(column[index])) ? 1 : 0,
			);
			expect(defined.indexOf(1)).toBe(first);
			expect(defined.subarray(first).every((value) => value === 1)).toBe(true);
			for (const column of columns)
				expect(column.every((value) => Number.isNaN(value) || Number.isFinite(value))).toBe(true);
		});

		test('scales with the price or not at all', () => {
			const walk = randomWalk(11, 200);
			const scaled = { ...walk };
			const factor = 2 ** -20;
			for (const name of ['open', 'high', 'low', 'close'] as const)
				scaled[name] = walk[name].map((price) => price * factor);
			const inPrice = ['sma', 'ema', 'atr', 'bollinger', 'macd', 'donchian', 'vwap'].includes(spec.name);
			const ofScaled = computeIndicator(spec, scaled);
			for (const [output, column] of Object.entries(computeIndicator(spec, walk))) {
				for (const [index, value] of column.entries()) {
					if (!Number.isNaN(value)) expect(ofScaled[output]![index]).toBeCloseTo(inPrice ? value * factor : value, 9);
				}
			}
		});
	},
);

test('bounded indicators stay within their bounds', () => {
	fc.assert(
		fc.property(fc.nat(), fc.double({ min: 1e-6, max: 0.2, noNaN: true }), (seed, volatility) => {
			const walk = randomWalk(seed, 150, volatility);
			const outputs = [
				...Object.values(computeIndicator({ name: 'rsi', period: 14 }, walk)),
				...Object.values(computeIndicator({ name: 'adx', period: 14 }, walk)),
				...Object.values(computeIndicator({ name: 'stochastic', period: 14, smooth: 3, signal: 3 }, walk)),
				...Object.values(computeIndicator({ name: 'atr_percentile', period: 14, lookback: 50 }, walk)),
			];
			for (const column of outputs) {
				for (const value of column) if (!Number.isNaN(value)) expect(value >= 0 && value <= 100 + 1e-9).toBe(true);
			}
		}),
		{ numRuns: 30 },
	);
});

test('a channel holds its closes, and its candles narrow it in turn', () => {
	fc.assert(
		fc.property(fc.nat(), (seed) => {
			const walk = randomWalk(seed, 60);
			const { upper, middle, lower } = computeIndicator({ name: 'donchian', period: 10 }, walk);
			for (let index = 9; index < 60; index += 1) {
				expect(upper![index]).toBe(Math.max(...walk.high.subarray(index - 9, index + 1)));
				expect(lower![index]).toBe(Math.min(...walk.low.subarray(index - 9, index + 1)));
				expect(middle![index]).toBe((upper![index]! + lower![index]!) / 2);
			}
		}),
		{ numRuns: 10 },
	);
});

test('equal specifications have equal keys, different ones different keys', () => {
	const keys = everySpec.map(indicatorKey);
	expect(new Set(keys).size).toBe(everySpec.length);
	expect(everySpec.map((spec) => indicatorKey({ ...spec }))).toEqual(keys);
});

const files = [
	['ADA-BTC_5m', '5m'],
	['ETH-BTC_5m', '5m'],
	['UNITTEST-BTC_1m', '1m'],
	['XRP-USDT-USDT_5m', '5m'],
] as const;

describe.each(files)('recorded candles of %s', (name, timeframe) => {
	const window = recorded(name, timeframe);
	test.skipIf(window === null)('every value is a number once defined', () => {
		for (const spec of everySpec) {
			for (const [output, column] of Object.entries(computeIndicator(spec, window!))) {
				const first = column.findIndex((value) => !Number.isNaN(value));
				expect(
					column.subarray(first).findIndex((value) => !Number.isFinite(value)),
					`${indicatorKey(spec)} ${output}`,
				).toBe(-1);
			}
		}
	});
});
