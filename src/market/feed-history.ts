/**
 * The history that a feed begins with: the newest candles of each timeframe that strategies look at, back as far as they need.
 *
 * Writes: candles and candle_coverage, each older page in its own transaction. A crash leaves the pages that were stored;
 * whoever claims the feed next fetches the newest page again, for freshness, and goes on with those that are missing.
 */
import { beginBackfill } from '../database/functions/history.ts';
import { recordCandles } from '../database/functions/market.ts';
import type { Pool } from '../database/pool.ts';
import { type Timeframe, timeframeMs } from '../domain.ts';
import type { CandleFetch, MarketData } from '../exchange/venue.ts';
import { batchOf, covering } from './candle-batch.ts';

/** Exchanges answer with at most a thousand candles. */
export const pageCandles = 1_000;

export interface HistoryRequest {
	readonly instrumentId: number;
	readonly symbol: string;
	readonly timeframe: Timeframe;
	/** How many closed candles. */
	readonly count: number;
	readonly now?: Date | undefined;
}

/** Fetches the newest `count` closed candles. The newest page is the caller's to store, those before it are stored here. */
export async function fetchHistory(pool: Pool, data: MarketData, request: HistoryRequest): Promise<CandleFetch> {
	const { instrumentId, symbol, timeframe, count, now } = request;
	const length = timeframeMs[timeframe];
	// One more for the unclosed candle, which the gateway drops.
	const newest = await data.candles(symbol, timeframe, { limit: Math.min(count + 1, pageCandles) });
	let first = newest.candles[0]?.[0] ?? 0;
	for (let have = newest.candles.length; have > 0 && have < count; ) {
		const wanted = Math.min(count - have, pageCandles);
		const from = first - wanted * length;
		const missing = await beginBackfill(pool, {
			instrumentId,
			timeframe,
			from: new Date(from),
			to: new Date(first),
			source: 'FEED',
			now,
		});
		// A page that an earlier attempt stored counts as whole: of a thin market it had fewer.
		if (missing.length === 0) have += wanted;
		else {
			const page = await data.candles(symbol, timeframe, { sinceMs: from, limit: wanted });
			const candles = page.candles.filter(([openAt]) => openAt < first);
			const batch = [batchOf(instrumentId, timeframe, { ...page, candles }, covering('FEED', from, first))];
			await recordCandles(pool, { batch, now });
			// The market is younger than the history that is wanted.
			if (candles.length === 0) break;
			have += candles.length;
		}
		first = from;
	}
	return newest;
}
