/** What holds for every factor: bounded, blind to the future and to candles before its history, without a scale, symmetric. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { timeframeMs } from '../../src/domain.ts';
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
import type { CandleWindow, Factor, FundingRates } from '../../src/strategies/strategy.ts';
import { randomWalk, slice } from '../market/market-windows.ts';
import { History, type Needs, viewAt, withVolume } from './moments.ts';

const atr = { atr_period: 14 };
const breakout = donchianBreakout({ donchian_period: 20 });
const oversold = stochasticReversion({ stochastic_period: 14, stochastic_smooth: 3, stochastic_oversold: 20 });
const calm = { volatility_fast_period: 20, volatility_slow_period: 100, volatility_favours: 'CALM' } as const;
const session = { ...atr, timeframe: '5m', vwap_full: 0.75 } as const;
const directional: readonly Factor[] = [
	emaCross({ ...atr, ema_fast_period: 9, ema_slow_period: 21 }),
	emaSlope({ ...atr, ema_slow_period: 21, ema_slope_candles: 5 }),
	macd({ ...atr, macd_fast_period: 12, macd_slow_period: 26, macd_signal_period: 9 }),
	adxDirection({ adx_period: 14 }),
	momentum({ ...atr, roc_period: 10 }),
	breakout,
	rsiReversion({ rsi_period: 14, rsi_oversold: 30 }),
	bollingerPosition({ bollinger_period: 20, bollinger_deviations: 2 }),
	zScore({ zscore_period: 50, zscore_full: 2 }),
	oversold,
	volumeConfirmation({ volume_period: 30, volume_candles: 3, volume_full: 1 }),
	higherTimeframe({ higher_timeframe: '15m', higher_fast_period: 5, higher_slow_period: 20 }),
	vwapDeviation({ ...session, vwap_timeframe: '15m' }),
	{ ...vwapDeviation({ ...session, vwap_timeframe: '5m' }), name: 'vwap_deviation of its own candles' },
	{ ...fadedInTrend(oversold, { adx_period: 14, adx_fade_from: 20, adx_fade_to: 40 }), name: 'faded in trend' },
];
const funding = fundingRate({ funding_settlements: 3, funding_full: 0.0005 });
const pair = basis({ basis_full: 0.002 });
const factors: readonly Factor[] = [
	...directional,
	volatility({ ...calm, volatility_favours: 'WILD' }),
	{ ...gatedByVolatility(breakout, calm), name: 'gated by volatility' },
	funding,
	pair,
];

/** Candles of five minutes that every factor needs, whatever part of a longer candle or of a day the last one ends. */
const enough = 3 * 112 + 500;
const own = timeframeMs['5m'];
const closeOf = (walk: CandleWindow) => walk.openAt.at(-1)! + own;

interface Scene {
	readonly walk: CandleWindow;
	readonly leg: CandleWindow;
	readonly rates: FundingRates;
}

/** A market to look at: candles, another leg a little off, and funding every eight hours with something yet to come. */
function marketOf(seed: number, length = enough, share = 0.002): Scene {
	const walk = withVolume(randomWalk(seed, length, share), seed);
	const leg = { ...walk, close: walk.close.map((close, index) => close * (1 + 0.001 * Math.sin(seed + index))) };
	const fundingAt = Float64Array.from({ length: 40 }, (_, index) => index * timeframeMs['1h'] * 8);
	const rates: FundingRates = { fundingAt, rate: fundingAt.map((_, index) => 0.0004 * Math.sin(seed + 2 * index)) };
	return { walk, leg, rates };
}

/** The factor at the close of the last candle that `at` allows, on the candles it asks for and `older` ones. */
function look(factor: Factor, { walk, leg, rates }: Scene, at = closeOf(walk), older = 0) {
	const more = (needs: Needs): Needs => ({
		history: needs.history + older,
		furtherWindows: (needs.furtherWindows ?? []).map((need) => ({ ...need, history: need.history + older })),
	});
	const until = walk.openAt.findLastIndex((openAt) => openAt + own <= at) + 1;
	const legs = [slice(leg, 0, until)];
	return factor.evaluate(viewAt(new History(walk), at, '5m', more(factor), { funding: rates, legs }));
}

/** Every price and volume of `scene` by a factor. */
function scaled({ walk, leg, rates }: Scene, price: number, volume: number): Scene {
	const by = (window: CandleWindow): CandleWindow => ({
		...window,
		open: window.open.map((x) => x * price),
		high: window.high.map((x) => x * price),
		low: window.low.map((x) => x * price),
		close: window.close.map((x) => x * price),
		volume: window.volume.map((x) => x * volume),
	});
	return { walk: by(walk), leg: by(leg), rates };
}

