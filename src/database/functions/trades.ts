/** Wrappers of the functions that carry trades to the exchange and book what came of them. */
import { rowsFunction, valueFunction } from './define.ts';

export const claimTrades = rowsFunction(
	'claim_trades',
	{
		workerId: 'text',
		limit: 'integer?',
		leaseMs: 'integer?',
		liveAccounts: 'text[]?',
		reconciledSince: 'timestamptz?',
		now: 'timestamptz?',
	},
	{
		tradeId: 'uuid',
		botId: 'bigint',
		accountId: 'bigint',
		accountMode: 'account_mode',
		exchangeId: 'text',
		instrumentId: 'bigint',
		symbol: 'text',
		marketType: 'market_type',
		direction: 'signal_direction',
		side: 'side',
		quantity: 'text',
		price: 'text',
		leverage: 'text',
		/** ISOLATED or CROSS; null: it stays as it is at the exchange. */
		marginMode: 'text?',
		/** Leverage and margin mode stand at the exchange already. */
		isPrepared: 'boolean',
		stopLossPrice: 'text?',
		takeProfitPrice: 'text?',
		protection: 'protection',
		attempts: 'integer',
		claimedUntil: 'timestamptz',
		orderId: 'bigint?',
		clientOrderId: 'text?',
		queuedAt: 'timestamptz',
	},
);
export type ClaimedTrade = Awaited<ReturnType<typeof claimTrades>>[number];

export const releaseTrades = valueFunction(
	'release_trades',
	{ tradeIds: 'uuid[]', workerId: 'text', retryAfterMs: 'integer?', error: 'text?', now: 'timestamptz?' },
	'integer',
);

/** What the exchange has taken for an account's instrument. */
export const recordInstrumentSettings = valueFunction(
	'record_instrument_settings',
	{ accountId: 'bigint', instrumentId: 'bigint', leverage: 'numeric', marginMode: 'text?', now: 'timestamptz?' },
	'void',
);

/** No row: nothing may be sent. */
export const submitOrder = rowsFunction(
	'submit_order',
	{ tradeId: 'uuid', workerId: 'text', clientOrderId: 'text', now: 'timestamptz?' },
	{
		orderId: 'bigint',
		clientOrderId: 'text',
		sendCount: 'integer',
		sendDeadline: 'timestamptz',
		isReduceOnly: 'boolean',
	},
);

/** `result`: ACKNOWLEDGED, REFUSED, NOT_ACCEPTED or UNKNOWN. */
export const recordOrderResult = valueFunction(
	'record_order_result',
	{
		orderId: 'bigint',
		workerId: 'text',
		result: 'text',
		exchangeOrderId: 'text?',
		code: 'text?',
		message: 'text?',
		now: 'timestamptz?',
	},
	'text',
);

/** `fills`: an array of the composite type `fill_input`, its fields in snake case. */
export const applyFills = rowsFunction(
	'apply_fills',
	{ accountId: 'bigint', fills: 'jsonb', now: 'timestamptz?' },
	{ applied: 'integer', repeated: 'integer', foreignFills: 'integer' },
);

export const settleOrder = valueFunction(
	'settle_order',
	{ orderId: 'bigint', status: 'order_status', filledQuantity: 'numeric', now: 'timestamptz?' },
	'order_status',
);

export const resolveMissingOrder = valueFunction(
	'resolve_missing_order',
	{ orderId: 'bigint', graceMs: 'integer', now: 'timestamptz?' },
	'text',
);

export const recoverOrders = rowsFunction(
	'recover_orders',
	{ now: 'timestamptz?' },
	{ recoveredOrders: 'integer', recoveredTrades: 'integer', parkedTrades: 'integer' },
);

export const claimUnsettledOrders = rowsFunction(
	'claim_unsettled_orders',
	{ accountId: 'bigint?', limit: 'integer?', now: 'timestamptz?' },
	{
		orderId: 'bigint',
		accountId: 'bigint',
		exchangeId: 'text',
		accountMode: 'account_mode',
		instrumentId: 'bigint',
		symbol: 'text',
		marketType: 'market_type',
		clientOrderId: 'text?',
		exchangeOrderId: 'text?',
		status: 'order_status',
		quantity: 'text',
		filledQuantity: 'text',
		sentAt: 'timestamptz?',
		unknownSince: 'timestamptz?',
	},
);
export type UnsettledOrder = Awaited<ReturnType<typeof claimUnsettledOrders>>[number];

