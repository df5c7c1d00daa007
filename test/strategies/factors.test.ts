/** What each factor measures: the direction of its score, and figures. What holds for all is in factor-properties.test.ts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMarketView } from '../../src/market/view.ts';
import { adxDirection } from '../../src/strategies/factors/adx-direction.ts';
import { basis } from '../../src/strategies/factors/basis.ts';
import { bollingerPosition } from '../../src/strategies/factors/bollinger-position.ts';
import { donchianBreakout } from '../../src/strategies/factors/donchian-breakout.ts';
import { emaCross } from '../../src/strategies/factors/ema-cross.ts';
import { emaSlope } from '../../src/strategies/factors/ema-slope.ts';
import { fadedInTrend } from '../../src/strategies/factors/faded-in-trend.ts';
import { fundingRate } from '../../src/strategies/factors/funding-rate.ts';
import { higherTimeframe } from '../../src/strategies/factors/higher-timeframe.ts';
import { macd } from '../../src/strategies/factors/macd.ts';
import { momentum } from '../../src/strategies/factors/momentum.ts';
import { rsiReversion } from '../../src/strategies/factors/rsi-reversion.ts';
import { stochasticReversion } from '../../src/strategies/factors/stochastic-reversion.ts';
import { gatedByVolatility, volatility } from '../../src/strategies/factors/volatility.ts';
import { volumeConfirmation } from '../../src/strategies/factors/volume-confirmation.ts';
import { vwapDeviation } from '../../src/strategies/factors/vwap-deviation.ts';
import { zScore } from '../../src/strategies/factors/z-score.ts';
import type { Factor, IndicatorValue, MarketView } from '../../src/strategies/strategy.ts';
import { randomWalk, slice, windowOf } from '../market/market-windows.ts';
import { withVolume } from './moments.ts';

const atr = { atr_period: 14 };
const reversion = rsiReversion({ rsi_period: 14, rsi_oversold: 30 });
const fade = { adx_period: 14, adx_fade_from: 20, adx_fade_to: 40 };
const trendFactors: readonly Factor[] = [
	emaCross({ ...atr, ema_fast_period: 9, ema_slow_period: 21 }),
	emaSlope({ ...atr, ema_slow_period: 21, ema_slope_candles: 5 }),
	macd({ ...atr, macd_fast_period: 12, macd_slow_period: 26, macd_signal_period: 9 }),
	adxDirection({ adx_period: 14 }),
	momentum({ ...atr, roc_period: 10 }),
	donchianBreakout({ donchian_period: 20 }),
];
const reversionFactors: readonly Factor[] = [
	reversion,
	bollingerPosition({ bollinger_period: 20, bollinger_deviations: 2 }),
	zScore({ zscore_period: 50, zscore_full: 2 }),
	stochasticReversion({ stochastic_period: 14, stochastic_smooth: 3, stochastic_oversold: 20 }),
	vwapDeviation({ ...atr, timeframe: '5m', vwap_timeframe: '5m', vwap_full: 0.75 }),
];

const scoreOf = (factor: Factor, walk: ReturnType<typeof randomWalk>) => factor.evaluate(createMarketView(walk, null));

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

	test('donchian_breakout begins half-way from the middle of the channel and is full at its edge', () => {
		const score = (lower: number, upper: number) =>
			donchianBreakout({ donchian_period: 20 }).evaluate(stub({ lower, upper }));
		expect(score(99, 101)).toEqual({ value: 0, score: 0 });
		expect(score(99.5, 100.1)).toMatchObject({ score: expect.closeTo(1 / 3, 9) });
		expect(score(98, 100)).toEqual({ value: 1, score: 1 });
		expect(score(90, 96).value).toBeCloseTo(7 / 3, 9);
		expect(score(101, 103)).toMatchObject({ score: -1 });
		// A market that stood still and moves has left its channel, which has no width.
		expect(score(99, 99)).toEqual({ value: 1, score: 1 });
		expect(score(100, 100)).toEqual({ value: 0, score: 0 });
	});

	test('donchian_breakout measures against the channel before the last candle', () => {
		const asked: unknown[] = [];
		const indicator = (_: unknown, back?: number) => {
			asked.push(back);
			return { upper: 101, lower: 99 };
		};
		donchianBreakout({ donchian_period: 20 }).evaluate({ ...stub({}), indicator });
		expect(asked).toEqual([1]);
	});

	test('stochastic_reversion is full at 20 and 80, and none where a range it averages has no width', () => {
		const factor = stochasticReversion({ stochastic_period: 14, stochastic_smooth: 3, stochastic_oversold: 20 });
		const score = (k: number, flatAt = -1) =>
			factor.evaluate({
				...stub({}),
				indicator: ({ name }, back = 0) =>
					name === 'stochastic' ? { k, d: 50 } : { lower: 99, upper: back === flatAt ? 99 : 101 },
			}).score;
		expect([score(10), score(20), score(35), score(50), score(80)]).toEqual([1, 1, 0.5, 0, -1]);
		expect([score(10, 0), score(10, 2), score(10, 3)]).toEqual([0, 0, 1]);
	});

	test('volume_confirmation has the direction of the move and grows with volume', () => {
		const factor = volumeConfirmation({ volume_period: 30, volume_candles: 2, volume_full: 1 });
		const score = (close: number[], value: number) =>
			factor.evaluate({ ...stub({ value }), candles: windowOf({ open: [98, 100, 101], close }) }).score;
		// Of the last two candles: from 100 to 102, between 98 and 102 as their closes are their ranges.
		expect(score([100, 98, 102], 0.5)).toBeCloseTo(0.25, 12);
		expect(score([100, 98, 102], 1)).toBeCloseTo(0.5, 12);
		expect(score([100, 98, 102], 4)).toBeCloseTo(0.5, 12);
		expect(score([100, 102, 98], 1)).toBeCloseTo(-0.5, 12);
		expect(score([100, 98, 102], -1)).toBeCloseTo(0, 12);
		fc.assert(
			fc.property(fc.nat(), fc.double({ min: 1, max: 50, noNaN: true }), (seed, times) => {
				const walk = withVolume(randomWalk(seed, factor.history), seed);
				const more = { ...walk, volume: walk.volume.slice() };
				more.volume[more.volume.length - 1]! *= times;
				const [before, after] = [scoreOf(factor, walk).score!, scoreOf(factor, more).score!];
				expect(Math.abs(after)).toBeGreaterThanOrEqual(Math.abs(before) - 1e-12);
				expect(before * after).toBeGreaterThanOrEqual(0);
			}),
		);
	});

	test('volatility favours wild or calm markets, full at twice or half of the usual', () => {
		const periods = { volatility_fast_period: 20, volatility_slow_period: 100 };
		const at = (fast: number, slow: number, favours: 'WILD' | 'CALM') =>
			volatility({ ...periods, volatility_favours: favours }).evaluate({
				...stub({}),
				indicator: (spec) => ({ value: 'period' in spec && spec.period === 20 ? fast : slow }),
			});
		expect(at(0.002, 0.001, 'WILD')).toEqual({ value: 2, score: 1 });
		expect(at(0.002, 0.001, 'CALM').score).toBe(-1);
		expect(at(0.0005, 0.001, 'WILD').score).toBe(-1);
		expect(at(0.001, 0.001, 'WILD').score).toBeCloseTo(0, 12);
		expect(at(0, 0.001, 'WILD')).toEqual({ value: 0, score: -1 });
		fc.assert(
			fc.property(percent, percent, (one, other) => {
				const rise = at(Math.max(one, other), 50, 'WILD').score! - at(Math.min(one, other), 50, 'WILD').score!;
				expect(rise).toBeGreaterThanOrEqual(0);
			}),
		);
	});

	test('a gated factor keeps its score at ordinary volatility, loses it in the other kind of market', () => {
		const plain: Factor = { name: 'plain', history: 1, evaluate: () => ({ value: 7, score: -0.8 }) };
		const gated = (fast: number) =>
			gatedByVolatility(plain, {
				volatility_fast_period: 20,
				volatility_slow_period: 100,
				volatility_favours: 'WILD',
			}).evaluate({
				...stub({}),
				indicator: (spec) => ({ value: 'period' in spec && spec.period === 20 ? fast : 1 }),
			});
		expect([gated(4), gated(1)]).toEqual([plain.evaluate(stub({})), plain.evaluate(stub({}))]);
		expect(gated(2 ** -0.5).score).toBeCloseTo(-0.4, 12);
		expect(gated(0.5)).toMatchObject({ value: 7, score: expect.closeTo(0, 12) });
	});

	test('funding_rate stands against the side that pays', () => {
		const factor = fundingRate({ funding_settlements: 2, funding_full: 0.0004 });
		const at = (...rate: number[]) =>
			factor.evaluate({
				...stub({}),
				// The last candle of the view closes at ten minutes.
				funding: { rate: Float64Array.from(rate), fundingAt: Float64Array.from(rate, (_, index) => index * 300_000) },
			});
		expect(at(0.0001, 0.0003)).toEqual({ value: expect.closeTo(0.0002, 12), score: expect.closeTo(-0.5, 9) });
		expect(at(-0.0005, -0.0005).score).toBe(1);
		expect(at(0.0001, 0.0003, 0.0005).score).toBeCloseTo(-1, 9);
		expect(at(0.0001, 0.0003, 0.0005, 0.0009)).toEqual(at(0.0001, 0.0003, 0.0005));
		expect(at(0.0001)).toEqual({ value: null, score: null });
		expect(factor.evaluate(stub({}))).toEqual({ value: null, score: null });
	});

	test('basis is the premium of the second leg, of the same time only', () => {
		const factor = basis({ basis_full: 0.01 });
		const at = (close: number[], opened = 0) => {
			const candles = windowOf({ close });
			const openAt = candles.openAt.map((time) => time + opened);
			return factor.evaluate({ ...stub({}), legs: [{ ...stub({}), candles: { ...candles, openAt } }] });
		};
		expect(at([100, 100.5])).toEqual({ value: expect.closeTo(0.005, 12), score: expect.closeTo(0.5, 9) });
		expect(at([100, 99.5]).score).toBeCloseTo(-0.5, 9);
		expect(at([100, 120]).score).toBe(1);
		expect(at([100, 100.5], 300_000)).toEqual({ value: null, score: null });
		expect(factor.evaluate(stub({}))).toEqual({ value: null, score: null });
	});

	test('higher_timeframe is the distance of its averages as a share of its range, by that timeframe alone', () => {
		const factor = higherTimeframe({ higher_timeframe: '1h', higher_fast_period: 5, higher_slow_period: 20 });
		expect(factor.furtherWindows).toEqual([{ timeframe: '1h', history: 36 }]);
		const at = (fast: number, slow: number, width = 4) =>
			factor.evaluate({
				...stub({ value: 1 }),
				timeframe: (timeframe) =>
					timeframe !== '1h'
						? null
						: {
								candles: windowOf({ close: [100] }, '1h'),
								indicator: (spec) =>
									spec.name === 'donchian'
										? { upper: 100 + width, middle: 100, lower: 100 }
										: { value: 'period' in spec && spec.period === 5 ? fast : slow },
							},
			});
		expect(at(102.5, 102)).toEqual({ value: 0.125, score: 0.5 });
		expect(at(100, 102).score).toBe(-1);
		expect(at(100, 100, 0)).toEqual({ value: 0, score: 0 });
		fc.assert(
			fc.property(percent, percent, percent, (one, other, slow) => {
				const fall = at(Math.min(one, other), slow).score! - at(Math.max(one, other), slow).score!;
				expect(fall).toBeLessThanOrEqual(0);
			}),
		);
		const none = higherTimeframe({ higher_timeframe: null, higher_fast_period: 5, higher_slow_period: 20 });
		expect(none.furtherWindows).toEqual([]);
		expect(none.evaluate(stub({ value: 1 }))).toEqual({ value: null, score: null });
	});

	test('vwap_deviation shrinks with the age of the session, in which a market wanders further', () => {
		const factor = vwapDeviation({ ...atr, timeframe: '5m', vwap_timeframe: '15m', vwap_full: 0.5 });
		const at = (age: number) => {
			const openAt = Float64Array.from([86_400_000 + (age - 1) * 900_000]);
			const session = { candles: { ...windowOf({ close: [1] }, '15m'), openAt }, indicator: () => ({ value: 99 }) };
			return factor.evaluate({
				...stub({ value: 2 }),
				timeframe: (timeframe) => (timeframe === '15m' ? session : null),
			});
		};
		// One dollar above the VWAP, at an average range of two, after three and after twelve candles of five minutes.
		expect(at(1)).toEqual({
			value: expect.closeTo(0.5 / Math.sqrt(3), 12),
			score: expect.closeTo(-1 / Math.sqrt(3), 12),
		});
		expect(at(4).score).toBeCloseTo(-1 / Math.sqrt(12), 12);
	});
});
