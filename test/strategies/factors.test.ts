/** Every factor: bounded, monotone in what it measures, blind to the future and to candles before its history. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMarketView } from '../../src/market/view.ts';
import { adxDirection } from '../../src/strategies/factors/adx-direction.ts';
import { bollingerPosition } from '../../src/strategies/factors/bollinger-position.ts';
import { emaCross } from '../../src/strategies/factors/ema-cross.ts';
import { emaSlope } from '../../src/strategies/factors/ema-slope.ts';
import { fadedInTrend } from '../../src/strategies/factors/faded-in-trend.ts';
import { macd } from '../../src/strategies/factors/macd.ts';
import { momentum } from '../../src/strategies/factors/momentum.ts';
import { rsiReversion } from '../../src/strategies/factors/rsi-reversion.ts';
import { zScore } from '../../src/strategies/factors/z-score.ts';
import type { Factor, IndicatorValue, MarketView } from '../../src/strategies/strategy.ts';
import { randomWalk, slice, windowOf } from '../market/market-windows.ts';

const atr = { atr_period: 14 };
const reversion = rsiReversion({ rsi_period: 14, rsi_oversold: 30 });
const fade = { adx_period: 14, adx_fade_from: 20, adx_fade_to: 40 };
const trendFactors: readonly Factor[] = [
	emaCross({ ...atr, ema_fast_period: 9, ema_slow_period: 21 }),
	emaSlope({ ...atr, ema_slow_period: 21, ema_slope_candles: 5 }),
	macd({ ...atr, macd_fast_period: 12, macd_slow_period: 26, macd_signal_period: 9 }),
	adxDirection({ adx_period: 14 }),
	momentum({ ...atr, roc_period: 10 }),
];
const reversionFactors: readonly Factor[] = [
	reversion,
	bollingerPosition({ bollinger_period: 20, bollinger_deviations: 2 }),
	zScore({ zscore_period: 50, zscore_full: 2 }),
];
const factors = [...trendFactors, ...reversionFactors, { ...fadedInTrend(reversion, fade), name: 'faded' }];

const scoreOf = (factor: Factor, walk: ReturnType<typeof randomWalk>) => factor.evaluate(createMarketView(walk, null));

describe.each(factors)('$name', (factor) => {
	test('lies in [-1, 1] on every market', () => {
		fc.assert(
			fc.property(fc.nat(), fc.double({ min: 1e-7, max: 0.3, noNaN: true }), (seed, volatility) => {
				const { value, score } = scoreOf(factor, randomWalk(seed, factor.history, volatility));
				expect(Number.isFinite(value)).toBe(true);
				expect(score! >= -1 && score! <= 1).toBe(true);
			}),
			{ numRuns: 40 },
		);
	});

	test('depends on exactly its history', () => {
		fc.assert(
			fc.property(fc.nat(), fc.integer({ min: 0, max: 200 }), (seed, older) => {
				const walk = randomWalk(seed, factor.history + older);
				expect(scoreOf(factor, slice(walk, older, walk.close.length))).toEqual(scoreOf(factor, walk));
			}),
			{ numRuns: 10 },
		);
	});

	test('is undefined with one candle less', () => {
		const walk = randomWalk(3, factor.history);
		expect(scoreOf(factor, slice(walk, 1, factor.history))).toEqual({ value: null, score: null });
	});

	test('says nothing about a market that never moves', () => {
		const still = windowOf({ close: new Array(factor.history).fill(0.0000527) });
		expect(scoreOf(factor, still).score).toBeCloseTo(0, 12);
	});
});

/** The walk with its last close (and the range that must hold it) moved by `share`. */
function withLastClose(walk: ReturnType<typeof randomWalk>, share: number) {
	const moved = slice(walk, 0, walk.close.length);
	const last = moved.close.length - 1;
	const close = moved.close[last]! * (1 + share);
	moved.close[last] = close;
	return moved;
}

const small = fc.double({ min: -0.003, max: 0.003, noNaN: true });

describe.each(trendFactors.filter(({ name }) => name !== 'adx_direction'))('$name', (factor) => {
	test('points up after a rise and down after a fall', () => {
		const line = (slope: number) => {
			const close = Array.from({ length: factor.history }, (_, index) => 100 * Math.exp(slope * index ** 1.5));
			return windowOf({ close, high: close.map((x) => x * 1.0005), low: close.map((x) => x * 0.9995) });
		};
		expect(scoreOf(factor, line(1e-5)).score).toBeGreaterThan(0);
		expect(scoreOf(factor, line(-1e-5)).score).toBeLessThan(0);
	});
});