export const expireTrades = valueFunction('expire_trades', { now: 'timestamptz?' }, 'integer');
export const retryCloses = valueFunction('retry_closes', { now: 'timestamptz?' }, 'integer');
/** Answers how many trades it cancelled or queued. */
export const balancePairs = valueFunction('balance_pairs', { now: 'timestamptz?' }, 'integer');
/** `outcome` of an ENTRY: CANCELLED, SETTLING; of a POSITION: QUEUED, CLOSING, WRITTEN_OFF, REFUSED. */
export const flattenPositions = rowsFunction(
	'flatten_positions',
	{
		scope: 'pause_scope',
		exchangeId: 'text?',
		accountId: 'bigint?',
		botId: 'bigint?',
		reason: 'text?',
		actor: 'text?',
		now: 'timestamptz?',
	},
	{
		kind: 'text',
		botId: 'bigint',
		accountId: 'bigint',
		symbol: 'text',
		positionId: 'bigint?',
		tradeId: 'uuid?',
		outcome: 'text',
		reasonCode: 'text?',
	},
);
/** Answers how many trades it cancelled or queued. */
export const resumeFlattening = valueFunction('resume_flattening', { now: 'timestamptz?' }, 'integer');
/** Null: no such trade. Throws 55000 unless it is PARKED with an UNKNOWN order, check_violation for an impossible fill. */
export const resolveTrade = valueFunction(
	'resolve_trade',
	{
		tradeId: 'uuid',
		isFilled: 'boolean',
		reason: 'text',
		quantity: 'numeric?',
		price: 'numeric?',
		fee: 'numeric?',
		feeAsset: 'text?',
		exchangeOrderId: 'text?',
		actor: 'text?',
		now: 'timestamptz?',
	},
	'trade_status?',
);
/** Answers how many trades were approved, both legs of a pair; null: no trade that is asked about. Throws 55000 if decided before, ended or too late. */
export const approveTrade = valueFunction(
	'approve_trade',
	{ tradeId: 'uuid', actor: 'text', reason: 'text?', now: 'timestamptz?' },
	'integer?',
);
/** Answers how many trades were rejected, both legs of a pair; null: no trade that is asked about. Throws 55000 if it ended or may have been sent. */
export const rejectTrade = valueFunction(
	'reject_trade',
	{ tradeId: 'uuid', actor: 'text', reason: 'text', now: 'timestamptz?' },
	'integer?',
);
export const moveBestPrices = valueFunction(
	'move_best_prices',
	{ maxAgeMs: 'integer?', now: 'timestamptz?' },
	'integer',
);
export const queueExits = valueFunction('queue_exits', { maxAgeMs: 'integer?', now: 'timestamptz?' }, 'integer');

/** Answers the paper venue's order id, null if the client order id was used before. */
export const submitPaperOrder = valueFunction(
	'submit_paper_order',
	{
		accountId: 'bigint',
		instrumentId: 'bigint',
		clientOrderId: 'text',
		side: 'side',
		quantity: 'numeric',
		price: 'numeric',
		reduceOnly: 'boolean?',
		now: 'timestamptz?',
	},
	'bigint?',
);

export const findPaperOrders = rowsFunction(
	'find_paper_orders',
	{ accountId: 'bigint', clientOrderId: 'text?', since: 'timestamptz?', limit: 'integer?' },
	{
		id: 'bigint',
		instrumentId: 'bigint',
		symbol: 'text',
		clientOrderId: 'text',
		side: 'side',
		quantity: 'text',
		price: 'text',
		fee: 'text',
		feeAsset: 'text',
		filledAt: 'timestamptz',
	},
);

/** `payments`: [{ symbol, asset, amount, reference, paid_at }]. */
export const recordFundingPayments = valueFunction(
	'record_funding_payments',
	{ accountId: 'bigint', payments: 'jsonb', syncedTo: 'timestamptz?', now: 'timestamptz?' },
	'integer',
);
