/** Indicators that measure by standard deviations. All look at the last `period` values and at no others. */
import { BollingerBands, getAverage, getStandardDeviation, pushUpdate } from 'trading-signals';
import { Previous } from './memory.ts';
import type { Calculation, Candle } from './stream.ts';

/** A deviation below this share of the mean is rounding, not movement: one tick of any market is far above it. */
const flatShare = 1e-12;

/**
 * Bollinger bands: simple average ± `deviations` population standard deviations (divisor `period`) of closes, in price; first
 * value with candle `period`. Source: Bollinger 2001; TA-Lib BBANDS, computed by `trading-signals`, which agrees.
 */
export function bollinger(period: number, deviations: number): Calculation {
	const bands = new BollingerBands(period, deviations);
	return {
		outputs: ['upper', 'middle', 'lower'],
		update({ close }, replace) {
			const band = bands.update(close, replace);
			return band === null ? null : [band.upper, band.middle, band.lower];
		},
	};
}

/**
 * Z-score of closes: (close − average) / population standard deviation of the last `period` closes; first value with candle
 * `period`. 0 where they do not move. Source: TA-Lib SMA and STDDEV. The deviation is `trading-signals`'; its z-score throws
 * where nothing moves.
 */
export function zscore(period: number): Calculation {
	return zscoreOf((candle) => candle.close, period);
}

/** Z-score of volumes, as `zscore` of closes; 0 where all are equal, as in a market without any trade. */
export function volumeZscore(period: number): Calculation {
	return zscoreOf((candle) => candle.volume, period);
}

function zscoreOf(column: (candle: Candle) => number, period: number): Calculation {
	const last: number[] = [];
	return {
		outputs: ['value'],
		update(candle, replace) {
			const value = column(candle);
			pushUpdate({ array: last, item: value, maxLength: period, replace });
			if (last.length < period) return null;
			const mean = getAverage(last);
			const deviation = getStandardDeviation(last, mean);
			return [deviation <= flatShare * Math.abs(mean) ? 0 : (value - mean) / deviation];
		},
	};
}

/**
 * Realised volatility: the sample standard deviation (divisor `period − 1`) of the last `period` log returns of closes, per
 * candle and not annualised, as a fraction; first value with candle `period + 1`. A gap counts as one return.
 * Source: the close-to-close estimator, Hull, "Options, Futures, and Other Derivatives", estimating volatility from historical
 * data. Own code: `trading-signals` 8.3 has none. Throws RangeError for a `period` below 2, which has no sample deviation.
 */
export function realisedVolatility(period: number): Calculation {
	if (period < 2) throw new RangeError(`realised volatility needs a period of 2 or more, not ${period}`);
	const closes = new Previous<number>();
	const returns: number[] = [];
	return {
		outputs: ['value'],
		update({ close }, replace) {
			const previous = closes.update(close, replace);
			if (previous === undefined) return null;
			pushUpdate({ array: returns, item: Math.log(close / previous), maxLength: period, replace });
			if (returns.length < period) return null;
			return [getStandardDeviation(returns, getAverage(returns)) * Math.sqrt(period / (period - 1))];
		},
	};
}
