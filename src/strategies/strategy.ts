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
	| { readonly name: 'sma' | 'ema' | 'rsi' | 'atr' | 'adx' | 'roc' | 'zscore'; readonly period: number }
	| { readonly name: 'bollinger'; readonly period: number; readonly deviations: number }
	| { readonly name: 'macd'; readonly fast: number; readonly slow: number; readonly signal: number }
	| { readonly name: 'atr_percentile'; readonly period: number; readonly lookback: number };

/** The last values of an indicator, by output name; null where too little history defines it. */
export type IndicatorValue = Readonly<Record<string, number | null>>;

/** Everything a factor may look at: one instrument at the close of one candle. */
export interface MarketView {
	/** Closed candles of the strategy's timeframe. */
	readonly candles: CandleWindow;
	/**
	 * The value at the last closed candle, or `back` candles ago; computed once per candle for all bots. Single outputs are
	 * named `value`, those of adx `adx`, `plus_di`, `minus_di`, of bollinger `upper`, `middle`, `lower`, of macd `macd`,
	 * `signal`, `histogram`. Null until `indicatorHistory(spec)` candles are there.
	 */
	indicator(spec: IndicatorSpec, back?: number): IndicatorValue;
	readonly regime: Regime | null;
}

/** What the bot holds when it is checked; prices and quantities as floats, for judging only, never for booking. */
export interface HeldPosition {
	readonly direction: Direction;
	readonly averageEntryPrice: number;
	readonly quantity: number;
	readonly openedAt: number;
}

/** A pure function of market data to a score in [-1, 1]; positive means up. */
export interface Factor {
	readonly name: string;
	/** Candles it needs; its score depends on no others. */
	readonly history: number;
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
}

/** A strategy bound to one version of its parameters: the fields the pipeline reads, and the decision. */
export interface PreparedStrategy {
	readonly timeframe: Timeframe;
	/** Candles needed before the first decision is possible; no others influence it. */
	readonly history: number;
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
	readonly parameters: S;
	/** Binds parsed parameters; throws only on parameters that the schema should have refused. */
	prepare(parameters: z.output<S>): PreparedStrategy;
}
