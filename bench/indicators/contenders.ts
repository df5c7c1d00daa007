/** Who computes indicators, and how each is asked: over a whole window at once, and candle after candle where it can. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { atr, bb, ema, macd, rsi, sma, stoch } from 'indicatorts';
import * as talib from 'talib-web';
import * as technical from 'technicalindicators';
import * as signals from 'trading-signals';
import { computeIndicator, createIndicatorStream } from '../../src/market/indicators/indicator.ts';
import type { Candle } from '../../src/market/indicators/stream.ts';
import type { CandleWindow, IndicatorSpec } from '../../src/strategies/strategy.ts';

/** The indicators that all or most of them know, with the usual parameters. */
export const specs = {
	'sma 20': { name: 'sma', period: 20 },
	'ema 21': { name: 'ema', period: 21 },
	'rsi 14': { name: 'rsi', period: 14 },
	'atr 14': { name: 'atr', period: 14 },
	'adx 14': { name: 'adx', period: 14 },
	'macd 12 26 9': { name: 'macd', fast: 12, slow: 26, signal: 9 },
	'bollinger 20 2': { name: 'bollinger', period: 20, deviations: 2 },
	'stochastic 14 3 3': { name: 'stochastic', period: 14, smooth: 3, signal: 3 },
} as const satisfies Record<string, IndicatorSpec>;
export type Name = keyof typeof specs;

/** A window as arrays of numbers, as the others want it. */
export interface Columns {
	readonly window: CandleWindow;
	readonly high: number[];
	readonly low: number[];
	readonly close: number[];
}

export interface Contender {
	readonly name: string;
	/** Every value of the window; null where it does not have the indicator. */
	whole(name: Name, columns: Columns): (() => unknown) | null;
	/** A state that has seen nothing and takes candle after candle; null where it can only compute whole windows. */
	stream(name: Name): ((candle: Candle) => unknown) | null;
}

const botbox: Contender = {
	name: 'botbox',
	whole: (name, { window }) => {
		return () => computeIndicator(specs[name], window);
	},
	stream: (name) => {
		const stream = createIndicatorStream(specs[name]);
		return (candle) => {
			stream.add(candle);
			return stream.values();
		};
	},
};

/** What each makes of one value: trading-signals knows states only, so a whole window is one after the other. */
const tradingSignals: Contender = {
	name: 'trading-signals',
	whole: (name, { window }) => {
		return () => {
			const take = streamOf(name);
			let last: unknown;
			for (let index = 0; index < window.close.length; index += 1) {
				last = take({
					openAt: window.openAt[index] ?? 0,
					open: window.open[index] ?? 0,
					high: window.high[index] ?? 0,
					low: window.low[index] ?? 0,
					close: window.close[index] ?? 0,
					volume: window.volume[index] ?? 0,
				});
			}
			return last;
		};
	},
	stream: streamOf,
};

function streamOf(name: Name): (candle: Candle) => unknown {
	switch (name) {
		case 'sma 20':
			return ofClose(new signals.SMA(20));
		case 'ema 21':
			return ofClose(new signals.EMA(21));
		case 'rsi 14':
			return ofClose(new signals.RSI(14));
		case 'macd 12 26 9':
			return ofClose(new signals.MACD(new signals.EMA(12), new signals.EMA(26), new signals.EMA(9)));
		case 'bollinger 20 2':
			return ofClose(new signals.BollingerBands(20, 2));
		case 'atr 14':
			return ofCandle(new signals.ATR(14));
		case 'adx 14':
			return ofCandle(new signals.ADX(14));
		case 'stochastic 14 3 3':
			return ofCandle(new signals.StochasticOscillator({ kPeriod: 14, kSlowingPeriod: 3, dPeriod: 3 }));
	}
}

const ofClose = (state: { add(value: number): unknown }) => (candle: Candle) => state.add(candle.close);
const ofCandle = (state: { add(value: Candle): unknown }) => (candle: Candle) => state.add(candle);

