/** The indicators by name: from a specification to a state, and from a window to whole series. */
import type { CandleWindow, IndicatorSpec } from '../../strategies/strategy.ts';
import { bollinger, realisedVolatility, volumeZscore, zscore } from './deviations.ts';
import { ema, macd, sma } from './moving-averages.ts';
import { roc, rsi, stochastic } from './oscillators.ts';
import { adx, atr, atrPercentile, donchian } from './ranges.ts';
import { type Calculation, candleOf, IndicatorStream } from './stream.ts';
import { obv, obvOver, vwap } from './volume.ts';

/** One series per output name, each as long as the window; NaN where too little history defines a value. */
export type IndicatorSeries = Readonly<Record<string, Float64Array>>;

/** A new state of `spec` that has seen no candle. Throws RangeError for parameters that define no value. */
export function createIndicatorStream(spec: IndicatorSpec): IndicatorStream {
	return new IndicatorStream(calculationOf(spec));
}

/**
 * Computes the whole series of `spec` over all candles of `window`: the states of `createIndicatorStream`, shown one candle
 * after the other. An indicator of one output calls it `value`; the others are `adx` (`adx`, `plus_di`, `minus_di`), `bollinger`
 * and `donchian` (`upper`, `middle`, `lower`), `macd` (`macd`, `signal`, `histogram`) and `stochastic` (`k`, `d`).
 */
export function computeIndicator(spec: IndicatorSpec, window: CandleWindow): IndicatorSeries {
	const stream = createIndicatorStream(spec);
	const columns = stream.outputs.map(() => new Float64Array(window.close.length));
	for (let index = 0; index < window.close.length; index += 1) {
		stream.add(candleOf(window, index));
		const values = stream.values();
		for (const [output, column] of columns.entries()) column[index] = values[output] ?? Number.NaN;
	}
	return Object.fromEntries(stream.outputs.map((output, index) => [output, columns[index] ?? new Float64Array()]));
}

/** The output that stands for the indicator where there is room for one, e.g. the middle of a channel. */
export function mainOutput(spec: IndicatorSpec): string {
	switch (spec.name) {
		case 'bollinger':
		case 'donchian':
			return 'middle';
		case 'adx':
		case 'macd':
			return spec.name;
		case 'stochastic':
			return 'k';
		default:
			return 'value';
	}
}

function calculationOf(spec: IndicatorSpec): Calculation {
	switch (spec.name) {
		case 'sma':
			return sma(spec.period);
		case 'ema':
			return ema(spec.period);
		case 'rsi':
			return rsi(spec.period);
		case 'roc':
			return roc(spec.period);
		case 'zscore':
			return zscore(spec.period);
		case 'volume_zscore':
			return volumeZscore(spec.period);
		case 'realised_volatility':
			return realisedVolatility(spec.period);
		case 'bollinger':
			return bollinger(spec.period, spec.deviations);
		case 'macd':
			return macd(spec.fast, spec.slow, spec.signal);
		case 'stochastic':
			return stochastic(spec.period, spec.smooth, spec.signal);
		case 'atr':
			return atr(spec.period);
		case 'atr_percentile':
			return atrPercentile(spec.period, spec.lookback);
		case 'adx':
			return adx(spec.period);
		case 'donchian':
			return donchian(spec.period);
		case 'obv':
			return spec.period === undefined ? obv() : obvOver(spec.period);
		case 'vwap':
			return vwap();
	}
}

const keys = new WeakMap<IndicatorSpec, string>();

/** The name of `spec` in caches and on the command line, e.g. `macd:12:26:9`: equal specifications have equal keys. */
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
		case 'stochastic':
			return `stochastic:${spec.period}:${spec.smooth}:${spec.signal}`;
		case 'atr_percentile':
			return `atr_percentile:${spec.period}:${spec.lookback}`;
		case 'obv':
			return spec.period === undefined ? 'obv' : `obv:${spec.period}`;
		case 'vwap':
			return 'vwap';
		default:
			return `${spec.name}:${spec.period}`;
	}
}
