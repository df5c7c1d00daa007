/** Wrappers of the functions that guard the exchange and the account: limiter, breaker, pauses, alerts, reconciliation. */
import { rowsFunction, valueFunction } from './define.ts';

/**
 * `refusal`: RATE_LIMIT or BREAKER_OPEN, null if granted. `grantedCalls` may be fewer than `calls`: `retryAfterMs` says when
 * to ask for the rest. A grant lapses after 250 ms. `isUrgent`: may take the tokens that are kept for closes.
 */
export const acquireCall = rowsFunction(
	'acquire_call',
	{
		exchangeId: 'text',
		workerId: 'text',
		accountKey: 'text?',
		accountBucket: 'text?',
		weight: 'integer?',
		ipKey: 'text?',
		ipBucket: 'text?',
		calls: 'integer?',
		isUrgent: 'boolean?',
		patienceMs: 'integer?',
		now: 'timestamptz?',
	},
	{
		isGranted: 'boolean',
		grantedCalls: 'integer',
		refusal: 'text?',
		retryAfterMs: 'integer',
		isProbe: 'boolean',
		consecutiveFailures: 'integer',
	},
);

/** Answers the limit before; null: there is no such limit. Throws check_violation for what is not positive. */
export const setRateLimit = valueFunction(
	'set_rate_limit',
	{
		exchangeId: 'text',
		scope: 'limit_scope',
		bucket: 'text',
		windowMs: 'integer',
		publishedLimit: 'numeric',
		actor: 'text?',
		now: 'timestamptz?',
	},
	'numeric?',
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
		blockedForMs: 'integer?',
		reason: 'text?',
		now: 'timestamptz?',
	},
	'void',
);

export const recordExchangeResult = valueFunction(
	'record_exchange_result',
	{ exchangeId: 'text', isSuccess: 'boolean', error: 'text?', bannedForMs: 'integer?', now: 'timestamptz?' },
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
		cancelQueued: 'boolean?',
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

/** False: acknowledged before, or resolved already; null: there is no such alert. */
export const acknowledgeAlert = valueFunction(
	'acknowledge_alert',
	{ id: 'bigint', actor: 'text', now: 'timestamptz?' },
	'boolean?',
);

/**
 * `positions`: [{ symbol, quantity, entry_price }] signed; `balances`: { asset: total }; `openOrders`: [{ symbol, exchange_order_id,
 * client_order_id, side, quantity, filled_quantity, reduce_only, stop_kind }].
 */
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
	{ accountId: 'bigint', asset: 'text', booked: 'numeric?', entries: 'numeric?', total: 'numeric?' },
);

/** The same by running totals, without reading the entries. */
export const checkBalances = rowsFunction(
	'check_balances',
	{},
	{ accountId: 'bigint', asset: 'text', booked: 'numeric?', total: 'numeric?' },
);

export const monitorHealth = valueFunction('monitor_health', { now: 'timestamptz?' }, 'integer');

/** False: an alert names the differences. */
export const monitorLedger = valueFunction('monitor_ledger', { isWhole: 'boolean?', now: 'timestamptz?' }, 'boolean');

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
		fundingSyncedTo: 'timestamptz?',
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

/** `positions`: [{ symbol, quantity, stop_loss_price, take_profit_price }] as the exchange has them; prices null where it has none. */
export const findProtectionGaps = rowsFunction(
	'find_protection_gaps',
	{ accountId: 'bigint', positions: 'jsonb', askedAt: 'timestamptz', now: 'timestamptz?' },
	{
		positionId: 'bigint',
		symbol: 'text',
		mustHandOver: 'boolean',
		stopLossPrice: 'text?',
		takeProfitPrice: 'text?',
		foundStopLossPrice: 'text?',
		foundTakeProfitPrice: 'text?',
	},
);
export type ProtectionGap = Awaited<ReturnType<typeof findProtectionGaps>>[number];

/** False: the position is closed, or the guard has it already. */
export const guardPosition = valueFunction(
	'guard_position',
	{ positionId: 'bigint', reason: 'text', now: 'timestamptz?' },
	'boolean',
);

export const findStopsInTheWay = rowsFunction(
	'find_stops_in_the_way',
	{ accountId: 'bigint', instrumentId: 'bigint', botId: 'bigint' },
	{ positionId: 'bigint' },
);

/** `ratio`: maintenance margin / margin balance. Answers whether the account was moved to REDUCING. */
export const recordMarginRatio = valueFunction(
	'record_margin_ratio',
	{ accountId: 'bigint', ratio: 'numeric?', now: 'timestamptz?' },
	'boolean',
);

/** `code`: CREDENTIALS_REFUSED or CREDENTIALS_UNREADABLE. False: `credentials` are no longer those of the account. */
export const refuseCredentials = valueFunction(
	'refuse_credentials',
	{ accountId: 'bigint', code: 'text', message: 'text', credentials: 'bytea?', now: 'timestamptz?' },
	'boolean',
);

/** Answers how many of its alerts stand. */
export const monitorInstruments = valueFunction('monitor_instruments', { now: 'timestamptz?' }, 'integer');
