/** What every factor is made of: bounded scores and the answer for too little history. */
import { z } from 'zod';
import type { TimeframeView } from '../strategy.ts';

/** What a factor answers. */
export interface FactorScore {
	readonly value: number | null;
	readonly score: number | null;
}

/** The answer while history is too short. */
export const undefinedScore: FactorScore = { value: null, score: null };

/** The parsed values of a factor's fields. */
export type Parsed<Fields extends z.ZodRawShape> = z.output<z.ZodObject<Fields>>;

/** Periods of indicators, in candles: bounded so that a strategy's history stays a few exchange calls long. */
export const period = z.int().min(2).max(200);

/** `x` limited to [-1, 1]; 0 for what is no number, such as 0 / 0 in a market that does not move. */
export function bounded(x: number): number {
	if (Number.isNaN(x)) return 0;
	return Math.max(-1, Math.min(1, x));
}

/** `change` in average true ranges; 0 where nothing ever moved. */
export function inRanges(change: number, atr: number): number {
	return atr > 0 ? change / atr : 0;
}

/** Ranges and bands narrower than this share of the price hold rounding, not movement. */
export const flatShare = 1e-12;

/** The close of the last candle; null where there is none. */
export function lastClose({ candles: { close } }: TimeframeView): number | null {
	return close[close.length - 1] ?? null;
}
