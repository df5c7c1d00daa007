/**
 * The feed: one call per instrument and minute for all bots of all workers.
 *
 * Reads: feeds (claimed), the exchange's candles. Writes: candles, roll-ups, feed freshness, through record_candles.
 * Idempotent by (instrument, timeframe, opening time). A crash at any line leaves claims that lapse after 15 s, and
 * candles that the next fetch asks for again.
 */

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

export interface FeedContext {
	readonly pool: Pool;
	readonly workerId: string;
	marketData(exchangeId: string): Promise<MarketData>;
}

export interface FeedRound {
	readonly fetched: number;
	readonly failed: readonly { readonly symbol: string; readonly error: string }[];
}

interface FetchedCandles {
	readonly instrument_id: number;
	readonly timeframe: Timeframe;
	readonly candles: CandleFetch['candles'];
	readonly fetched_at: string | null;
	readonly refused_rows: number;
	readonly backfilled: number | null;
}

/** At most this many calls of one round are under way at once; the limiter paces them. */
const concurrency = 8;
/** Exchanges answer with at most a thousand candles. */
const maxCandles = 1_000;
/** Minutes fetched first, so that the next quarter of an hour can be rolled up whole. */
const firstMinutes = 120;
/** How long after a minute's end its candle is waited for before the market counts as silent. */
const patienceMs = 5_000;

/** Fetches every due feed, or the named ones at once. Time of `now` is the database's own if left out. */
export async function fetchFeeds(
	context: FeedContext,
	options: { instrumentIds?: readonly number[]; now?: Date } = {},
): Promise<FeedRound> {
	const { pool, workerId } = context;
	const { instrumentIds, now } = options;
	const feeds = await claimFeeds(pool, { workerId, instrumentIds, now });
	if (feeds.length === 0) return { fetched: 0, failed: [] };

	const batch: FetchedCandles[] = [];
	const results: { instrument_id: number; error: string | null }[] = [];
	await inParallel(feeds, async (feed) => {
		try {
			const { candles, isComplete } = await fetchFeed(context, feed);
			batch.push(...candles);
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
	await recordFetches(pool, { results, workerId, now });

	const symbols = new Map(feeds.map((feed) => [feed.instrumentId, feed.symbol]));
	return {
		fetched: results.filter(({ error }) => error === null).length,
		failed: results.flatMap(({ instrument_id, error }) =>
			error === null ? [] : [{ symbol: symbols.get(instrument_id) ?? '', error }],
		),
	};
}

async function fetchFeed(
	context: FeedContext,
	feed: ClaimedFeed,
): Promise<{ candles: FetchedCandles[]; isComplete: boolean }> {
	const data = await context.marketData(feed.exchangeId);
	const windows = feed.windows as readonly { timeframe: Timeframe; candles: number }[];
	const needed = windows.find(({ timeframe }) => timeframe === '1m')?.candles ?? 0;
	const found: FetchedCandles[] = [];

	// History first: the exchange's own candles of each timeframe that strategies look at.
	for (const { timeframe, candles } of windows) {
		if (timeframe === '1m') continue;
		const fetch = await fetchBack(data, feed.symbol, timeframe, candles);
		found.push(toBatch(feed.instrumentId, timeframe, fetch, candles));
	}

	const lastAt = feed.lastCandleAt?.getTime() ?? null;
	const minutes =
		lastAt === null || needed > 0
			? await fetchBack(data, feed.symbol, '1m', Math.max(needed, firstMinutes))
			: // The last known minute comes again, in case the exchange corrected it.
				await data.candles(feed.symbol, '1m', { sinceMs: lastAt, limit: maxCandles });
	const newest = minutes.candles.at(-1)?.[0] ?? null;
	const expected = lastClosedOpen(minutes.fetchedAt, '1m');
	// Right after a minute's end the exchange may not have closed its candle; a market that is silent for longer has none.
	const isEarly = minutes.fetchedAt - (expected + timeframeMs['1m']) < patienceMs;
	// A full answer that ends before the present is one of several: the feed is catching up.
	const isTruncated =
		minutes.candles.length >= maxCandles - 1 && newest !== null && newest < expected && lastAt !== null;
	const isComplete = newest === expected || lastAt === null || !(isEarly || isTruncated);
	const batch = toBatch(feed.instrumentId, '1m', minutes, needed > 0 ? needed : null);
	found.push(isComplete ? batch : { ...batch, fetched_at: null });
	return { candles: found, isComplete };
}

/** The newest `count` closed candles, in as many calls as it takes. */
async function fetchBack(data: MarketData, symbol: string, timeframe: Timeframe, count: number): Promise<CandleFetch> {
	// One more for the unclosed candle, which the gateway drops.
	const newest = await data.candles(symbol, timeframe, { limit: Math.min(count + 1, maxCandles) });
	const candles = [...newest.candles];
	let refusedRows = newest.refusedRows;
	const length = timeframeMs[timeframe];
	while (candles.length > 0 && candles.length < count) {
		const first = candles[0]?.[0] ?? 0;
		const limit = Math.min(count - candles.length, maxCandles);
		const older = await data.candles(symbol, timeframe, { sinceMs: first - limit * length, limit });
		const before = older.candles.filter(([openAt]) => openAt < first);
		if (before.length === 0) break;
		candles.unshift(...before);
		refusedRows += older.refusedRows;
	}
	return { candles, refusedRows, fetchedAt: newest.fetchedAt };
}

/** Windows that closed with minutes missing cannot be rolled up: the exchange's own candle is fetched, if it has one. */
async function fetchUncovered(context: FeedContext, feeds: readonly ClaimedFeed[], now?: Date): Promise<void> {
	const windows = await findUncoveredWindows(context.pool, {
		instrumentIds: feeds.map((feed) => feed.instrumentId),
		now,
	});
	if (windows.length === 0) return;
	const byId = new Map(feeds.map((feed) => [feed.instrumentId, feed]));
	const batch: FetchedCandles[] = [];
	await inParallel(windows, async ({ instrumentId, timeframe, openAt }) => {
		const feed = byId.get(instrumentId);
		if (feed === undefined) return;
		const data = await context.marketData(feed.exchangeId);
		// A failure here costs nothing but this candle for now: the window is found again the next minute.
		const fetch = await data.candles(feed.symbol, timeframe, { sinceMs: openAt.getTime(), limit: 2 }).catch(() => null);
		if (fetch !== null && fetch.candles.length > 0)
			batch.push({ ...toBatch(instrumentId, timeframe, fetch, null), fetched_at: null });
	});
	if (batch.length > 0) await recordCandles(context.pool, { batch, now });
}

function toBatch(
	instrumentId: number,
	timeframe: Timeframe,
	fetch: CandleFetch,
	backfilled: number | null,
): FetchedCandles {
	return {
		instrument_id: instrumentId,
		timeframe,
		candles: fetch.candles,
		fetched_at: new Date(fetch.fetchedAt).toISOString(),
		refused_rows: fetch.refusedRows,
		backfilled,
	};
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
	const queue = [...items];
	const next = async (): Promise<void> => {
		for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
	};
	await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, next));
}
