/**
 * What a strategy is: code plus validated parameters, pure. It sees a market through `MarketView` and answers with an
 * `Evaluation`; it never does I/O, reads a clock or a database.
 */
import type { z } from 'zod';
import type { Direction, IntervalMinutes, Regime, RegimeDirection, SignalDirection, Timeframe } from '../domain.ts';

/** Closed candles of one instrument and timeframe, oldest first; all columns have the same length. */
export interface CandleWindow {
	readonly timeframe: Timeframe;
	/** Opening times, epoch milliseconds, strictly increasing; a gap of the market is a gap here. */
	readonly openAt: Float64Array;
	readonly open: Float64Array;
	readonly high: Float64Array;
	readonly low: Float64Array;
	readonly close: Float64Array;
	/** In the base asset. */
	readonly volume: Float64Array;
}

/** One indicator and its parameters, e.g. `{ name: 'ema', period: 21 }`. */
export type IndicatorSpec =
	| {
			readonly name: 'sma' | 'ema' | 'rsi' | 'atr' | 'adx' | 'roc' | 'zscore' | 'volume_zscore' | 'donchian';
			readonly period: number;
	  }
	/** Standard deviation of log returns over `period` candles, per candle. */
	| { readonly name: 'realised_volatility'; readonly period: number }
	| { readonly name: 'bollinger'; readonly period: number; readonly deviations: number }
	| { readonly name: 'macd'; readonly fast: number; readonly slow: number; readonly signal: number }
	| { readonly name: 'atr_percentile'; readonly period: number; readonly lookback: number }
	| { readonly name: 'stochastic'; readonly period: number; readonly smooth: number; readonly signal: number }
	/** On-balance volume over the last `period` candles; without a period since the first candle, which no view can know. */
	| { readonly name: 'obv'; readonly period?: number }
	/** Volume-weighted average price since the session began: 00:00 UTC. */
	| { readonly name: 'vwap' };

/** The last values of an indicator, by output name; null where too little history defines it. */
export type IndicatorValue = Readonly<Record<string, number | null>>;

/** Settled funding rates of a perpetual, oldest first; the columns have the same length. */
export interface FundingRates {
	/** When each was settled, epoch milliseconds. */
	readonly fundingAt: Float64Array;
	/** What longs paid shorts, as a fraction of the position's value. */
	readonly rate: Float64Array;
}

/** One instrument on one timeframe at the close of a candle. */
export interface TimeframeView {
	/** Closed candles. */
	readonly candles: CandleWindow;
	/**
	 * The value at the last closed candle, or `back` candles ago; computed once per candle for all bots. Single outputs are
	 * named `value`, those of adx `adx`, `plus_di`, `minus_di`, of bollinger `upper`, `middle`, `lower`, of macd `macd`,
	 * `signal`, `histogram`, of stochastic `k`, `d`, of donchian `upper`, `middle`, `lower`. Null until
	 * `indicatorHistory(spec)` candles are there.
	 */
	indicator(spec: IndicatorSpec, back?: number): IndicatorValue;
}

/** One leg of a bot beyond the first. */
export interface LegView extends TimeframeView {
	/** Null for a spot market, or while none is known. */
	readonly funding: FundingRates | null;
}

/** Everything a factor may look at: the bot's first leg on the strategy's timeframe, and what the strategy named besides. */
export interface MarketView extends LegView {
	readonly regime: Regime | null;
	/** The same instrument on another timeframe that the strategy names; null while it has no closed candle. */
	timeframe(timeframe: Timeframe): TimeframeView | null;
	/** The bot's legs from the second on; shorter than the strategy asks for while one of them has no candle. */
	readonly legs: readonly LegView[];
}

/** What the bot holds when it is checked; prices and quantities as floats, for judging only, never for booking. */
export interface HeldPosition {
	readonly direction: Direction;
	readonly averageEntryPrice: number;
	readonly quantity: number;
	/** Entries that it consists of. */
	readonly lots: number;
	readonly openedAt: number;
}

