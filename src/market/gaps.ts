/**
 * Gaps between stored candles: found, asked for again, and left as gaps where the exchange has none.
 *
 * Reads: candles, the exchange's candles. Writes: candle_gaps, candles and their roll-ups. Idempotent: a crash leaves gaps that are
 * due still, and candles that are the same when they come again.
 */
import { type DueGap, findDueGaps, recordGapAttempts, refreshCandleGaps } from '../database/functions/history.ts';
import { recordCandles } from '../database/functions/market.ts';
import { listView } from '../database/listing.ts';
import type { Pool } from '../database/pool.ts';
import { timeframeMs } from '../domain.ts';
import { errorMessage } from '../errors.ts';
import { batchOf } from './candle-batch.ts';
import type { FeedContext } from './feed.ts';
import { pageCandles } from './feed-history.ts';
import { inParallel } from './in-parallel.ts';

/** Calls to the exchange that are under way at once; the limiter paces them. */
const concurrency = 4;
const dayMs = 86_400_000;

export interface GapRound {
	readonly gaps: number;
	/** Gaps of which the exchange has said for the third time that it has none. */
	readonly confirmed: number;
	readonly failed: readonly { readonly symbol: string; readonly error: string }[];
}

/** Looks for gaps of every followed instrument since a time; answers how many are new. */
export async function findGaps(pool: Pool, options: { days: number; now?: Date | undefined }): Promise<number> {
	const since = new Date((options.now ?? new Date()).getTime() - options.days * dayMs);
	const followed = await listView(pool, 'data_freshness', { where: { is_followed: true }, limit: 100_000 });
	let found = 0;
	// One instrument a statement: a quarter of a year of minutes is a second's work, a thousand instruments' would be too much.
	for (const { instrument_id } of followed)
		found += await refreshCandleGaps(pool, { instrumentIds: [Number(instrument_id)], since, now: options.now });
	return found;
}

/** Asks the exchange for the candles of due gaps; several gaps within a thousand candles cost one call. */
export async function refetchGaps(
	context: FeedContext,
	options: { limit?: number; now?: Date | undefined } = {},
): Promise<GapRound> {
	const { pool } = context;
	const { limit, now } = options;
	const due = await findDueGaps(pool, { limit, now });
	const failed: { symbol: string; error: string }[] = [];
	let confirmed = 0;
	await inParallel(spansOf(due), concurrency, async (span) => {
		const error = await fetchSpan(context, span, now).then(() => null, errorMessage);
		if (error !== null) failed.push({ symbol: span.gap.symbol, error });
		const attempts = span.gaps.map((gap) => ({
			instrument_id: gap.instrumentId,
			timeframe: gap.timeframe,
			gap_from: gap.gapFrom.toISOString(),
			gap_to: gap.gapTo.toISOString(),
			error,
		}));
		confirmed += await recordGapAttempts(pool, { attempts, now });
		const since = new Date(span.fromMs - 2 * timeframeMs[span.gap.timeframe]);
		// What has come is no gap any more.
		await refreshCandleGaps(pool, { instrumentIds: [span.gap.instrumentId], since, now });
	});
	return { gaps: due.length, confirmed, failed };
}

/** Gaps of one instrument and timeframe that are asked for together. */
interface Span {
	/** The first of them. */
	readonly gap: DueGap;
	readonly gaps: DueGap[];
	readonly fromMs: number;
	toMs: number;
}

/** `gaps` come by instrument, timeframe and time. */
function spansOf(gaps: readonly DueGap[]): Span[] {
	const spans: Span[] = [];
	for (const gap of gaps) {
		const last = spans.at(-1);
		const toMs = gap.gapTo.getTime();
		const isNear =
			last !== undefined &&
			last.gap.instrumentId === gap.instrumentId &&
			last.gap.timeframe === gap.timeframe &&
			toMs - last.fromMs <= pageCandles * timeframeMs[gap.timeframe];
		if (isNear) {
			last.gaps.push(gap);
			last.toMs = toMs;
		} else spans.push({ gap, gaps: [gap], fromMs: gap.gapFrom.getTime(), toMs });
	}
	return spans;
}

async function fetchSpan(context: FeedContext, span: Span, now?: Date): Promise<void> {
	const { gap, fromMs, toMs } = span;
	const { instrumentId, symbol, timeframe } = gap;
	const data = await context.marketData(gap.exchangeId);
	const pageMs = pageCandles * timeframeMs[timeframe];
	for (let sinceMs = fromMs; sinceMs < toMs; sinceMs += pageMs) {
		const limit = Math.ceil((Math.min(sinceMs + pageMs, toMs) - sinceMs) / timeframeMs[timeframe]);
		const fetch = await data.candles(symbol, timeframe, { sinceMs, limit });
		if (fetch.candles.length > 0)
			await recordCandles(context.pool, { batch: [batchOf(instrumentId, timeframe, fetch)], now });
	}
}