describe.each(factors)('$name', (factor) => {
	test('lies in [-1, 1] on every market', () => {
		fc.assert(
			fc.property(fc.nat(), fc.double({ min: 1e-7, max: 0.3, noNaN: true }), (seed, share) => {
				const { value, score } = look(factor, marketOf(seed, enough, share));
				expect(Number.isFinite(value)).toBe(true);
				expect(score! >= -1 && score! <= 1).toBe(true);
			}),
			{ numRuns: 30 },
		);
	});

	test('depends on no candle before its history, of any timeframe', () => {
		fc.assert(
			fc.property(fc.nat(), fc.integer({ min: 1, max: 100 }), (seed, older) => {
				const scene = marketOf(seed, enough + 300);
				expect(look(factor, scene, undefined, older)).toEqual(look(factor, scene));
			}),
			{ numRuns: 10 },
		);
	});

	test('does not change when later candles and settlements come', () => {
		fc.assert(
			fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 40 }), (seed, other, later) => {
				const scene = marketOf(seed);
				const at = closeOf(scene.walk) - later * own;
				const past = look(factor, scene, at);
				expect(past.score).not.toBeNull();
				const changed = withFuture(scene, marketOf(other), at);
				expect(look(factor, changed, at)).toEqual(past);
			}),
			{ numRuns: 15 },
		);
	});

	test('has no scale: neither the unit of price nor that of volume matters', () => {
		fc.assert(
			fc.property(
				fc.nat(),
				fc.integer({ min: -20, max: 20 }),
				fc.integer({ min: -9, max: 9 }),
				(seed, price, volume) => {
					const scene = marketOf(seed);
					const other = scaled(scene, 3 ** price, 3 ** volume);
					expect(look(factor, other).score).toBeCloseTo(look(factor, scene).score!, 7);
				},
			),
			{ numRuns: 15 },
		);
	});

	test('says nothing about a market that never moves', () => {
		const { walk, rates } = marketOf(1);
		const flat = walk.close.map(() => 0.0000527);
		const still = { ...walk, open: flat, high: flat, low: flat, close: flat, volume: flat };
		const scene = { walk: still, leg: still, rates: { ...rates, rate: rates.rate.map(() => 0) } };
		expect(look(factor, scene).score).toBeCloseTo(0, 12);
	});

	test('is undefined with a candle less than it asks for, of any timeframe', () => {
		const { walk } = marketOf(3);
		const at = closeOf(walk);
		const nothing = { value: null, score: null };
		const needs = [{ timeframe: '5m', history: factor.history } as const, ...(factor.furtherWindows ?? [])];
		for (const short of needs.filter(({ history }) => history > 1)) {
			const [first, ...further] = needs.map((need) => (need === short ? { ...need, history: need.history - 1 } : need));
			const view = viewAt(new History(walk), at, '5m', { history: first!.history, furtherWindows: further });
			expect(factor.evaluate(view)).toEqual(nothing);
		}
		const alone = viewAt(new History(walk), at, '5m', { history: factor.history });
		if (factor.furtherWindows?.length || factor.readsFunding || factor.name === 'basis')
			expect(factor.evaluate(alone)).toEqual(nothing);
	});
});

describe.each(directional)('$name', (factor) => {
	test('turns its sign in a mirrored market', () => {
		fc.assert(
			fc.property(fc.nat(), (seed) => {
				const scene = marketOf(seed, enough, 0.0005);
				const flip = (column: Float64Array) => column.map((price) => 200 - price);
				const { open, high, low, close } = scene.walk;
				const mirrored = { ...scene.walk, open: flip(open), high: flip(low), low: flip(high), close: flip(close) };
				expect(look(factor, { ...scene, walk: mirrored }).score).toBeCloseTo(-look(factor, scene).score!, 8);
			}),
			{ numRuns: 15 },
		);
	});
});

/** `scene` up to `at`, and `other` afterwards. */
function withFuture(scene: Scene, other: Scene, at: number): Scene {
	const follow = (window: CandleWindow, later: CandleWindow): CandleWindow => {
		const column = (name: 'open' | 'high' | 'low' | 'close' | 'volume') =>
			window[name].map((value, index) => (window.openAt[index]! + own <= at ? value : later[name][index]! * 1.5));
		return {
			...window,
			open: column('open'),
			high: column('high'),
			low: column('low'),
			close: column('close'),
			volume: column('volume'),
		};
	};
	const { fundingAt, rate } = scene.rates;
	return {
		walk: follow(scene.walk, other.walk),
		leg: follow(scene.leg, other.leg),
		rates: { fundingAt, rate: rate.map((value, index) => (fundingAt[index]! <= at ? value : -7 * value)) },
	};
}
