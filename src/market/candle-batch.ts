/** One element of the batch that `record_candles` takes: fetched candles of one instrument and timeframe. */
import type { Timeframe } from '../domain.ts';
import type { CandleFetch, CandleRow } from '../exchange/venue.ts';

export interface CandleBatch {
	readonly instrument_id: number;
	readonly timeframe: Timeframe;
	readonly candles: readonly CandleRow[];
	/** Moves the feed's freshness where set; ISO time of the exchange. */
	readonly fetched_at: string | null;
	readonly refused_rows: number;
	/** How many candles of history are complete with this batch. */
	readonly backfilled: number | null;
	/** The range that is covered with this batch, and who asked for it. */
	readonly source?: 'FEED' | 'BACKFILL' | 'IMPORT';
	readonly covered_from?: string;
	readonly covered_to?: string;
}

/** Candles of a fetch that say nothing about the feed's freshness: history, corrections. */
export function batchOf(
	instrumentId: number,
	timeframe: Timeframe,
	fetch: Pick<CandleFetch, 'candles' | 'refusedRows'>,
	more: Partial<CandleBatch> = {},
): CandleBatch {
	return {
		instrument_id: instrumentId,
		timeframe,
		candles: fetch.candles,
		fetched_at: null,
		refused_rows: fetch.refusedRows,
		backfilled: null,
		...more,
	};
}

/** The range [fromMs, toMs) as a batch names it. */
export function covering(source: 'FEED' | 'BACKFILL' | 'IMPORT', fromMs: number, toMs: number): Partial<CandleBatch> {
	return { source, covered_from: new Date(fromMs).toISOString(), covered_to: new Date(toMs).toISOString() };
}
