/** Wrappers of the functions that keep instruments, candles, prices and what follows from them. */
import { rowsFunction, valueFunction } from './define.ts';

/** `instruments`: the exchange's whole list, fields as the columns of `instruments`. */
export const recordInstruments = valueFunction(
	'record_instruments',
	{ exchangeId: 'text', instruments: 'jsonb', now: 'timestamptz?' },
	'integer',
);

/** `windows` of a row: [{ timeframe, candles }] still to be backfilled. */
export const claimFeeds = rowsFunction(
	'claim_feeds',
	{ workerId: 'text', limit: 'integer?', leaseMs: 'integer?', instrumentIds: 'bigint[]?', now: 'timestamptz?' },
	{
		instrumentId: 'bigint',
		exchangeId: 'text',
		symbol: 'text',
		fetchedAt: 'timestamptz?',
		lastCandleAt: 'timestamptz?',
		windows: 'jsonb',
	},
);
export type ClaimedFeed = Awaited<ReturnType<typeof claimFeeds>>[number];

/**
 * `batch`: [{ instrument_id, timeframe, candles: [[open_ms, o, h, l, c, v]], fetched_at, refused_rows, backfilled, source,
 * covered_from, covered_to }]; with a source (FEED, BACKFILL, IMPORT) the range is noted as covered in the same transaction.
 */
export const recordCandles = rowsFunction(
	'record_candles',
	{ batch: 'jsonb', now: 'timestamptz?' },
	{ instrumentId: 'bigint', stored: 'integer', rolledUp: 'integer' },
);

/** `results`: [{ instrument_id, error }], error null after a good fetch. */
export const recordFetches = valueFunction(
	'record_fetches',
	{ results: 'jsonb', workerId: 'text', now: 'timestamptz?' },
	'void',
);

export const findUncoveredWindows = rowsFunction(
	'find_uncovered_windows',
	{ instrumentIds: 'bigint[]', now: 'timestamptz?' },
	{ instrumentId: 'bigint', timeframe: 'timeframe', openAt: 'timestamptz' },
);

/**
 * `requests`: [{ instrument_id, timeframe, candles }], and where a window is held already [{ first_at, last_at, known, recorded,
 * history_revision }] besides: then a row that is not whole has only the candles from `last_at` on. `recordedAt` is in epoch
 * microseconds; `historyRevision` is the feed's as of this answer, null without a feed.
 */
export const loadCandleWindows = rowsFunction(
	'load_candle_windows',
	{ requests: 'jsonb', now: 'timestamptz?' },
	{
		instrumentId: 'bigint',
		timeframe: 'timeframe',
		isWhole: 'boolean',
		candles: 'integer',
		openAt: 'double precision[]',
		open: 'double precision[]',
		high: 'double precision[]',
		low: 'double precision[]',
		close: 'double precision[]',
		volume: 'double precision[]',
		recordedAt: 'double precision[]',
		historyRevision: 'bigint?',
		previousDirection: 'regime_direction?',
		previousVolatility: 'regime_volatility?',
	},
);

/** `windows`: [{ instrument_id, timeframe, first_at, last_at }]. */
export const findLateCandles = rowsFunction(
	'find_late_candles',
	{ windows: 'jsonb', since: 'timestamptz', limit: 'integer?' },
	{ instrumentId: 'bigint', timeframe: 'timeframe', openAt: 'timestamptz', recordedAt: 'timestamptz' },
);

/** `held`: [{ instrument_id, last_at, revision }], the newest rate's time in epoch ms; those of which it is all are left out of the answer. */
export const loadFundingRates = rowsFunction(
	'load_funding_rates',
	{ instrumentIds: 'bigint[]', limit: 'integer?', held: 'jsonb?', now: 'timestamptz?' },
	{ instrumentId: 'bigint', fundingAt: 'double precision[]', rate: 'double precision[]', revision: 'bigint?' },
);

/** `tickers`: [{ symbol, bid, ask, last, mark, quoted_at }]. */
export const recordTickers = valueFunction(
	'record_tickers',
	{ exchangeId: 'text', tickers: 'jsonb', now: 'timestamptz?' },
	'integer',
);

export const correlationsAreDue = valueFunction('correlations_are_due', { now: 'timestamptz?' }, 'boolean');

export const refreshCorrelations = valueFunction('refresh_correlations', { now: 'timestamptz?' }, 'integer');

export const findDataAges = rowsFunction(
	'find_data_ages',
	{ instrumentIds: 'bigint[]' },
	{ instrumentId: 'bigint', fetchedAt: 'timestamptz?', revision: 'bigint', historyRevision: 'bigint' },
);

export const findInstruments = rowsFunction(
	'find_instruments',
	{ exchangeId: 'text', symbols: 'text[]?' },
	{
		id: 'bigint',
		symbol: 'text',
		exchangeSymbol: 'text',
		marketType: 'market_type',
		baseAsset: 'text',
		quoteAsset: 'text',
		settleAsset: 'text',
		isTrading: 'boolean',
	},
);
