/** The indicators by name: from a specification and a window to whole series. */
import type { CandleWindow, IndicatorSpec } from '../../strategies/strategy.ts';
import { emaSeries, macdSeries, smaSeries } from './moving-averages.ts';
import { bollingerSeries, rocSeries, rsiSeries, zscoreSeries } from './oscillators.ts';
import { adxSeries, atrPercentileSeries, atrSeries } from './ranges.ts';

/** One series per output name, each as long as the window; NaN where too little history defines a value. */
export type IndicatorSeries = Readonly<Record<string, Float64Array>>;

/**
 * Computes the whole series of `spec` over all candles of `window`. An indicator of one output calls it `value`; the
 * others are `adx` (`adx`, `plus_di`, `minus_di`), `bollinger` (`upper`, `middle`, `lower`) and `macd` (`macd`, `signal`,
 * `histogram`).
 */
export function computeIndicator(spec: IndicatorSpec, window: CandleWindow): IndicatorSeries {
	switch (spec.name) {
		case 'sma':
			return { value: smaSeries(window.close, spec.period) };
		case 'ema':
			return { value: emaSeries(window.close, spec.period) };
		case 'rsi':
			return { value: rsiSeries(window.close, spec.period) };
		case 'roc':
			return { value: rocSeries(window.close, spec.period) };
		case 'zscore':
			return { value: zscoreSeries(window.close, spec.period) };
		case 'bollinger':
			return bollingerSeries(window.close, spec.period, spec.deviations);
		case 'macd':
			return macdSeries(window.close, spec.fast, spec.slow, spec.signal);
		case 'atr':
			return { value: atrSeries(window, spec.period) };
		case 'atr_percentile':
			return { value: atrPercentileSeries(window, spec.period, spec.lookback) };
		case 'adx':
			return adxSeries(window, spec.period);
	}
}

const keys = new WeakMap<IndicatorSpec, string>();

/** The name of `spec` in caches, e.g. `macd:12:26:9`: equal specifications have equal keys. */
export function indicatorKey(spec: IndicatorSpec): string {
	const known = keys.get(spec);
	if (known !== undefined) return known;
	const key = buildKey(spec);
	keys.set(spec, key);
	return key;
}

function buildKey(spec: IndicatorSpec): string {
	switch (spec.name) {
		case 'bollinger':
			return `bollinger:${spec.period}:${spec.deviations}`;
		case 'macd':
			return `macd:${spec.fast}:${spec.slow}:${spec.signal}`;
		case 'atr_percentile':
			return `atr_percentile:${spec.period}:${spec.lookback}`;
		default:
			return `${spec.name}:${spec.period}`;
	}
}
