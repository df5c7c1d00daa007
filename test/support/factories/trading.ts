/** From a signal to a position, step by step, through the functions that workers call. */
import type { Queryable } from '../../../src/database/functions/define.ts';
import { applyFills, claimTrades, recordOrderResult, submitOrder } from '../../../src/database/functions/trades.ts';
import type { RegimeDirection, Side, SignalDirection } from '../../../src/domain.ts';
import { type Bot, start } from './world.ts';

let made = 0;

export interface Decision {
	readonly outcome: string;
	readonly reasonCode: string;
	readonly signalId: number;
	readonly tradeId: string | null;
}

/** Decides one signal under the lock of the bot's account, as record_checks does. */
export async function decide(
	db: Queryable,
	bot: Bot,
	options: {
		direction?: SignalDirection;
		price?: number;
		candleAt?: Date;
		trigger?: string;
		regime?: RegimeDirection | null;
		quantity?: number;
		lots?: number;
		versionId?: number;
		trailingStopFraction?: number;
		atr?: number;
		stopLossFraction?: number;
		takeProfitFraction?: number;
		now?: Date;
	} = {},
): Promise<Decision> {
	const direction = options.direction ?? 'LONG';
	const now = options.now ?? start;
	const signal = {
		bot_id: bot.id,
		instrument_id: bot.instrumentId,
		direction,
		trigger_reason: options.trigger ?? (direction === 'CLOSE' ? 'EXIT_THRESHOLD' : 'ENTRY_THRESHOLD'),
		candle_at: (options.candleAt ?? now).toISOString(),
		price: options.price ?? 100,
		quantity: options.quantity ?? null,
		regime_direction: options.regime === undefined ? 'TRENDING_UP' : options.regime,
		stop_loss_fraction: options.stopLossFraction ?? null,
		take_profit_fraction: options.takeProfitFraction ?? null,
		lots: options.lots ?? null,
		strategy_version_id: options.versionId ?? null,
		trailing_stop_fraction: options.trailingStopFraction ?? null,
		atr: options.atr ?? null,
	};
	const { rows } = await db.query(
		`with locked as materialized (select id from botbox.accounts where id = $3 for no key update)
		select d.outcome, d.reason_code as "reasonCode", d.signal_id as "signalId", d.trade_id as "tradeId"
		from locked, lateral botbox.decide_signal(p_signal => jsonb_populate_record(null::botbox.signal_input, $1), p_now => $2) d`,
		[JSON.stringify(signal), now, bot.accountId],
	);
	return rows[0];
}

/** Decides, and insists that it was queued; answers the trade's id. */
export async function queueTrade(db: Queryable, bot: Bot, options: Parameters<typeof decide>[2] = {}): Promise<string> {
	const decision = await decide(db, bot, options);
	if (decision.tradeId === null || decision.outcome !== 'QUEUED')
		throw new Error(`not queued: ${decision.outcome} ${decision.reasonCode}`);
	return decision.tradeId;
}

export interface SentOrder {
	readonly tradeId: string;
	readonly orderId: number;
	readonly clientOrderId: string;
	readonly instrumentId: number;
	readonly accountId: number;
	readonly side: Side;
	readonly quantity: string;
}

export const workerId = 'worker-1';

/** Claims everything claimable, and commits the order of `tradeId` as SUBMITTING. */
export async function submitTrade(
	db: Queryable,
	tradeId: string,
	options: { now?: Date; liveAccounts?: string[]; workerId?: string } = {},
): Promise<SentOrder> {
	const { now = start, liveAccounts } = options;
	const worker = options.workerId ?? workerId;
	const claimed = await claimTrades(db, { workerId: worker, limit: 1_000, now, liveAccounts });
	const trade = claimed.find((row) => row.tradeId === tradeId);
	if (trade === undefined) throw new Error(`trade ${tradeId} could not be claimed`);
	made += 1;
	const clientOrderId = trade.clientOrderId ?? `test-${made}`;
	const [order] = await submitOrder(db, { tradeId, workerId: worker, clientOrderId, now });
	if (order === undefined) throw new Error(`trade ${tradeId} could not be submitted`);
	return { ...trade, orderId: order.orderId, clientOrderId };
}

/** As far as OPEN: queued, submitted, acknowledged under the exchange's id `ex-<order id>`. */
export async function openOrder(
	db: Queryable,
	bot: Bot,
	options: Parameters<typeof decide>[2] & { liveAccounts?: string[] } = {},
): Promise<SentOrder> {
	const order = await submitTrade(db, await queueTrade(db, bot, options), options);
	await acknowledge(db, order, options.now);
	return order;
}

export async function acknowledge(db: Queryable, order: SentOrder, now = start): Promise<void> {
	const result = 'ACKNOWLEDGED';
	await recordOrderResult(db, { orderId: order.orderId, workerId, result, exchangeOrderId: exchangeId(order), now });
}

export const exchangeId = (order: SentOrder): string => `ex-${order.orderId}`;

export interface FillOptions {
	readonly quantity?: number | string | undefined;
	readonly price?: number | string | undefined;
	readonly fee?: number | string | undefined;
	readonly feeAsset?: string | undefined;
	readonly at?: Date | undefined;
	readonly fillId?: string | undefined;
}

/** A `fill_input` of an order; by default of all of it, at 100, without a fee. */
export function fillOf(order: SentOrder, options: FillOptions = {}) {
	made += 1;
	return {
		instrument_id: order.instrumentId,
		exchange_order_id: exchangeId(order),
		exchange_fill_id: options.fillId ?? `fill-${made}`,
		client_order_id: order.clientOrderId,
		side: order.side,
		quantity: options.quantity ?? order.quantity,
		price: options.price ?? 100,
		fee: options.fee ?? 0,
		fee_asset: options.feeAsset ?? 'USDT',
		stop_kind: null as 'STOP_LOSS' | 'TAKE_PROFIT' | null,
		filled_at: (options.at ?? start).toISOString(),
	};
}

export async function applyFill(
	db: Queryable,
	order: SentOrder,
	options: FillOptions & { now?: Date } = {},
): Promise<void> {
	const [result] = await applyFills(db, {
		accountId: order.accountId,
		fills: [fillOf(order, options)],
		now: options.now ?? options.at ?? start,
	});
	if (result?.applied !== 1) throw new Error(`fill not applied: ${JSON.stringify(result)}`);
}

/** A bot's position, opened by an entry that was filled whole. */
export async function openPosition(
	db: Queryable,
	bot: Bot,
	options: Parameters<typeof openOrder>[2] & { fee?: number; feeAsset?: string } = {},
): Promise<{ id: number; order: SentOrder }> {
	const order = await openOrder(db, bot, options);
	await applyFill(db, order, {
		price: options.price ?? 100,
		fee: options.fee,
		feeAsset: options.feeAsset,
		at: options.now,
	});
	const { rows } = await db.query<{ id: number }>(
		`select id from botbox.positions where bot_id = $1 and instrument_id = $2 and status = 'OPEN'`,
		[bot.id, bot.instrumentId],
	);
	return { id: rows[0]!.id, order };
}
