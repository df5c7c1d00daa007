/** The path of prices that every candle, ticker, book and trigger comes from. */

export const minuteMs = 60_000;
/** A price holds for five seconds: twelve points a minute. */
export const pointMs = 5_000;
export const pointsPerMinute = minuteMs / pointMs;

export interface PathSource {
	/**
	 * Writes the twelve prices of a minute (counted from the epoch) into `prices` and answers the minute's volume in
	 * whole lots, or -1 where the market has no candle (nothing is written then).
	 */
	readPath(minute: number, prices: Float64Array): number;
	/** The newest minute at or before this one that has prices; undefined before the market's beginning. */
	minuteWithPrices(minute: number): number | undefined;
}
