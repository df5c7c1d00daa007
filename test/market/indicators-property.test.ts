/** What must hold for every indicator on every market. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computeIndicator, indicatorKey } from '../../src/market/indicators/indicator.ts';
import type { IndicatorSpec } from '../../src/strategies/strategy.ts';
import { randomWalk, recorded, slice } from './market-windows.ts';

const specs: readonly IndicatorSpec[] = [
	{ name: 'sma', period: 20 },
	{ name: 'ema', period: 21 },
	{ name: 'rsi', period: 14 },
	{ name: 'atr', period: 14 },
	{ name: 'adx', period: 14 },
	{ name: 'roc', period: 10 },
	{ name: 'zscore', period: 20 },
	{ name: 'bollinger', period: 20, deviations: 2 },
	{ name: 'macd', fast: 12, slow: 26, signal: 9 },
	{ name: 'atr_percentile', period: 14, lookback: 50 },
];

describe.each(specs)('$name', (spec) => {
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
		for (const column of Object.values(computeIndicator(spec, randomWalk(7, 200)))) {
			const first = column.findIndex((value) => !Number.isNaN(value));
			expect(first).toBeGreaterThan(0);
			expect(column.subarray(first).every(Number.isFinite)).toBe(true);
		}
	});

	test('scales with the price or not at all', () => {
		const walk = randomWalk(11, 200);
		const scaled = { ...walk };
		const factor = 2 ** -20;
		for (const name of ['open', 'high', 'low', 'close'] as const)
			scaled[name] = walk[name].map((price) => price * factor);
		const inPrice = ['sma', 'ema', 'atr', 'bollinger', 'macd'].includes(spec.name);
		const ofScaled = computeIndicator(spec, scaled);
		for (const [output, column] of Object.entries(computeIndicator(spec, walk))) {
			for (const [index, value] of column.entries()) {
				if (!Number.isNaN(value)) expect(ofScaled[output]![index]).toBeCloseTo(inPrice ? value * factor : value, 9);
			}
		}
	});
});

test('bounded indicators stay within their bounds', () => {
	fc.assert(
		fc.property(fc.nat(), fc.double({ min: 1e-6, max: 0.2, noNaN: true }), (seed, volatility) => {
			const walk = randomWalk(seed, 150, volatility);
			const outputs = [
				...Object.values(computeIndicator({ name: 'rsi', period: 14 }, walk)),
				...Object.values(computeIndicator({ name: 'adx', period: 14 }, walk)),
				...Object.values(computeIndicator({ name: 'atr_percentile', period: 14, lookback: 50 }, walk)),
			];
			for (const column of outputs) {
				for (const value of column) if (!Number.isNaN(value)) expect(value >= 0 && value <= 100 + 1e-9).toBe(true);
			}
		}),
		{ numRuns: 30 },
	);
});

test('equal specifications have equal keys, different ones different keys', () => {
	const keys = specs.map(indicatorKey);
	expect(new Set(keys).size).toBe(specs.length);
	expect(specs.map((spec) => indicatorKey({ ...spec }))).toEqual(keys);
});

const ada = recorded('ADA-BTC_5m', '5m');
test.skipIf(ada === null)('every value on recorded candles is a number once defined', () => {
	for (const spec of specs) {
		for (const column of Object.values(computeIndicator(spec, ada!))) {
			const first = column.findIndex((value) => !Number.isNaN(value));
			expect(column.subarray(first).every(Number.isFinite)).toBe(true);
		}
	}
});
