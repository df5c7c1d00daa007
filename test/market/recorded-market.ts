/** Market data of an exchange that has exactly the candles it is given, and remembers what it was asked for. */
import type { Timeframe } from '../../src/domain.ts';
import { timeframeMs } from '../../src/domain.ts';
import type { CandleRow, FundingRate, MarketData } from '../../src/exchange/venue.ts';

export interface CandleCall {
	readonly timeframe: Timeframe;
	readonly sinceMs: number | undefined;
	readonly limit: number;
}

export interface RecordedMarket extends MarketData {
	readonly calls: CandleCall[];
	readonly fundingCalls: number[];
	/** Thrown by the next calls, one each. */
	readonly failures: Error[];
	/** Gives it candles; those that it has of the same time are replaced. */
	add(timeframe: Timeframe, rows: readonly CandleRow[]): void;
	remove(timeframe: Timeframe, openAt: number): void;
	settle(rates: readonly FundingRate[]): void;
}

/** A candle with `price` as its open, one above and one below it as high and low. */
export function candle(openAt: number, price = 100, volume = '1'): CandleRow {
	return [openAt, String(price), String(price + 1), String(price - 1), String(price + 0.5), volume];
}

/** Candles of a timeframe from `from` on, oldest first. */
export function candlesFrom(from: number, count: number, timeframe: Timeframe, price = 100): CandleRow[] {
	return Array.from({ length: count }, (_, index) =>
		candle(from + index * timeframeMs[timeframe], price + (index % 7)),
	);
}

export function recordedMarket(now: () => number): RecordedMarket {
	const candles = new Map<Timeframe, Map<number, CandleRow>>();
	const of = (timeframe: Timeframe): Map<number, CandleRow> => {
		const present = candles.get(timeframe) ?? new Map<number, CandleRow>();
		candles.set(timeframe, present);
		return present;
	};
	const rates: FundingRate[] = [];
	const calls: CandleCall[] = [];
	const fundingCalls: number[] = [];
	const failures: Error[] = [];
	const fail = (): void => {
		const failure = failures.shift();
		if (failure !== undefined) throw failure;
	};
	return {
		exchangeId: 'sim',
		calls,
		fundingCalls,
		failures,
		add: (timeframe, rows) => {
			for (const row of rows) of(timeframe).set(row[0], row);
		},
		remove: (timeframe, openAt) => void of(timeframe).delete(openAt),
		settle: (more) => void rates.push(...more),
		candles: async (_symbol, timeframe, { sinceMs, limit }) => {
			calls.push({ timeframe, sinceMs, limit });
			fail();
			const length = timeframeMs[timeframe];
			const closed = [...of(timeframe).values()]
				.filter(([openAt]) => openAt + length <= now())
				.sort((a, b) => a[0] - b[0]);
			// As the gateway: from a start on a range of `limit` candles, else the newest.
			const found =
				sinceMs === undefined
					? closed.slice(-limit)
					: closed.filter(([openAt]) => openAt >= sinceMs && openAt < sinceMs + limit * length);
			return { candles: found, refusedRows: 0, fetchedAt: now() };
		},
		fundingRates: async (_symbol, sinceMs) => {
			fundingCalls.push(sinceMs);
			fail();
			return rates.filter(({ fundingAt }) => fundingAt >= sinceMs && fundingAt <= now());
		},
		markets: async () => [],
		quotes: async () => [],
		measureClock: async () => 0,
	};
}
