/**
 * The regime of one instrument and timeframe. Both axes have hysteresis: a state is entered at one threshold and left at a
 * laxer one, so that a market at the edge does not change its regime with every candle.
 *
 * | axis | state | entered | left |
 * |---|---|---|---|
 * | direction | TRENDING_UP, TRENDING_DOWN | ADX(14) ≥ 25 and slope beyond ±0.05 | ADX < 20, or the slope turns against it |
 * | direction | RANGING | otherwise | |
 * | volatility | HIGH | ATR percentile ≥ 80 | < 70 |
 * | volatility | LOW | ATR percentile ≤ 20 | > 30 |
 * | volatility | NORMAL | otherwise | |
 *
 * Slope: change of EMA(21) over 5 candles, in ATR(14) per candle. ATR percentile: ATR(14) among its last 100 values.
 * ADX 20 and 25 are Wilder's (1978); the others are botbox's own.
 */
import type { Regime, RegimeDirection, RegimeVolatility } from '../domain.ts';
import { historyOf } from '../strategies/history.ts';
import type { IndicatorSpec, MarketView } from '../strategies/strategy.ts';

const adxSpec: IndicatorSpec = { name: 'adx', period: 14 };
const emaSpec: IndicatorSpec = { name: 'ema', period: 21 };
const atrSpec: IndicatorSpec = { name: 'atr', period: 14 };
const percentileSpec: IndicatorSpec = { name: 'atr_percentile', period: 14, lookback: 100 };

export const regimeThresholds = {
	adxTrend: 25,
	adxTrendEnd: 20,
	slope: 0.05,
	slopeCandles: 5,
	high: 80,
	highEnd: 70,
	low: 20,
	lowEnd: 30,
} as const;

/** What a regime is told by, named as in the database. */
export interface RegimeFigures {
	/** 0 to 100. */
	readonly adx: number;
	/** In ATR per candle. */
	readonly slope: number;
	/** In price. */
	readonly atr: number;
	/** 0 to 100. */
	readonly atr_percentile: number;
}

/** Candles that a view must hold for its regime to be known. */
export const regimeHistory = historyOf([adxSpec, emaSpec, atrSpec, percentileSpec]);

/**
 * The regime at the last candle of `view` (whose own `regime` is not looked at), given the regime one candle before; null while
 * history is short. With `previous` null the entering thresholds alone decide.
 */
export function classifyRegime(view: MarketView, previous: Regime | null): Regime | null {
	const figures = measureRegime(view);
	if (figures === null) return null;
	return {
		direction: classifyDirection(figures.adx, figures.slope, previous?.direction ?? null),
		volatility: classifyVolatility(figures.atr_percentile, previous?.volatility ?? null),
	};
}

/** The figures at the last candle of `view`; null while history is short. */
export function measureRegime(view: MarketView): RegimeFigures | null {
	const adx = view.indicator(adxSpec).adx ?? null;
	const now = view.indicator(emaSpec).value ?? null;
	const before = view.indicator(emaSpec, regimeThresholds.slopeCandles).value ?? null;
	const atr = view.indicator(atrSpec).value ?? null;
	const percentile = view.indicator(percentileSpec).value ?? null;
	if (adx === null || now === null || before === null || atr === null || percentile === null) return null;
	const slope = atr > 0 ? (now - before) / regimeThresholds.slopeCandles / atr : 0;
	return { adx, slope, atr, atr_percentile: percentile };
}

/** `adx` 0 to 100, `slope` in ATR per candle. */
export function classifyDirection(adx: number, slope: number, previous: RegimeDirection | null): RegimeDirection {
	const { adxTrend, adxTrendEnd, slope: leastSlope } = regimeThresholds;
	if (previous === 'TRENDING_UP' && adx >= adxTrendEnd && slope > 0) return previous;
	if (previous === 'TRENDING_DOWN' && adx >= adxTrendEnd && slope < 0) return previous;
	if (adx < adxTrend || Math.abs(slope) < leastSlope) return 'RANGING';
	return slope > 0 ? 'TRENDING_UP' : 'TRENDING_DOWN';
}

/** `percentile` 0 to 100. */
export function classifyVolatility(percentile: number, previous: RegimeVolatility | null): RegimeVolatility {
	const { high, highEnd, low, lowEnd } = regimeThresholds;
	if (percentile >= (previous === 'HIGH' ? highEnd : high)) return 'HIGH';
	if (percentile <= (previous === 'LOW' ? lowEnd : low)) return 'LOW';
	return 'NORMAL';
}
