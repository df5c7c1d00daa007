/** Wrappers of the functions that schedule, claim and record checks. */
import { rowsFunction, valueFunction } from './define.ts';

export const findDueBots = rowsFunction(
	'find_due_bots',
	{ now: 'timestamptz?', limit: 'integer?' },
	{ botId: 'bigint', dueAt: 'timestamptz' },
);

export const recordTick = valueFunction(
	'record_tick',
	{ workerId: 'text', dueBots: 'integer', durationMs: 'double precision', now: 'timestamptz?' },
	'void',
);

const claimColumns = {
	strategyVersionId: 'bigint?',
	accountId: 'bigint?',
	instrumentId: 'bigint?',
	dataFetchedAt: 'timestamptz?',
	dataRevision: 'bigint?',
	dataHistoryRevision: 'bigint?',
	positionDirection: 'direction?',
	positionQuantity: 'numeric?',
	positionEntryPrice: 'numeric?',
	positionLots: 'integer?',
	positionOpenedAt: 'timestamptz?',
	furtherInstrumentIds: 'bigint[]?',
	furtherRevisions: 'bigint[]?',
	furtherHistoryRevisions: 'bigint[]?',
} as const;

/** `jobs`: [{ bot_id, due_at }]. Verdicts: CLAIMED, BUSY, NOT_READY, GONE. */
export const claimChecks = rowsFunction(
	'claim_checks',
	{ jobs: 'jsonb', workerId: 'text', leaseMs: 'integer?', waitMs: 'integer?', now: 'timestamptz?' },
	{ botId: 'bigint', dueAt: 'timestamptz', verdict: 'text', ...claimColumns },
);
export type ClaimedCheck = Awaited<ReturnType<typeof claimChecks>>[number];

export const claimManualCheck = rowsFunction(
	'claim_manual_check',
	{ botId: 'bigint', workerId: 'text', leaseMs: 'integer?', now: 'timestamptz?' },
	{ verdict: 'text', ...claimColumns },
);

export const releaseChecks = valueFunction('release_checks', { botIds: 'bigint[]', workerId: 'text' }, 'integer');

export const loadStrategyVersions = rowsFunction(
	'load_strategy_versions',
	{ ids: 'bigint[]' },
	{
		id: 'bigint',
		strategyName: 'text',
		parameters: 'jsonb',
		timeframe: 'timeframe',
		history: 'integer',
		furtherWindows: 'jsonb',
		maxLots: 'integer',
	},
);
export type StrategyVersion = Awaited<ReturnType<typeof loadStrategyVersions>>[number];

/** `checks`: an array of the composite type `check_input`, its fields in snake case. */
export const recordChecks = rowsFunction(
	'record_checks',
	{ checks: 'jsonb', workerId: 'text', now: 'timestamptz?' },
	{
		botId: 'bigint',
		dueAt: 'timestamptz',
		kind: 'check_kind',
		outcome: 'check_outcome',
		reasonCode: 'text',
		signalId: 'bigint?',
		tradeId: 'uuid?',
	},
);

/** At most one row. */
export const findSignalBasis = rowsFunction(
	'find_signal_basis',
	{ signalId: 'bigint' },
	{
		botId: 'bigint',
		strategyName: 'text',
		strategyVersionId: 'bigint',
		parameters: 'jsonb',
		timeframe: 'timeframe',
		history: 'integer',
		furtherWindows: 'jsonb',
		instrumentId: 'bigint',
		furtherInstrumentIds: 'bigint[]?',
		candleAt: 'timestamptz',
		decidedAt: 'timestamptz',
		score: 'double precision?',
		factors: 'jsonb?',
		positionDirection: 'direction?',
		positionQuantity: 'numeric?',
		positionEntryPrice: 'numeric?',
		positionLots: 'integer?',
		positionOpenedAt: 'timestamptz?',
	},
);
export type SignalBasis = Awaited<ReturnType<typeof findSignalBasis>>[number];
