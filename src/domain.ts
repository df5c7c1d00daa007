/** The words of botbox that every folder shares: closed sets of values and the arithmetic of timeframes. */

export const timeframes = ['1m', '5m', '15m', '1h', '4h', '1d'] as const;
export type Timeframe = (typeof timeframes)[number];

/** Length of each timeframe in milliseconds. */
export const timeframeMs: Readonly<Record<Timeframe, number>> = {
	'1m': 60_000,
	'5m': 300_000,
	'15m': 900_000,
	'1h': 3_600_000,
	'4h': 14_400_000,
	'1d': 86_400_000,
};

/** How often a bot may be checked, in minutes (R01). */
export const intervals = [1, 5, 15, 60] as const;
export type IntervalMinutes = (typeof intervals)[number];

export type Direction = 'LONG' | 'SHORT';
/** What a signal asks for: an entry in a direction, or the end of a position. */
export type SignalDirection = Direction | 'CLOSE';
export type Side = 'BUY' | 'SELL';
export type AccountMode = 'PAPER' | 'LIVE';
export type MarketType = 'SPOT' | 'LINEAR';

export const botStatuses = ['ACTIVE', 'PAUSED', 'STOPPED', 'DELETED'] as const;
export type BotStatus = (typeof botStatuses)[number];

export const regimeDirections = ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'] as const;
export type RegimeDirection = (typeof regimeDirections)[number];
export const regimeVolatilities = ['LOW', 'NORMAL', 'HIGH'] as const;
export type RegimeVolatility = (typeof regimeVolatilities)[number];
/** The state of one instrument on one timeframe: where it goes and how wildly. */
export interface Regime {
	readonly direction: RegimeDirection;
	readonly volatility: RegimeVolatility;
}

/** Opening time of the candle that contains `ms`, in epoch milliseconds. */
export function candleOpen(ms: number, timeframe: Timeframe): number {
	const length = timeframeMs[timeframe];
	return Math.floor(ms / length) * length;
}

/** Opening time of the newest candle that is closed at `ms`, in epoch milliseconds. */
export function lastClosedOpen(ms: number, timeframe: Timeframe): number {
	return candleOpen(ms, timeframe) - timeframeMs[timeframe];
}
