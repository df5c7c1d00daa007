/**
 * The feed: one call per instrument and minute for all bots of all workers.
 *
 * Reads: feeds (claimed), the exchange's candles. Writes: candles, roll-ups, feed freshness, through record_candles.
 * Idempotent by (instrument, timeframe, opening time). A crash at any line leaves claims that lapse after 15 s, and
 * candles that the next fetch asks for again; pages of a long history are stored one by one (feed-history.ts).
 */
import { refreshCandleGaps } from '../database/functions/history.ts';
import {
	type ClaimedFeed,
	claimFeeds,
	findUncoveredWindows,
	recordCandles,
	recordFetches,
} from '../database/functions/market.ts';
import type { Pool } from '../database/pool.ts';
import { lastClosedOpen, type Timeframe, timeframeMs } from '../domain.ts';
import { errorMessage } from '../errors.ts';
import type { CandleFetch, MarketData } from '../exchange/venue.ts';
import { batchOf, type CandleBatch } from './candle-batch.ts';
import { fetchHistory, pageCandles } from './feed-history.ts';
import { inParallel } from './in-parallel.ts';

export interface FeedContext {
	readonly pool: Pool;
	readonly workerId: string;
	marketData(exchangeId: string): Promise<MarketData>;
}

export interface FeedRound {
	readonly fetched: number;
	readonly failed: readonly { readonly symbol: string; readonly error: string }[];
}

/** At most this many calls of one round are under way at once; the limiter paces them. */
const concurrency = 8;
/** Minutes fetched first, so that the next quarter of an hour can be rolled up whole. */
const firstMinutes = 120;
/** How long after a minute's end its candle is waited for before the market counts as silent. */
const patienceMs = 5_000;
/**
 * A feed that is further behind, as after a day without workers, begins with the present again: claim_feeds names its windows as
 * still to be backfilled then. What lies between is a gap like others and is refetched as such.
 */
const longestCatchUpMs = pageCandles * timeframeMs['1m'];

/** Fetches every due feed, or the named ones at once. Time of `now` is the database's own if left out. */
export async function fetchFeeds(
	context: FeedContext,
	options: { instrumentIds?: readonly number[]; now?: Date } = {},
): Promise<FeedRound> {
	const { pool, workerId } = context;
	const { instrumentIds, now } = options;
	const feeds = await claimFeeds(pool, { workerId, instrumentIds, now });
	if (feeds.length === 0) return { fetched: 0, failed: [] };

	const batch: CandleBatch[] = [];
	const behind: ClaimedFeed[] = [];
	const results: { instrument_id: number; error: string | null }[] = [];
	await inParallel(feeds, concurrency, async (feed) => {
		try {
			const { candles, isComplete, isBehind } = await fetchFeed(context, feed, now);
			batch.push(...candles);
			if (isBehind) behind.push(feed);
			results.push({
				instrument_id: feed.instrumentId,
				error: isComplete ? null : 'the newest candle is not there yet',
			});
		} catch (error) {
			results.push({ instrument_id: feed.instrumentId, error: errorMessage(error) });
		}
	});
	if (batch.length > 0) await recordCandles(pool, { batch, now });
	await fetchUncovered(context, feeds, now);
	for (const { instrumentId, lastCandleAt } of behind) {
		if (lastCandleAt !== null)
			await refreshCandleGaps(pool, { instrumentIds: [instrumentId], since: lastCandleAt, now });
	}
	await recordFetches(pool, { results, workerId, now });

	const symbols = new Map(feeds.map((feed) => [feed.instrumentId, feed.symbol]));
	return {
		fetched: results.filter(({ error }) => error === null).length,
		failed: results.flatMap(({ instrument_id, error }) =>
			error === null ? [] : [{ symbol: symbols.get(instrument_id) ?? '', error }],
		),
	};
}

interface FetchedFeed {
	readonly candles: readonly CandleBatch[];
	/** Up to the newest closed minute: the feed is fresh. */
	readonly isComplete: boolean;
	/** It began with the present again and left a gap. */
	readonly isBehind: boolean;
}

async function fetchFeed(context: FeedContext, feed: ClaimedFeed, now?: Date): Promise<FetchedFeed> {
	const { pool } = context;
	const { instrumentId, symbol } = feed;
	const data = await context.marketData(feed.exchangeId);
	const windows = feed.windows as readonly { timeframe: Timeframe; candles: number }[];
	const needed = windows.find(({ timeframe }) => timeframe === '1m')?.candles ?? 0;
	const found: CandleBatch[] = [];

	// History first: the exchange's own candles of each timeframe that strategies look at.
	for (const { timeframe, candles } of windows) {
		if (timeframe === '1m') continue;
		const fetch = await fetchHistory(pool, data, { instrumentId, symbol, timeframe, count: candles, now });
		found.push(batchOf(instrumentId, timeframe, fetch, { backfilled: candles }));
	}

	const lastAt = feed.lastCandleAt?.getTime() ?? null;
	const isBehind = lastAt !== null && (now ?? new Date()).getTime() - lastAt > longestCatchUpMs;
	const isFollowing = lastAt !== null && needed === 0 && !isBehind;
	const count = Math.max(needed, isBehind ? pageCandles - 1 : firstMinutes);
	const minutes = isFollowing
		? // The last known minute comes again, in case the exchange corrected it.
			await data.candles(symbol, '1m', { sinceMs: lastAt, limit: pageCandles })
		: await fetchHistory(pool, data, { instrumentId, symbol, timeframe: '1m', count, now });
	const isComplete = !isFollowing || isUpToDate(minutes);
	found.push(
		batchOf(instrumentId, '1m', minutes, {
			fetched_at: isComplete ? new Date(minutes.fetchedAt).toISOString() : null,
			backfilled: needed > 0 ? needed : null,
		}),
	);
	return { candles: found, isComplete, isBehind };
}

function isUpToDate(minutes: CandleFetch): boolean {
	const newest = minutes.candles.at(-1)?.[0] ?? null;
	const expected = lastClosedOpen(minutes.fetchedAt, '1m');
	if (newest === expected) return true;
	// Right after a minute's end the exchange may not have closed its candle; a market that is silent for longer has none.
	const isEarly = minutes.fetchedAt - (expected + timeframeMs['1m']) < patienceMs;
	// A full answer that ends before the present is one of several: the feed is catching up.
	const isTruncated = minutes.candles.length >= pageCandles - 1 && newest !== null && newest < expected;
	return !(isEarly || isTruncated);
}

/** Windows that closed with minutes missing cannot be rolled up: the exchange's own candle is fetched, if it has one. */
async function fetchUncovered(context: FeedContext, feeds: readonly ClaimedFeed[], now?: Date): Promise<void> {
	const windows = await findUncoveredWindows(context.pool, {
		instrumentIds: feeds.map((feed) => feed.instrumentId),
		now,
	});
	if (windows.length === 0) return;
	const byId = new Map(feeds.map((feed) => [feed.instrumentId, feed]));
	const batch: CandleBatch[] = [];
	await inParallel(windows, concurrency, async ({ instrumentId, timeframe, openAt }) => {
		const feed = byId.get(instrumentId);
		if (feed === undefined) return;
		const data = await context.marketData(feed.exchangeId);
		// A failure here costs nothing but this candle for now: the window is found again the next minute.
		const fetch = await data.candles(feed.symbol, timeframe, { sinceMs: openAt.getTime(), limit: 2 }).catch(() => null);
		if (fetch !== null && fetch.candles.length > 0) batch.push(batchOf(instrumentId, timeframe, fetch));
	});
	if (batch.length > 0) await recordCandles(context.pool, { batch, now });
}
