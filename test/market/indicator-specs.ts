/** One specification of every indicator, for tests that hold all of them to the same rules. */
import type { IndicatorSpec } from '../../src/strategies/strategy.ts';

/** With the index of the first candle at which every output is defined. */
export const firstDefined: readonly (readonly [IndicatorSpec, number])[] = [
	[{ name: 'sma', period: 20 }, 19],
	[{ name: 'ema', period: 21 }, 20],
	[{ name: 'rsi', period: 14 }, 14],
	[{ name: 'atr', period: 14 }, 14],
	[{ name: 'adx', period: 14 }, 27],
	[{ name: 'roc', period: 10 }, 10],
	[{ name: 'zscore', period: 20 }, 19],
	[{ name: 'volume_zscore', period: 20 }, 19],
	[{ name: 'realised_volatility', period: 20 }, 20],
	[{ name: 'bollinger', period: 20, deviations: 2 }, 19],
	[{ name: 'macd', fast: 12, slow: 26, signal: 9 }, 33],
	[{ name: 'stochastic', period: 14, smooth: 3, signal: 3 }, 17],
	[{ name: 'donchian', period: 20 }, 19],
	[{ name: 'atr_percentile', period: 14, lookback: 50 }, 64],
	[{ name: 'obv' }, 0],
	[{ name: 'obv', period: 20 }, 20],
	[{ name: 'vwap' }, 0],
];

export const everySpec: readonly IndicatorSpec[] = firstDefined.map(([spec]) => spec);