/** A pure function of market data to a score in [-1, 1]; positive means up. */
export interface Factor {
	readonly name: string;
	/** Candles of the strategy's timeframe that it needs; its score depends on no others. */
	readonly history: number;
	/** Further timeframes that it looks at, and how much of each; none if left out. */
	readonly furtherWindows?: readonly WindowNeed[];
	/** Whether it looks at funding rates; false if left out. */
	readonly readsFunding?: boolean;
	/** `value` is what was measured, for people; both null while history is too short. */
	evaluate(view: MarketView): { readonly value: number | null; readonly score: number | null };
}

export interface FactorResult {
	readonly name: string;
	readonly value: number | null;
	readonly score: number | null;
	readonly weight: number;
	/** score × weight. */
	readonly contribution: number | null;
}

/** Why a strategy decided as it did: `docs/reasons.md` says what each means. */
export type DecisionReason =
	| 'ENTRY_THRESHOLD'
	| 'EXIT_THRESHOLD'
	| 'TIME_EXIT'
	| 'GRID_ENTRY'
	| 'GRID_EXIT'
	| 'GRID_OUT_OF_RANGE'
	| 'FUNDING_ENTRY'
	| 'FUNDING_EXIT'
	| 'ENTRY_RULE'
	| 'EXIT_RULE'
	| 'NO_RULE'
	| 'BELOW_THRESHOLD'
	| 'HOLDING'
	| 'INSUFFICIENT_HISTORY';

export interface Evaluation {
	/** Sum of contributions, in [-1, 1]; null while any weighted factor is undefined. */
	readonly score: number | null;
	readonly factors: readonly FactorResult[];
	readonly decision: SignalDirection | 'NONE';
	readonly reason: DecisionReason;
	/** Distance of the stops from the entry price as fractions of it, for an entry; null where the strategy sets none. */
	readonly stopLossFraction: number | null;
	readonly takeProfitFraction: number | null;
	/** How far the price may come back from its best since entry, as a fraction of that; none if left out. */
	readonly trailingStopFraction?: number | null;
	/** An entry: lots to add, 1 if left out, all in one order. A CLOSE: lots to close, all of the position if left out. */
	readonly lots?: number | null;
	/**
	 * Until when, epoch ms, the answer stays the same for the same candles and position: Infinity where time plays no part. If left
	 * out the strategy is asked at every check.
	 */
	readonly validUntilMs?: number;
}

/** Candles that a strategy needs of one timeframe. */
export interface WindowNeed {
	readonly timeframe: Timeframe;
	readonly history: number;
}

/** A strategy bound to one version of its parameters: the fields the pipeline reads, and the decision. */
export interface PreparedStrategy {
	readonly timeframe: Timeframe;
	/** Candles needed before the first decision is possible; no others influence it. */
	readonly history: number;
	/** Further timeframes of the first leg's instrument that it looks at, and how much of each; none if left out. */
	readonly furtherWindows?: readonly WindowNeed[];
	/** Whether it looks at funding rates; false if left out, and then views hold none. */
	readonly readsFunding?: boolean;
	/** Entries of one direction that the bot may hold at a time. */
	readonly maxLots: number;
	readonly favourableRegimes: readonly RegimeDirection[];
	evaluate(view: MarketView, position: HeldPosition | null, nowMs: number): Evaluation;
}

/** One strategy: its code, its parameters' schema and its defaults. */
export interface Strategy<S extends z.ZodType = z.ZodType> {
	/** Catalogue id, e.g. `ST-003`. */
	readonly id: string;
	/** Name in snake case, e.g. `trend_following`. */
	readonly name: string;
	readonly title: string;
	readonly defaultInterval: IntervalMinutes;
	/** Instruments that a bot of it trades together; 1 if left out. A second leg is held the other way round. */
	readonly legs?: 1 | 2;
	readonly parameters: S;
	/** Binds parsed parameters; throws only on parameters that the schema should have refused. */
	prepare(parameters: z.output<S>): PreparedStrategy;
}
