/** Wrappers of the functions by which people change things: accounts, strategies, bots, tokens. */
import { rowsFunction, valueFunction } from './define.ts';

export const createAccount = valueFunction(
	'create_account',
	{
		name: 'text',
		exchangeId: 'text',
		mode: 'account_mode',
		settleAsset: 'text',
		capital: 'numeric',
		credentials: 'bytea?',
		balances: 'jsonb?',
		limits: 'jsonb?',
		actor: 'text?',
		now: 'timestamptz?',
	},
	'bigint',
);

/** Locks the rows: within a transaction. */
export const lockCredentials = rowsFunction(
	'lock_credentials',
	{},
	{ accountId: 'bigint', name: 'text', credentials: 'bytea' },
);

export const replaceCredentials = valueFunction(
	'replace_credentials',
	{ accountId: 'bigint', credentials: 'bytea', actor: 'text?', now: 'timestamptz?' },
	'void',
);

/** `balances`: { asset: total }. Answers how many assets were opened; 0 once the ledger has entries. */
export const recordOpeningBalances = valueFunction(
	'record_opening_balances',
	{ accountId: 'bigint', balances: 'jsonb', now: 'timestamptz?' },
	'integer',
);

/** `limits`: { name: value }, null removes one. Answers all limits; null: there is no such account. Throws check_violation. */
export const setAccountLimits = valueFunction(
	'set_account_limits',
	{ accountId: 'bigint', limits: 'jsonb', actor: 'text?', now: 'timestamptz?' },
	'jsonb?',
);

export const setAccountStatus = valueFunction(
	'set_account_status',
	{ accountId: 'bigint', status: 'account_status', reason: 'text?', actor: 'text?', now: 'timestamptz?' },
	'account_status?',
);

/** `marginMode`: ISOLATED, CROSS, or null: as it is at the exchange. False: no change; null: no such account. Throws check_violation. */
export const setMarginMode = valueFunction(
	'set_margin_mode',
	{ accountId: 'bigint', marginMode: 'text?', actor: 'text?', now: 'timestamptz?' },
	'boolean?',
);

/** `kind`: TRANSFER or CORRECTION; `amount` signed, in `asset`. False: booked before under this reference. */
export const bookAdjustment = valueFunction(
	'book_adjustment',
	{
		accountId: 'bigint',
		kind: 'text',
		asset: 'text',
		amount: 'numeric',
		reference: 'text',
		reason: 'text',
		actor: 'text?',
		now: 'timestamptz?',
	},
	'boolean?',
);

export const setExchangeAddress = valueFunction(
	'set_exchange_address',
	{ exchangeId: 'text', baseUrl: 'text' },
	'boolean',
);

/** `strategies`: [{ id, name, title, default_interval_minutes }]. */
export const recordStrategies = valueFunction('record_strategies', { strategies: 'jsonb' }, 'integer');

export const recordStrategyVersion = valueFunction(
	'record_strategy_version',
	{
		strategyId: 'text',
		parameters: 'jsonb',
		timeframe: 'timeframe',
		history: 'integer',
		favourableRegimes: 'text[]',
		maxLots: 'integer?',
		furtherWindows: 'jsonb?',
		legs: 'integer?',
		now: 'timestamptz?',
	},
	'bigint',
);

export const createBot = valueFunction(
	'create_bot',
	{
		name: 'text',
		strategyVersionId: 'bigint',
		accountId: 'bigint',
		instrumentId: 'bigint',
		intervalMinutes: 'integer',
		sizing: 'sizing_kind',
		sizingValue: 'numeric',
		leverage: 'numeric?',
		actor: 'text?',
		isDueAtOnce: 'boolean?',
		isAdaptive: 'boolean?',
		furtherInstrumentIds: 'bigint[]?',
		maxPositionNotional: 'numeric?',
		execution: 'execution_mode?',
		now: 'timestamptz?',
	},
	'bigint',
);

/** Without `maxPositionNotional` its position is not limited. False: there is no such bot. */
export const setBotLimit = valueFunction(
	'set_bot_limit',
	{ botId: 'bigint', maxPositionNotional: 'numeric?', actor: 'text?', now: 'timestamptz?' },
	'boolean',
);

/** Holds the bot until the transaction ends. False: there is no such bot, or it is deleted. */
export const lockBot = valueFunction('lock_bot', { botId: 'bigint' }, 'boolean');

/** Holds the account until the transaction ends. False: there is no such account. */
export const lockAccount = valueFunction('lock_account', { accountId: 'bigint' }, 'boolean');

/** `changes`: columns of `bots` that a person may change, in snake case. False: there is no such bot. Throws check_violation. */
export const changeBot = valueFunction(
	'change_bot',
	{ botId: 'bigint', changes: 'jsonb', actor: 'text?', now: 'timestamptz?' },
	'boolean',
);

/** All or none; bots that do not exist or are deleted are left out of the answer. */
export const setBotsStatus = rowsFunction(
	'set_bots_status',
	{ botIds: 'bigint[]', status: 'bot_status', reason: 'text?', actor: 'text?', now: 'timestamptz?' },
	{ botId: 'bigint', status: 'bot_status', isChanged: 'boolean' },
);

/** Null: there is no such bot. */
export const setBotStatus = valueFunction(
	'set_bot_status',
	{ botId: 'bigint', status: 'bot_status', reason: 'text?', actor: 'text?', now: 'timestamptz?' },
	'bot_status?',
);

/**
 * `steps`: the first counts at once and has no time, the others rise by number and time. Answers how many; null: there is no such account.
 * Throws check_violation, in words for people, for steps that do not rise.
 */
export const planRollout = valueFunction(
	'plan_rollout',
	{ accountId: 'bigint', steps: 'jsonb', actor: 'text?', now: 'timestamptz?' },
	'integer?',
);

/** Answers how many steps were given up; null: there is no such account. `isUnlimited` removes the limit, too. */
export const cancelRollout = valueFunction(
	'cancel_rollout',
	{ accountId: 'bigint', isUnlimited: 'boolean?', actor: 'text?', now: 'timestamptz?' },
	'integer?',
);

/** Raises limits whose step is due and starts bots that wait, unless something stands against it; answers how many have started. */
export const takeRolloutSteps = valueFunction('take_rollout_steps', { now: 'timestamptz?' }, 'integer');

/** The bots that moved. Throws check_violation for a bot of another strategy or with other legs, and then none has moved. */
export const setBotsStrategyVersion = rowsFunction(
	'set_bots_strategy_version',
	{ botIds: 'bigint[]', strategyVersionId: 'bigint', actor: 'text?', now: 'timestamptz?' },
	{ botId: 'bigint', name: 'text', fromVersion: 'integer', toVersion: 'integer' },
);

export const createToken = valueFunction(
	'create_token',
	{
		name: 'text',
		role: 'token_role',
		tokenHash: 'bytea',
		expiresAt: 'timestamptz?',
		actor: 'text?',
		now: 'timestamptz?',
	},
	'bigint',
);

export const revokeToken = valueFunction(
	'revoke_token',
	{ tokenId: 'bigint', actor: 'text?', now: 'timestamptz?' },
	'boolean',
);

export const authenticateToken = rowsFunction(
	'authenticate_token',
	{ tokenHash: 'bytea', now: 'timestamptz?' },
	{ tokenId: 'bigint', name: 'text', role: 'token_role' },
);
