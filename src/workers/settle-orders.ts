/**
 * What became of orders: fills are fetched and booked, ends are recorded, unknown orders are asked for until the exchange answers.
 *
 * Reads: orders not finished, the venue's orders and executions. Writes: through recover_orders, claim_unsettled_orders,
 * record_order_result, apply_fills, settle_order, resolve_missing_order. Idempotency key: the exchange's fill ids. A crash at
 * any line leaves orders that the next run asks for again.
 */
import { Decimal } from 'decimal.js';
import {
	applyFills,
	claimUnsettledOrders,
	recordOrderResult,
	recoverOrders,
	resolveMissingOrder,
	settleOrder,
	type UnsettledOrder,
} from '../database/functions/trades.ts';
import { errorMessage } from '../errors.ts';
import type { FillReport, OrderState, TradingVenue } from '../exchange/venue.ts';
import { done, type RunResult, type WorkerContext } from './context.ts';
import { crashPoint } from './crash-points.ts';

/** After sending, fills are looked for at once and then after these pauses; later the settling runs take over. */
const followPausesMs = [0, 150, 500, 1_200];
/** Longer than a trade's lease, the receive window and the call's timeout together: until then a request may be on its way. */
export const graceMs = 40_000;

/** An order that was acknowledged and whose end is to be learned. */
export interface FollowedOrder {
	readonly orderId: number;
	readonly accountId: number;
	readonly instrumentId: number;
	readonly symbol: string;
	readonly clientOrderId: string;
	readonly exchangeOrderId: string;
	readonly quantity: string;
}

/** Right after sending: a market order is mostly filled by the time it is asked for. Errors are left to the settling runs. */
export async function followOrder(context: WorkerContext, order: FollowedOrder, now?: Date): Promise<void> {
	try {
		const venue = await context.venues.tradingVenue(order.accountId);
		for (const pauseMs of followPausesMs) {
			if (pauseMs > 0) await context.sleep(pauseMs);
			const fills = await venue.fillsSince(0, { symbol: order.symbol, exchangeOrderId: order.exchangeOrderId });
			await bookFills(context, order.accountId, order.instrumentId, fills, now);
			const filled = fills.reduce((sum, fill) => sum.plus(fill.quantity), new Decimal(0));
			if (filled.gte(order.quantity)) return;
			// Without all of its fills only the exchange's own word says whether more will come.
			if (pauseMs >= 150 && (await settle(context, venue, order, now))) return;
		}
	} catch (error) {
		context.log.warn({ order: order.orderId, error: errorMessage(error) }, 'fills could not be fetched yet');
	}
}

export async function settleOrders(
	context: WorkerContext,
	options: { accountId?: number; now?: Date } = {},
): Promise<RunResult> {
	const { pool, log } = context;
	const { now, accountId } = options;
	const recovered = (await recoverOrders(pool, { now }))[0];
	crashPoint('settle:after-recover');
	if (recovered !== undefined && recovered.recoveredOrders + recovered.recoveredTrades + recovered.parkedTrades > 0) {
		log.warn(recovered, 'took up what an executor left behind');
	}
	const orders = await claimUnsettledOrders(pool, { accountId, now });
	if (orders.length > 0) crashPoint('settle:after-claim');
	for (const order of orders) {
		try {
			await settleOne(context, order, now);
		} catch (error) {
			log.warn({ order: order.orderId, error: errorMessage(error) }, 'order could not be asked for yet');
		}
	}
	return done;
}

async function settleOne(context: WorkerContext, order: UnsettledOrder, now?: Date): Promise<void> {
	const { pool, log, workerId } = context;
	const venue = await context.venues.tradingVenue(order.accountId);
	const state = await findByItsName(venue, order);
	crashPoint('settle:after-find-order');
	if (state === null) {
		if (order.status !== 'UNKNOWN') return;
		const result = await resolveMissingOrder(pool, { orderId: order.orderId, graceMs, now });
		crashPoint('settle:after-resolve-missing');
		if (result !== 'UNKNOWN') log.info({ order: order.orderId, result }, 'the exchange does not know the order');
		return;
	}
	if (order.status === 'UNKNOWN') {
		await recordOrderResult(pool, {
			orderId: order.orderId,
			workerId,
			result: 'ACKNOWLEDGED',
			exchangeOrderId: state.exchangeOrderId,
			now,
		});
		crashPoint('settle:after-record-found');
		log.info({ order: order.orderId, exchangeOrderId: state.exchangeOrderId }, 'unknown order found at the exchange');
	}
	const fills = await venue.fillsSince(0, { symbol: order.symbol, exchangeOrderId: state.exchangeOrderId });
	await bookFills(context, order.accountId, order.instrumentId, fills, now);
	if (state.status !== 'OPEN') {
		crashPoint('settle:before-settle-order');
		await settleOrder(pool, {
			orderId: order.orderId,
			status: state.status,
			filledQuantity: state.filledQuantity,
			now,
		});
		crashPoint('settle:after-settle-order');
	}
}

/** What the exchange made from a stop of ours has no client order id; unlike ours it has never been without the exchange's. */
async function findByItsName(venue: TradingVenue, order: UnsettledOrder): Promise<OrderState | null> {
	const { symbol, clientOrderId, exchangeOrderId } = order;
	if (clientOrderId !== null) return await venue.findOrder(symbol, clientOrderId);
	return exchangeOrderId === null ? null : await venue.findExchangeOrder(symbol, exchangeOrderId);
}

async function settle(context: WorkerContext, venue: TradingVenue, order: FollowedOrder, now?: Date): Promise<boolean> {
	const state = await venue.findOrder(order.symbol, order.clientOrderId);
	if (state === null || state.status === 'OPEN') return false;
	crashPoint('follow:before-settle');
	const status = await settleOrder(context.pool, {
		orderId: order.orderId,
		status: state.status,
		filledQuantity: state.filledQuantity,
		now,
	});
	crashPoint('follow:after-settle');
	return status === 'FILLED' || status === 'CANCELLED' || status === 'REJECTED';
}

export async function bookFills(
	context: WorkerContext,
	accountId: number,
	instrumentId: number,
	fills: readonly FillReport[],
	now?: Date,
): Promise<void> {
	if (fills.length === 0) return;
	crashPoint('fills:before-apply');
	await applyFills(context.pool, { accountId, fills: fills.map((fill) => toFillInput(instrumentId, fill)), now });
	crashPoint('fills:after-apply');
}

/** A `fill_input` of the database. */
export function toFillInput(instrumentId: number, fill: FillReport) {
	return {
		instrument_id: instrumentId,
		exchange_order_id: fill.exchangeOrderId,
		exchange_fill_id: fill.exchangeFillId,
		client_order_id: fill.clientOrderId,
		side: fill.side,
		quantity: fill.quantity,
		price: fill.price,
		fee: fill.fee,
		fee_asset: fill.feeAsset,
		stop_kind: fill.stopKind,
		filled_at: new Date(fill.filledAt).toISOString(),
	};
}