describe.each(reversionFactors)('$name', (factor) => {
	test('never rises when the last close is higher', () => {
		fc.assert(
			fc.property(fc.nat(), small, small, (seed, one, other) => {
				const walk = randomWalk(seed, factor.history, 0.004);
				const [lower, higher] = [Math.min(one, other), Math.max(one, other)];
				const low = scoreOf(factor, withLastClose(walk, lower)).score!;
				const high = scoreOf(factor, withLastClose(walk, higher)).score!;
				expect(high).toBeLessThanOrEqual(low + 1e-12);
			}),
			{ numRuns: 60 },
		);
	});
});

/** A view that answers every indicator with `value`, and a last close of 100. */
const stub = (value: IndicatorValue): MarketView => ({
	candles: windowOf({ close: [99, 100] }),
	regime: null,
	indicator: () => value,
	timeframe: () => null,
	legs: [],
	funding: null,
});

describe('monotone in what they measure', () => {
	const adx = (plus_di: number, minus_di: number, strength: number) =>
		adxDirection({ adx_period: 14 }).evaluate(stub({ plus_di, minus_di, adx: strength })).score!;
	const percent = fc.double({ min: 0, max: 100, noNaN: true });

	test('adx_direction rises with +DI, falls with −DI, and opens with ADX', () => {
		fc.assert(
			fc.property(percent, percent, percent, percent, (one, other, fixed, strength) => {
				const [less, more] = [Math.min(one, other), Math.max(one, other)];
				expect(adx(more, fixed, strength)).toBeGreaterThanOrEqual(adx(less, fixed, strength));
				expect(adx(fixed, more, strength)).toBeLessThanOrEqual(adx(fixed, less, strength));
				expect(Math.abs(adx(fixed, strength, more))).toBeGreaterThanOrEqual(Math.abs(adx(fixed, strength, less)));
			}),
		);
		expect(adx(40, 10, 20)).toBe(0);
		expect(adx(40, 10, 25)).toBeCloseTo(0.5, 12);
		expect(adx(40, 10, 30)).toBe(1);
		expect(adx(10, 40, 30)).toBe(-1);
	});

	test('rsi_reversion falls with RSI: full at 30 and 70, none at 50', () => {
		const score = (value: number) => reversion.evaluate(stub({ value })).score!;
		fc.assert(
			fc.property(percent, percent, (one, other) => {
				expect((one - other) * (score(one) - score(other))).toBeLessThanOrEqual(0);
			}),
		);
		expect([score(20), score(30), score(50), score(60), score(70)]).toEqual([1, 1, 0, -0.5, -1]);
	});

	test('bollinger_position is full at the bands', () => {
		const score = (lower: number, upper: number) => reversionFactors[1]!.evaluate(stub({ lower, upper }));
		expect(score(100, 104)).toEqual({ value: 0, score: 1 });
		expect(score(98, 102)).toEqual({ value: 0.5, score: 0 });
		expect(score(90, 99)).toMatchObject({ score: -1 });
	});

	test('z_score is full at two deviations', () => {
		const score = (value: number) => reversionFactors[2]!.evaluate(stub({ value })).score!;
		expect([score(-3), score(-2), score(-1), score(1), score(2)]).toEqual([1, 1, 0.5, -0.5, -1]);
	});

	test('a faded factor shrinks as ADX rises and keeps its sign', () => {
		const plain: Factor = { name: 'plain', history: 1, evaluate: () => ({ value: 7, score: -0.8 }) };
		const faded = fadedInTrend(plain, fade);
		const score = (strength: number) => faded.evaluate(stub({ adx: strength })).score;
		expect(score(10)).toBe(-0.8);
		expect(score(20)).toBe(-0.8);
		expect(score(30)).toBeCloseTo(-0.4, 12);
		expect(score(40)).toBeCloseTo(0, 12);
		expect(score(80)).toBeCloseTo(0, 12);
		expect(faded.evaluate(stub({ adx: 30 })).value).toBe(7);
	});

	test('momentum is the change in ranges per root of time', () => {
		const values: Record<string, number> = { roc: 100 / 99 };
		const view = { ...stub({}), indicator: (spec: { name: string }) => ({ value: values[spec.name] ?? 0.5 }) };
		const { value, score } = momentum({ roc_period: 16, atr_period: 14 }).evaluate(view);
		expect(value).toBeCloseTo(1.0101, 4);
		expect(score).toBeCloseTo(1 / 0.5 / 4, 6);
	});
});
