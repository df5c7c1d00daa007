/** The `/_sim` paths: for tests and demonstrations, unmetered and unsigned. */
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import type { Exchange } from '../exchange.ts';
import type { Order } from '../state/entities.ts';
import { faultRequest } from './faults.ts';
import { parse } from './input.ts';
import type { Limits } from './limits.ts';
import { averagePrice } from './order-routes.ts';

const amount = z
	.union([z.string(), z.number().transform(String)])
	.refine((value) => Number(value) >= 0, 'expected an amount');
export const keyRequest = z
	.object({
		apiKey: z.string().min(1),
		secret: z.string().min(1),
		balances: z.record(z.string().min(1), amount).optional(),
		canWithdraw: z.boolean().optional(),
	})
	.strict();
export const priceRequest = z
	.object({
		symbol: z.string().min(1),
		price: z.coerce.number().positive(),
		category: z.enum(['spot', 'linear']).optional(),
	})
	.strict();
/** Within the limits that the instruments state. */
export const fundingRequest = z
	.object({ symbol: z.string().min(1), rate: z.number().min(-0.001).max(0.001).nullable() })
	.strict();
const figure = z.string().refine((value) => Number(value) > 0, 'expected a number above zero');
export const instrumentRequest = z
	.object({
		symbol: z.string().min(1),
		category: z.enum(['spot', 'linear']),
		minQty: figure.optional(),
		maxQty: figure.optional(),
		maxMarketQty: figure.optional(),
		minValue: figure.optional(),
		maxValue: figure.optional(),
		qtyStep: figure.optional(),
		tickSize: figure.optional(),
		isDelisted: z.boolean().optional(),
	})
	.strict();
const ordersRequest = z
	.object({ apiKey: z.string().optional(), symbol: z.string().optional(), stops: z.literal('all').optional() })
	.strict();

/** The answer to a `/_sim` request, or undefined where there is no such path. */
export function answerSim(
	exchange: Exchange,
	limits: Limits,
	method: string,
	path: string,
	input: unknown,
): object | undefined {
	switch (`${method} ${path}`) {
		case 'GET /_sim/orders': {
			const { stops, ...filter } = parse(ordersRequest, input);
			const orders = reportOrders(exchange, filter);
			// A position's stop becomes an order when it triggers; until then it is listed only when asked for.
			return { orders: stops === 'all' ? orders : orders.filter((order) => !isWaitingStop(order)) };
		}
		case 'GET /_sim/requests':
			return limits.report();
		case 'DELETE /_sim/bans':
			limits.liftBans();
			return { bans: [] };
		case 'POST /_sim/keys': {
			const { apiKey, secret, balances, canWithdraw } = parse(keyRequest, input);
			return { apiKey, balances: exchange.registerKey(apiKey, secret, balances, canWithdraw).balances };
		}
		case 'GET /_sim/faults':
			return { faults: exchange.store.faults };
		case 'POST /_sim/faults':
			return { fault: exchange.faults.add(parse(faultRequest, input)) };
		case 'DELETE /_sim/faults':
			exchange.faults.clear();
			return { faults: [] };
		case 'POST /_sim/prices': {
			const { symbol, price, category } = parse(priceRequest, input);
			if (!exchange.movePrice(symbol, price, category)) throw new ApiError(10001, `no market ${symbol}`);
			return { symbol, price };
		}
		case 'POST /_sim/funding': {
			const { symbol, rate } = parse(fundingRequest, input);
			if (!exchange.setFunding(symbol, rate)) throw new ApiError(10001, `no perpetual ${symbol}`);
			return { symbol, rate };
		}
		case 'POST /_sim/instruments': {
			const change = parse(instrumentRequest, input);
			if (!exchange.changeInstrument(change)) throw new ApiError(10001, `no market ${change.symbol}`);
			return change;
		}
		default:
			return undefined;
	}
}

/** Every order ever accepted, oldest first, with what was filled. */
export function reportOrders(
	exchange: Exchange,
	filter: { readonly apiKey?: string | undefined; readonly symbol?: string | undefined } = {},
): ReportedOrder[] {
	return [...exchange.store.orders.values()]
		.filter((order) => filter.apiKey === undefined || order.apiKey === filter.apiKey)
		.filter((order) => filter.symbol === undefined || order.symbol === filter.symbol)
		.map((order) => reportOrder(exchange, order));
}

export interface ReportedOrder
	extends Pick<
		Order,
		| 'orderId'
		| 'orderLinkId'
		| 'apiKey'
		| 'category'
		| 'symbol'
		| 'side'
		| 'orderType'
		| 'qty'
		| 'price'
		| 'orderStatus'
		| 'cumExecQty'
		| 'createType'
		| 'stopOrderType'
		| 'triggerPrice'
		| 'reduceOnly'
		| 'createdTime'
		| 'updatedTime'
	> {
	readonly avgPrice: string;
	readonly fills: readonly {
		readonly execId: string;
		readonly price: string;
		readonly qty: string;
		readonly fee: string;
		readonly feeCurrency: string;
		readonly time: number;
	}[];
}

/** A stop-loss or take-profit of a position that has not triggered, or never did. */
function isWaitingStop(order: ReportedOrder): boolean {
	const isStop = /^CreateBy(Partial)?(StopLoss|TakeProfit|TrailingStop)$/.test(order.createType);
	return isStop && (order.orderStatus === 'Untriggered' || order.orderStatus === 'Deactivated');
}

function reportOrder(exchange: Exchange, order: Order): ReportedOrder {
	const instrument = exchange.market.find(order.category, order.symbol)?.instrument;
	return {
		orderId: order.orderId,
		orderLinkId: order.orderLinkId,
		apiKey: order.apiKey,
		category: order.category,
		symbol: order.symbol,
		side: order.side,
		orderType: order.orderType,
		qty: order.qty,
		price: order.price,
		orderStatus: order.orderStatus,
		cumExecQty: order.cumExecQty,
		avgPrice: averagePrice(order, instrument?.priceDecimals ?? 8),
		createType: order.createType,
		stopOrderType: order.stopOrderType,
		triggerPrice: order.triggerPrice,
		reduceOnly: order.reduceOnly,
		createdTime: order.createdTime,
		updatedTime: order.updatedTime,
		fills: (exchange.store.executionsByOrder.get(order.orderId) ?? []).map((execution) => ({
			execId: execution.execId,
			price: execution.execPrice,
			qty: execution.execQty,
			fee: execution.execFee,
			feeCurrency: order.feeCurrency,
			time: execution.execTime,
		})),
	};
}
