/** Wrappers of the functions that guard the exchange and the account: limiter, breaker, pauses, alerts, reconciliation. */
import { rowsFunction, valueFunction } from './define.ts';

/** `refusal`: RATE_LIMIT or BREAKER_OPEN, null if granted; a grant lapses after 1 s. */
export const acquireCall = rowsFunction(
	'acquire_call',
	{
		exchangeId: 'text',
		workerId: 'text',
		accountKey: 'text?',
		accountBucket: 'text?',
		weight: 'integer?',
		ipKey: 'text?',
		now: 'timestamptz?',
	},
	{
		isGranted: 'boolean',
		refusal: 'text?',
		retryAfterMs: 'integer',
		isProbe: 'boolean',
		consecutiveFailures: 'integer',
	},
);

export const recordLimitReport = valueFunction(
	'record_limit_report',
	{
		exchangeId: 'text',
		scope: 'limit_scope',
		scopeKey: 'text',
		bucket: 'text',
		used: 'numeric?',
		limit: 'numeric?',
		blockedUntil: 'timestamptz?',
		reason: 'text?',
		now: 'timestamptz?',
	},
	'void',
);

export const recordExchangeResult = valueFunction(
	'record_exchange_result',
	{ exchangeId: 'text', isSuccess: 'boolean', error: 'text?', bannedUntil: 'timestamptz?', now: 'timestamptz?' },
	'breaker_state',
);

/** `until` null: held until it is reset. Null: no such exchange. */
export const openBreaker = valueFunction(
	'open_breaker',
	{ exchangeId: 'text', reason: 'text', until: 'timestamptz?', actor: 'text?', now: 'timestamptz?' },
	'breaker_state?',
);

/** Answers the state before; null: no such exchange. */
export const resetBreaker = valueFunction(
	'reset_breaker',
	{ exchangeId: 'text', actor: 'text?', now: 'timestamptz?' },
	'breaker_state?',
);

export const pauseEntries = valueFunction(
	'pause_entries',
	{
		scope: 'pause_scope',
		reason: 'text',
		exchangeId: 'text?',
		accountId: 'bigint?',
		botId: 'bigint?',
		liftsAt: 'timestamptz?',
		actor: 'text?',
		now: 'timestamptz?',
	},
	'bigint',
);

export const resumeEntries = valueFunction(
	'resume_entries',
	{
		scope: 'pause_scope',
		exchangeId: 'text?',
		accountId: 'bigint?',
		botId: 'bigint?',
		actor: 'text?',
		now: 'timestamptz?',
	},
	'integer',
);

/** Answers how many accounts it moved to REDUCING. */
export const guardAccounts = valueFunction('guard_accounts', { now: 'timestamptz?' }, 'integer');

/** Answers how many bots it paused. */
export const pauseLosingBots = valueFunction('pause_losing_bots', { now: 'timestamptz?' }, 'integer');

export const raiseAlert = valueFunction(
	'raise_alert',
	{ code: 'text', severity: 'severity', subject: 'text', message: 'text', details: 'jsonb?', now: 'timestamptz?' },
	'bigint',
);

export const resolveAlert = valueFunction(
	'resolve_alert',
	{ code: 'text', subject: 'text', now: 'timestamptz?' },
	'boolean',
);

/** False: there is no such alert. Throws 55000 for one that is resolved. */
export const acknowledgeAlert = valueFunction(
	'acknowledge_alert',
	{ alertId: 'bigint', actor: 'text?', now: 'timestamptz?' },
	'boolean',
);

/** `positions`: [{ symbol, quantity, entry_price }] signed; `balances`: { asset: total }; `openOrders`: [{ symbol, exchange_order_id, client_order_id, quantity, stop_kind }]. */
export const reconcileAccount = rowsFunction(
	'reconcile_account',
	{
		accountId: 'bigint',
		positions: 'jsonb',
		balances: 'jsonb',
		openOrders: 'jsonb',
		askedAt: 'timestamptz',
		now: 'timestamptz?',
	},
	{ difference: 'text', subject: 'text', booked: 'numeric?', reported: 'numeric?' },
);

/** The comparison is made by the next worker that may; answers how many of the accounts were compared before. */
export const requestReconciliation = valueFunction(
	'request_reconciliation',
	{ accountIds: 'bigint[]', now: 'timestamptz?' },
	'integer',
);

/** `differences`: open alerts of positions and balances that are not the exchange's, in words. */
export const findReconciliations = rowsFunction(
	'find_reconciliations',
	{ accountIds: 'bigint[]', since: 'timestamptz' },
	{ accountId: 'bigint', name: 'text', isCompared: 'boolean', differences: 'text[]' },
);

/** `duties`: [{ name, interval_ms }]. */
export const claimDuties = rowsFunction(
	'claim_duties',
	{ duties: 'jsonb', workerId: 'text', now: 'timestamptz?' },
	{ claimDuties: 'text' },
);

export const checkLedger = rowsFunction(
	'check_ledger',
	{},
	{ accountId: 'bigint', asset: 'text', booked: 'numeric?', entries: 'numeric?' },
);

export const monitorHealth = valueFunction('monitor_health', { now: 'timestamptz?' }, 'integer');

/** False: an alert says which kind of difference. */
export const monitorLedger = valueFunction('monitor_ledger', { now: 'timestamptz?' }, 'boolean');

export const recordHeartbeat = valueFunction(
	'record_heartbeat',
	{
		workerId: 'text',
		host: 'text',
		processId: 'integer',
		roles: 'text[]',
		version: 'text',
		startedAt: 'timestamptz',
		figures: 'jsonb?',
		isStopping: 'boolean?',
		now: 'timestamptz?',
	},
	'void',
);

export const findFollowedAccounts = rowsFunction(
	'find_followed_accounts',
	{ liveAccounts: 'text[]?' },
	{
		accountId: 'bigint',
		name: 'text',
		exchangeId: 'text',
		mode: 'account_mode',
		fillsSyncedTo: 'timestamptz?',
		reconciledAt: 'timestamptz?',
		hasStopsAtExchange: 'boolean',
	},
);
export type FollowedAccount = Awaited<ReturnType<typeof findFollowedAccounts>>[number];

export const recordFillsSynced = valueFunction(
	'record_fills_synced',
	{ accountId: 'bigint', syncedTo: 'timestamptz' },
	'void',
);

export const loadExchangesInUse = rowsFunction(
	'load_exchanges_in_use',
	{},
	{ exchangeId: 'text', marketTypes: 'text[]' },
);
