/** Orders and executions of a key. */
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { absolute, divide, fromSteps, isZero, multiply } from '../decimals.ts';
import { type Execution, isOpen, type Order } from '../state/entities.ts';
import {
	amendOrder,
	amendOrderRequest,
	cancelAll,
	cancelAllRequest,
	cancelOne,
	cancelOrderRequest,
	findOrder,
} from '../trading/change-order.ts';
import { createOrder, createOrderRequest } from '../trading/create-order.ts';
import { findListing, isTraded } from '../trading/venue.ts';
import { leavesQty } from '../trading/wallet.ts';
import { limitOf, newestFirst, optionalText, optionalTime, page, parse } from './input.ts';
import type { PrivateCall, Route } from './route.ts';

export const orderRoutes: readonly Route[] = [
	{ method: 'POST', path: '/v5/order/create', access: 'private', limit: 'trade', handle: create },
	{ method: 'POST', path: '/v5/order/amend', access: 'private', limit: 'trade', handle: amend },
	{ method: 'POST', path: '/v5/order/cancel', access: 'private', limit: 'trade', handle: cancel },
	{ method: 'POST', path: '/v5/order/cancel-all', access: 'private', limit: 'trade', handle: cancelEvery },
	{ method: 'GET', path: '/v5/order/realtime', access: 'private', limit: 'read', handle: realtime },
	{ method: 'GET', path: '/v5/order/history', access: 'private', limit: 'read', handle: history },
	{ method: 'GET', path: '/v5/execution/list', access: 'private', limit: 'read', handle: executions },
];

const week = 7 * 86_400_000;

/** https://bybit-exchange.github.io/docs/v5/order/create-order: the answer has the ids only. */
function create({ venue, account, input, now }: PrivateCall): object {
	return idsOf(createOrder(venue, account, parse(createOrderRequest, input), now));
}

/** https://bybit-exchange.github.io/docs/v5/order/amend-order */
function amend({ venue, account, input, now }: PrivateCall): object {
	return idsOf(amendOrder(venue, account, parse(amendOrderRequest, input), now));
}

/** https://bybit-exchange.github.io/docs/v5/order/cancel-order */
function cancel({ venue, account, input, now }: PrivateCall): object {
	return idsOf(cancelOne(venue, account, parse(cancelOrderRequest, input), now));
}

/** https://bybit-exchange.github.io/docs/v5/order/cancel-all */
function cancelEvery({ venue, account, input, now }: PrivateCall): object {
	return { list: cancelAll(venue, account, parse(cancelAllRequest, input), now).map(idsOf), success: '1' };
}

function idsOf(order: Order): object {
	return { orderId: order.orderId, orderLinkId: order.orderLinkId };
}

const listRequest = z.object({
	category: z.enum(['spot', 'linear', 'inverse', 'option']),
	symbol: optionalText,
	baseCoin: optionalText,
	settleCoin: optionalText,
	orderId: optionalText,
	orderLinkId: optionalText,
	openOnly: optionalText,
	orderFilter: optionalText,
	orderStatus: optionalText,
	startTime: optionalTime,
	endTime: optionalTime,
	limit: limitOf(50, 20),
	cursor: optionalText,
});
type ListRequest = z.output<typeof listRequest>;

/** How many closed orders realtime still knows. */
const recentClosed = 500;

/** https://bybit-exchange.github.io/docs/v5/order/open-order: open ones; by id also the 500 most recent closed ones. */
function realtime({ venue, account, input }: PrivateCall): object {
	const request = parse(listRequest, input);
	const byId = request.orderId !== undefined || request.orderLinkId !== undefined;
	if (request.category === 'linear' && !byId && !request.symbol && !request.baseCoin && !request.settleCoin)
		throw new ApiError(10001, 'params error: symbol, settleCoin or baseCoin is required');
	const orders = ordersOf({ venue, account, request });
	const closed = byId || request.openOnly === '1' || request.openOnly === '2';
	const recent = closed ? recentOf(orders) : orders.filter(isOpen);
	return answer(request, page(recent, request.limit, request.cursor), describeWith({ venue }));
}

