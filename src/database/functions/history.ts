/** Wrappers of the functions that keep history: backfills, gaps, funding rates, and what goes when its life is over. */
import { rowsFunction, valueFunction } from './define.ts';

/** The parts of a range that were not fetched yet, oldest first. `afresh`: all of it, also what was fetched before. */
export const beginBackfill = rowsFunction(
	'begin_backfill',
	{
		instrumentId: 'bigint',
		timeframe: 'timeframe',
		from: 'timestamptz',
		to: 'timestamptz',
		source: 'text?',
		afresh: 'boolean?',
		now: 'timestamptz?',
	},
	{ rangeFrom: 'timestamptz', rangeTo: 'timestamptz' },
);

export const createInstrument = valueFunction(
	'create_instrument',
	{
		exchangeId: 'text',
		symbol: 'text',
		marketType: 'market_type',
		baseAsset: 'text',
		quoteAsset: 'text',
		settleAsset: 'text',
		tickSize: 'numeric',
		lotSize: 'numeric',
		actor: 'text?',
		now: 'timestamptz?',
	},
	'bigint',
);

export const refreshCandleGaps = valueFunction(
	'refresh_candle_gaps',
	{ instrumentIds: 'bigint[]', since: 'timestamptz', now: 'timestamptz?' },
	'integer',
);

export const findDueGaps = rowsFunction(
	'find_due_gaps',
	{ limit: 'integer?', now: 'timestamptz?' },
	{
		instrumentId: 'bigint',
		exchangeId: 'text',
		symbol: 'text',
		timeframe: 'timeframe',
		gapFrom: 'timestamptz',
		gapTo: 'timestamptz',
	},
);
export type DueGap = Awaited<ReturnType<typeof findDueGaps>>[number];

/** `attempts`: [{ instrument_id, timeframe, gap_from, gap_to, error }], error null where the exchange answered. */
export const recordGapAttempts = valueFunction(
	'record_gap_attempts',
	{ attempts: 'jsonb', now: 'timestamptz?' },
	'integer',
);

export const findDueFunding = rowsFunction(
	'find_due_funding',
	{ now: 'timestamptz?' },
	{ instrumentId: 'bigint', exchangeId: 'text', symbol: 'text', sinceAt: 'timestamptz' },
);

/** `results`: [{ instrument_id, rates: [[funding_ms, rate]], error }], error null after a good fetch. */
export const recordFundingRates = valueFunction(
	'record_funding_rates',
	{ results: 'jsonb', now: 'timestamptz?' },
	'integer',
);

export const releaseMinutes = valueFunction(
	'release_minutes',
	{ instrumentId: 'bigint', actor: 'text?', now: 'timestamptz?' },
	'integer',
);

export const pruneMinutes = valueFunction(
	'prune_minutes',
	{ life: 'interval?', limit: 'integer?', now: 'timestamptz?' },
	'integer',
);

export const pruneChecks = valueFunction(
	'prune_checks',
	{ life: 'interval?', signalsLife: 'interval?', limit: 'integer?', now: 'timestamptz?' },
	'integer',
);

export const pruneSignals = valueFunction(
	'prune_signals',
	{ life: 'interval?', limit: 'integer?', now: 'timestamptz?' },
	'integer',
);

export const pruneHistory = valueFunction(
	'prune_history',
	{ ticksLife: 'interval?', equityLife: 'interval?', checkMinutesLife: 'interval?', now: 'timestamptz?' },
	'integer',
);

/** Counts the minutes that are over: bots that were due, checked in time, and what was recorded; answers how many minutes. */
export const recordCheckMinutes = valueFunction(
	'record_check_minutes',
	{ grace: 'interval?', now: 'timestamptz?' },
	'integer',
);
