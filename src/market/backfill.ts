/**
 * History on request: the exchange's own candles of a range, page by page through the limiter.
 *
 * Writes: candles and candle_coverage, each page in one transaction. Idempotent by (instrument, timeframe, opening time). A crash, or
 * the signal, at any line leaves whole pages; the next run of the same range goes on with what is missing.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { beginBackfill } from '../database/functions/history.ts';
import { recordCandles } from '../database/functions/market.ts';
import type { Pool } from '../database/pool.ts';
import { candleOpen, type Timeframe, timeframeMs } from '../domain.ts';
import { RetryLaterError } from '../errors.ts';
import type { CandleFetch, MarketData } from '../exchange/venue.ts';
import { batchOf, covering } from './candle-batch.ts';
import { pageCandles } from './feed-history.ts';

export interface BackfillRequest {
	readonly instrumentId: number;
	readonly symbol: string;
	readonly timeframe: Timeframe;
	/** Candles that open from here on; rounded to whole candles. */
	readonly from: Date;
	/** And before here; at most the last closed one. */
	readonly to: Date;
	/** Fetches again what was fetched before. */
	readonly afresh?: boolean;
	readonly now?: Date | undefined;
	/** Stops after the page under way. */
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: BackfillProgress) => void;
	readonly sleep?: (ms: number) => Promise<unknown>;
}

export interface BackfillProgress {
	/** Of the range that was missing at the start, 0 to 1. */
	readonly share: number;
	/** Candles that the exchange had. */
	readonly fetched: number;
	/** Those that were new or different. */
	readonly stored: number;
	/** Impossible rows that it sent. */
	readonly refused: number;
}

export interface BackfillResult extends BackfillProgress {
	readonly from: Date;
	readonly to: Date;
	/** False when the signal stopped it: run it again to go on. */
	readonly isComplete: boolean;
}

/** Attempts per page; the exchange or the limiter may be busy for a while. */
const mostAttempts = 10;
const longestPauseMs = 30_000;

/** Throws what the exchange says at last, after ten attempts at a page; what was stored until then stays. */
export async function backfillCandles(pool: Pool, data: MarketData, request: BackfillRequest): Promise<BackfillResult> {
	const { instrumentId, symbol, timeframe, now, onProgress } = request;
	const isStopped = (): boolean => request.signal?.aborted === true;
	const length = timeframeMs[timeframe];
	const fromMs = candleOpen(request.from.getTime() + length - 1, timeframe);
	const toMs = candleOpen(Math.min(request.to.getTime(), (now ?? new Date()).getTime()), timeframe);
	const range = { from: new Date(fromMs), to: new Date(toMs) };
	const progress = { share: 0, fetched: 0, stored: 0, refused: 0 };
	if (fromMs >= toMs) return { ...progress, share: 1, ...range, isComplete: true };

	const missing = await beginBackfill(pool, { instrumentId, timeframe, ...range, afresh: request.afresh, now });
	const wantedMs = missing.reduce((sum, { rangeFrom, rangeTo }) => sum + rangeTo.getTime() - rangeFrom.getTime(), 0);
	let doneMs = 0;
	const store = async (fetch: Pick<CandleFetch, 'candles' | 'refusedRows'>, start: number, end: number) => {
		const candles = fetch.candles.filter(([openAt]) => openAt >= start && openAt < end);
		const batch = [batchOf(instrumentId, timeframe, { ...fetch, candles }, covering('BACKFILL', start, end))];
		const [recorded] = await recordCandles(pool, { batch, now });
		doneMs += end - start;
		progress.share = doneMs / wantedMs;
		progress.fetched += candles.length;
		progress.stored += recorded?.stored ?? 0;
		progress.refused += fetch.refusedRows;
		onProgress?.({ ...progress });
	};

	for (const { rangeFrom, rangeTo } of missing) {
		const end = rangeTo.getTime();
		let start = rangeFrom.getTime();
		if (isStopped()) return { ...progress, ...range, isComplete: false };
		const listedAt = await findBeginning(data, request, start, end);
		if (listedAt > start) {
			await store({ candles: [], refusedRows: 0 }, start, listedAt);
			start = listedAt;
		}
		for (; start < end; start += pageCandles * length) {
			if (isStopped()) return { ...progress, ...range, isComplete: false };
			const pageEnd = Math.min(start + pageCandles * length, end);
			const options = { sinceMs: start, limit: (pageEnd - start) / length };
			const page = await patiently(request, () => data.candles(symbol, timeframe, options));
			await store(page, start, pageEnd);
		}
	}
	return { ...progress, share: 1, ...range, isComplete: true };
}

/** A market may be younger than what is wanted: its days tell where it begins, in a hundredth of the calls. */
async function findBeginning(data: MarketData, request: BackfillRequest, start: number, end: number): Promise<number> {
	const { symbol, timeframe } = request;
	if (timeframe === '1d' || end - start <= 3 * pageCandles * timeframeMs[timeframe]) return start;
	const firstDay = candleOpen(start, '1d');
	const today = candleOpen(end, '1d');
	for (let sinceMs = firstDay; sinceMs < today; sinceMs += pageCandles * timeframeMs['1d']) {
		const { candles } = await patiently(request, () => data.candles(symbol, '1d', { sinceMs, limit: pageCandles }));
		const found = candles[0]?.[0];
		if (found !== undefined) return Math.max(Math.min(found, today), start);
	}
	return Math.max(today, start);
}

async function patiently<T>(request: BackfillRequest, call: () => Promise<T>): Promise<T> {
	const sleep =
		request.sleep ?? ((ms: number) => delay(ms, undefined, { signal: request.signal }).catch(() => undefined));
	for (let attempt = 1; ; attempt++) {
		try {
			return await call();
		} catch (error) {
			if (!(error instanceof RetryLaterError) || attempt >= mostAttempts || request.signal?.aborted === true)
				throw error;
			await sleep(Math.min(error.retryAfterMs * 2 ** (attempt - 1), longestPauseMs));
		}
	}
}