const technicalIndicators: Contender = {
	name: 'technicalindicators',
	whole: (name, { high, low, close }) => {
		const bars = { high, low, close };
		switch (name) {
			case 'sma 20':
				return () => technical.SMA.calculate({ period: 20, values: close });
			case 'ema 21':
				return () => technical.EMA.calculate({ period: 21, values: close });
			case 'rsi 14':
				return () => technical.RSI.calculate({ period: 14, values: close });
			case 'atr 14':
				return () => technical.ATR.calculate({ period: 14, ...bars });
			case 'adx 14':
				return () => technical.ADX.calculate({ period: 14, ...bars });
			case 'macd 12 26 9':
				return () => technical.MACD.calculate({ values: close, ...macdOf });
			case 'bollinger 20 2':
				return () => technical.BollingerBands.calculate({ period: 20, stdDev: 2, values: close });
			case 'stochastic 14 3 3':
				return () => technical.Stochastic.calculate({ period: 14, signalPeriod: 3, ...bars });
		}
	},
	stream: (name) => {
		const bars = { high: [], low: [], close: [] };
		switch (name) {
			case 'sma 20':
				return nextOf(new technical.SMA({ period: 20, values: [] }));
			case 'ema 21':
				return nextOf(new technical.EMA({ period: 21, values: [] }));
			case 'rsi 14':
				return nextOf(new technical.RSI({ period: 14, values: [] }));
			case 'macd 12 26 9':
				return nextOf(new technical.MACD({ values: [], ...macdOf }));
			case 'bollinger 20 2':
				return nextOf(new technical.BollingerBands({ period: 20, stdDev: 2, values: [] }));
			case 'atr 14':
				return nextBarOf(new technical.ATR({ period: 14, ...bars }));
			case 'adx 14':
				return nextBarOf(new technical.ADX({ period: 14, ...bars }));
			case 'stochastic 14 3 3':
				return nextBarOf(new technical.Stochastic({ period: 14, signalPeriod: 3, ...bars }));
		}
	},
};

const macdOf = {
	fastPeriod: 12,
	slowPeriod: 26,
	signalPeriod: 9,
	SimpleMAOscillator: false,
	SimpleMASignal: false,
} as const;

/** Its types ask for more than its states read: some for a value, some for a bar. */
type Next = { nextValue(value: never): unknown };
const nextOf = (state: Next) => (candle: Candle) => state.nextValue(candle.close as never);
const nextBarOf = (state: Next) => (candle: Candle) => state.nextValue(candle as never);

const indicatorTs: Contender = {
	name: 'indicatorts',
	whole: (name, { high, low, close }) => {
		switch (name) {
			case 'sma 20':
				return () => sma(close, { period: 20 });
			case 'ema 21':
				return () => ema(close, { period: 21 });
			case 'rsi 14':
				return () => rsi(close, { period: 14 });
			case 'atr 14':
				return () => atr(high, low, close, { period: 14 });
			case 'macd 12 26 9':
				return () => macd(close, { fast: 12, slow: 26, signal: 9 });
			case 'bollinger 20 2':
				return () => bb(close, { period: 20 });
			case 'stochastic 14 3 3':
				return () => stoch(high, low, close, { kPeriod: 14, dPeriod: 3 });
			default:
				return null;
		}
	},
	stream: () => null,
};

const taLib: Contender = {
	name: 'TA-Lib (WASM)',
	whole: (name, { high, low, close }) => {
		switch (name) {
			case 'sma 20':
				return () => talib.SMA({ inReal: close, timePeriod: 20 });
			case 'ema 21':
				return () => talib.EMA({ inReal: close, timePeriod: 21 });
			case 'rsi 14':
				return () => talib.RSI({ inReal: close, timePeriod: 14 });
			case 'atr 14':
				return () => talib.ATR({ high, low, close, timePeriod: 14 });
			case 'adx 14':
				return () => talib.ADX({ high, low, close, timePeriod: 14 });
			case 'macd 12 26 9':
				return () => talib.MACD({ inReal: close, fastPeriod: 12, slowPeriod: 26, signalPeriod: 9 });
			case 'bollinger 20 2':
				return () => talib.BBANDS({ inReal: close, timePeriod: 20, nbDevUp: 2, nbDevDn: 2 });
			case 'stochastic 14 3 3':
				return () => talib.STOCH({ high, low, close, fastK_Period: 14, slowK_Period: 3, slowD_Period: 3 });
		}
	},
	stream: () => null,
};

export async function loadContenders(): Promise<{ readonly botbox: Contender; readonly peers: readonly Contender[] }> {
	// Its loader fetches by address, and takes a file for one. As a data address it is read from here.
	const file = await readFile(fileURLToPath(import.meta.resolve('talib-web')).replace(/[^/\\]+$/, 'talib.wasm'));
	await talib.init(`data:application/wasm;base64,${file.toString('base64')}`);
	return { botbox, peers: [technicalIndicators, tradingSignals, indicatorTs, taLib] };
}