/** https://bybit-exchange.github.io/docs/v5/order/order-list: what is over, of seven days unless asked otherwise. */
function history({ venue, account, input, now }: PrivateCall): object {
	const request = parse(listRequest, input);
	const byId = request.orderId !== undefined || request.orderLinkId !== undefined;
	const [from, to] = timesOf(request, now);
	const orders = ordersOf({ venue, account, request }).filter(
		(order) =>
			!isOpen(order) &&
			(request.orderStatus === undefined || order.orderStatus === request.orderStatus) &&
			(byId || (order.createdTime >= from && order.createdTime <= to)),
	);
	return answer(request, page(orders, request.limit, request.cursor), describeWith({ venue }));
}

function timesOf(
	request: { startTime?: number | undefined; endTime?: number | undefined },
	now: number,
): [number, number] {
	const { startTime, endTime } = request;
	if (startTime !== undefined && endTime !== undefined && endTime - startTime > week)
		throw new ApiError(10001, 'The time range between startTime and endTime cannot exceed 7 days');
	if (startTime !== undefined) return [startTime, endTime ?? startTime + week];
	return [(endTime ?? now) - week, endTime ?? now];
}

/** The key's orders that the request names, newest first. */
function ordersOf({
	venue,
	account,
	request,
}: Pick<PrivateCall, 'venue' | 'account'> & { request: ListRequest }): Order[] {
	if (!isTraded(request.category)) return [];
	if (request.orderId !== undefined || request.orderLinkId !== undefined) {
		const order = findOrder(venue, account, request);
		return order === undefined || !passesFilter(order, request) ? [] : [order];
	}
	const wanted: Order[] = [];
	for (const order of newestFirst(venue.store.ordersOf(account.apiKey))) {
		if (order.category !== request.category || !passesFilter(order, request)) continue;
		if (request.symbol !== undefined && order.symbol !== request.symbol) continue;
		if (request.symbol === undefined && request.baseCoin !== undefined) {
			const base = venue.market.find(order.category, order.symbol)?.instrument.base;
			if (base !== request.baseCoin) continue;
		}
		wanted.push(order);
	}
	return wanted;
}

function passesFilter(order: Order, request: ListRequest): boolean {
	return request.orderFilter === undefined || order.orderFilter === request.orderFilter;
}

function recentOf(orders: readonly Order[]): Order[] {
	let closed = 0;
	return orders.filter((order) => {
		if (isOpen(order)) return true;
		closed += 1;
		return closed <= recentClosed;
	});
}

function answer<Item>(
	request: { readonly category: string },
	found: { readonly list: readonly Item[]; readonly nextPageCursor: string },
	describe: (item: Item) => object,
): object {
	return { category: request.category, nextPageCursor: found.nextPageCursor, list: found.list.map(describe) };
}

function describeWith({ venue }: Pick<PrivateCall, 'venue'>): (order: Order) => object {
	return (order) =>
		describeOrder(order, venue.market.find(order.category, order.symbol)?.instrument.priceDecimals ?? 8);
}

