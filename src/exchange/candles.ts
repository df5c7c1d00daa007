/** Exchanges' candles made fit for use: sorted, closed, without duplicates; rows that cannot be are refused and counted. */
import { type Timeframe, timeframeMs } from '../domain.ts';
import type { CandleRow } from './venue.ts';

export interface CleanOptions {
	readonly timeframe: Timeframe;
	/** The exchange's time when it was asked, epoch ms. */
	readonly asOf: number;
	readonly sinceMs?: number;
	readonly limit: number;
}

/**
 * Takes rows in any order. Dropped without a count: the candle that is not closed yet, repetitions, and what lies outside
 * the range asked for. Refused and counted: malformed, non-positive or non-finite prices, negative volume, high below low,
 * open or close; off the timeframe's grid; opening in the future.
 */
export function cleanCandles(
	rows: readonly unknown[],
	options: CleanOptions,
): { readonly candles: readonly CandleRow[]; readonly refusedRows: number } {
	const { timeframe, asOf, sinceMs = 0, limit } = options;
	const byTime = new Map<number, CandleRow>();
	let refusedRows = 0;
	for (const row of rows) {
		const candle = readCandle(row, timeframe, asOf);
		if (candle === undefined) refusedRows += 1;
		else if (candle[0] + timeframeMs[timeframe] <= asOf && candle[0] >= sinceMs && !byTime.has(candle[0]))
			byTime.set(candle[0], candle);
	}
	const candles = [...byTime.values()].sort((left, right) => left[0] - right[0]);
	// From a start on, the oldest are wanted; without one, the newest.
	return { candles: options.sinceMs === undefined ? candles.slice(-limit) : candles.slice(0, limit), refusedRows };
}

const decimal = /^\d+(\.\d+)?$/;

function readCandle(row: unknown, timeframe: Timeframe, asOf: number): CandleRow | undefined {
	if (!Array.isArray(row)) return undefined;
	const openAt = Number(row[0]);
	if (!Number.isSafeInteger(openAt) || openAt % timeframeMs[timeframe] !== 0 || openAt > asOf) return undefined;
	const [open, high, low, close, volume] = row.slice(1, 6).map(String);
	if (open === undefined || high === undefined || low === undefined || close === undefined || volume === undefined)
		return undefined;
	if (![open, high, low, close, volume].every((text) => decimal.test(text))) return undefined;
	const top = Number(high);
	const bottom = Number(low);
	const prices = [Number(open), Number(close), bottom, top];
	if (!prices.every((price) => price > 0 && price < Number.POSITIVE_INFINITY && price >= bottom && price <= top))
		return undefined;
	return [openAt, open, high, low, close, volume];
}