/** An order as the order pages show it. */
export function describeOrder(order: Order, priceDecimals: number): object {
	const leaves = isOpen(order) ? leavesQty(order) : '0';
	const price = order.price === '' ? '0' : order.price;
	const zero = fromSteps(0, priceDecimals);
	const shared = {
		orderId: order.orderId,
		orderLinkId: order.orderLinkId,
		blockTradeId: '',
		symbol: order.symbol,
		price,
		qty: order.qty,
		side: order.side,
		isLeverage: order.category === 'spot' ? '0' : '',
		positionIdx: 0,
		orderStatus: order.orderStatus,
		cancelType: order.cancelType,
		rejectReason: order.rejectReason,
		avgPrice: averagePrice(order, priceDecimals),
		leavesQty: leaves,
		leavesValue: multiply(leaves, price),
		cumExecQty: order.cumExecQty,
		cumExecValue: order.cumExecValue,
		cumExecFee: order.cumExecFee,
		cumFeeDetail: order.feeCurrency === '' ? {} : { [order.feeCurrency]: order.cumExecFee },
		timeInForce: order.timeInForce,
		orderType: order.orderType,
		stopOrderType: order.stopOrderType,
		orderIv: '',
		marketUnit: order.marketUnit,
		slippageToleranceType: 'UNKNOWN',
		slippageTolerance: '',
		triggerPrice: order.triggerPrice === '' ? zero : order.triggerPrice,
		takeProfit: order.takeProfit,
		stopLoss: order.stopLoss,
		tpTriggerBy: order.tpTriggerBy,
		slTriggerBy: order.slTriggerBy,
		tpLimitPrice: order.tpLimitPrice,
		slLimitPrice: order.slLimitPrice,
		triggerDirection: order.triggerDirection,
		triggerBy: order.triggerBy,
		lastPriceOnCreated: order.lastPriceOnCreated,
		reduceOnly: order.reduceOnly,
		closeOnTrigger: order.closeOnTrigger,
		placeType: '',
		smpType: 'None',
		smpGroup: 0,
		smpOrderId: '',
		createdTime: String(order.createdTime),
		updatedTime: String(order.updatedTime),
	};
	// Spot orders have neither of these keys; clients tell the two kinds apart by them.
	return order.category === 'spot'
		? shared
		: { ...shared, createType: order.createType, tpslMode: order.tpslMode || 'UNKNOWN' };
}

export function averagePrice(order: Order, priceDecimals: number): string {
	if (isZero(order.cumExecQty)) return '';
	return Number(divide(order.cumExecValue, order.cumExecQty)).toFixed(priceDecimals + 2);
}

const executionsRequest = z.object({
	category: z.enum(['spot', 'linear', 'inverse', 'option']),
	symbol: optionalText,
	orderId: optionalText,
	orderLinkId: optionalText,
	baseCoin: optionalText,
	startTime: optionalTime,
	endTime: optionalTime,
	execType: optionalText,
	limit: limitOf(100, 50),
	cursor: optionalText,
});

/** https://bybit-exchange.github.io/docs/v5/order/execution: newest first, seven days unless asked otherwise. */
function executions({ venue, account, input, now }: PrivateCall): object {
	const request = parse(executionsRequest, input);
	const [from, to] = timesOf(request, now);
	const byId = request.orderId !== undefined || request.orderLinkId !== undefined;
	const order = byId ? findOrder(venue, account, request) : undefined;
	const ofOrder = order === undefined ? [] : (venue.store.executionsByOrder.get(order.orderId) ?? []);
	const listing =
		request.symbol === undefined || byId ? undefined : findListing(venue, request.category, request.symbol);
	const passes = (execution: Execution): boolean =>
		execution.apiKey === account.apiKey &&
		execution.category === request.category &&
		(request.execType === undefined || execution.execType === request.execType) &&
		(byId || (execution.execTime >= from && execution.execTime <= to)) &&
		(listing === undefined || execution.symbol === listing.instrument.symbol);
	const wanted = function* (): Generator<Execution> {
		for (const execution of newestFirst(byId ? ofOrder : venue.store.executions)) {
			// Executions are in the order of time: nothing older can follow.
			if (!byId && execution.execTime < from) return;
			if (passes(execution)) yield execution;
		}
	};
	return answer(request, page(wanted(), request.limit, request.cursor), describeExecution);
}

function describeExecution(execution: Execution): object {
	const { apiKey: _, category, sequence, createType, ...fields } = execution;
	return {
		...fields,
		...(category === 'spot' ? {} : { createType }),
		execQty: absolute(execution.execQty),
		execTime: String(execution.execTime),
		underlyingPrice: '',
		indexPrice: '',
		tradeIv: '',
		markIv: '',
		blockTradeId: '',
		extraFees: '',
		seq: sequence,
	};
}
