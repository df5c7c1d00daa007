/** Amending and cancelling: https://bybit-exchange.github.io/docs/v5/order/amend-order and .../cancel-order, cancel-all */
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { add, compare, divide, multiply, subtract } from '../decimals.ts';
import type { Category } from '../market/instruments.ts';
import type { Account, Order } from '../state/entities.ts';
import { checkPrice, checkQty, checkStopsSide, text } from './checks.ts';
import { executeOrder } from './execute.ts';
import { cancelOrder } from './order-ends.ts';
import { findListing, isTraded, lastPrice, type Venue } from './venue.ts';
import { freeOf, leverageOf, openOrdersOf, summarizeMargin } from './wallet.ts';

const named = { category: text, symbol: text, orderId: text.optional(), orderLinkId: text.optional() };

export const amendOrderRequest = z.object({
	...named,
	qty: text.optional(),
	price: text.optional(),
	triggerPrice: text.optional(),
	takeProfit: text.optional(),
	stopLoss: text.optional(),
});

export const cancelOrderRequest = z.object({ ...named, orderFilter: text.optional() });

export const cancelAllRequest = z.object({
	category: text,
	symbol: text.optional(),
	baseCoin: text.optional(),
	settleCoin: text.optional(),
	orderFilter: text.optional(),
});

interface Name {
	readonly category: string;
	readonly orderId?: string | undefined;
	readonly orderLinkId?: string | undefined;
}

export function amendOrder(
	venue: Venue,
	account: Account,
	request: z.output<typeof amendOrderRequest>,
	now: number,
): Order {
	const listing = findListing(venue, request.category, request.symbol);
	const order = findOpen(venue, account, request, 'replace');
	const { priceDecimals } = listing.instrument;
	const price =
		request.price === undefined || order.orderType === 'Market'
			? order.price
			: checkPrice(venue, listing, order.side, request.price, now);
	const basis = price === '' ? lastPrice(listing, now) : price;
	const { marketUnit, reduceOnly } = order;
	const isMarket = order.orderType === 'Market';
	const qty =
		request.qty === undefined
			? order.qty
			: checkQty(listing, { qty: request.qty, price: basis, isMarket, marketUnit, reduceOnly });
	const fixed = (value: string | undefined, before: string): string =>
		value === undefined ? before : Number(value) === 0 ? '' : Number(value).toFixed(priceDecimals);
	const triggerPrice =
		order.orderStatus === 'Untriggered' ? fixed(request.triggerPrice, order.triggerPrice) : order.triggerPrice;
	const takeProfit = fixed(request.takeProfit, order.takeProfit);
	const stopLoss = fixed(request.stopLoss, order.stopLoss);
	checkStopsSide(order.side, { takeProfit, stopLoss }, basis);
	const wanted = { price, qty, triggerPrice, takeProfit, stopLoss };
	if ((Object.keys(wanted) as (keyof typeof wanted)[]).every((key) => wanted[key] === order[key]))
		throw new ApiError(10001, 'The order remains unchanged as the parameters entered match the existing ones.');
	if (compare(qty, order.cumExecQty) <= 0)
		throw new ApiError(110064, 'The number of contracts modified cannot be less than or equal to the filled quantity');
	checkMore(venue, account, order, { qty, price: basis }, now);
	Object.assign(order, wanted, { updatedTime: now });
	venue.store.putOrder(order);
	if (order.orderStatus !== 'Untriggered') executeOrder(venue, account, listing, order, now);
	return order;
}

/** A larger order needs the funds for what it adds. */
function checkMore(
	venue: Venue,
	account: Account,
	order: Order,
	wanted: { qty: string; price: string },
	now: number,
): void {
	if (order.orderStatus === 'Untriggered' || order.reduceOnly) return;
	const before = multiply(subtract(order.qty, order.cumExecQty), order.price === '' ? wanted.price : order.price);
	const after = multiply(subtract(wanted.qty, order.cumExecQty), wanted.price);
	if (order.category === 'linear') {
		const more = divide(subtract(after, before), leverageOf(account, order.symbol));
		if (compare(more, summarizeMargin(venue, account, now).available) > 0)
			throw new ApiError(110007, 'ab not enough for new order');
		return;
	}
	const { base, quote } = findListing(venue, 'spot', order.symbol).instrument;
	const isBuy = order.side === 'Buy';
	const more = isBuy ? subtract(after, before) : subtract(wanted.qty, order.qty);
	if (compare(more, add(freeOf(venue, account, isBuy ? quote : base, now), '0')) > 0)
		throw new ApiError(170131, 'Insufficient balance.');
}

export function cancelOne(
	venue: Venue,
	account: Account,
	request: z.output<typeof cancelOrderRequest>,
	now: number,
): Order {
	findListing(venue, request.category, request.symbol);
	const order = findOpen(venue, account, request, 'cancel');
	cancelOrder(venue, order, 'CancelByUser', now, 'EC_PerCancelRequest');
	return order;
}

export function cancelAll(
	venue: Venue,
	account: Account,
	request: z.output<typeof cancelAllRequest>,
	now: number,
): Order[] {
	const { category, symbol, baseCoin, settleCoin } = request;
	if (category === 'linear' && symbol === undefined && baseCoin === undefined && settleCoin === undefined)
		throw new ApiError(10001, 'symbol, baseCoin or settleCoin is required');
	const cancelled = openOrdersOf(venue, account.apiKey).filter((order) => {
		if (order.category !== category || (symbol !== undefined && order.symbol !== symbol)) return false;
		if (symbol === undefined && baseCoin !== undefined && !order.symbol.startsWith(baseCoin)) return false;
		// Spot cancels active orders only unless a filter is named; derivatives cancel all kinds.
		if (request.orderFilter === undefined) return category === 'linear' || order.orderFilter === 'Order';
		return order.orderFilter === request.orderFilter;
	});
	for (const order of cancelled) cancelOrder(venue, order, 'CancelByUser', now, 'EC_PerCancelRequest');
	return cancelled;
}

/** orderId goes before orderLinkId where both are given. */
export function findOrder(venue: Venue, account: Account, name: Name): Order | undefined {
	const { category, orderId, orderLinkId } = name;
	if (!isTraded(category)) return undefined;
	const order =
		orderId !== undefined && orderId !== ''
			? venue.store.orders.get(orderId)
			: venue.store.orderByLink(account.apiKey, category satisfies Category, orderLinkId ?? '');
	return order?.apiKey === account.apiKey && order.category === category ? order : undefined;
}

function findOpen(venue: Venue, account: Account, name: Name, verb: 'replace' | 'cancel'): Order {
	if ((name.orderId ?? '') === '' && (name.orderLinkId ?? '') === '')
		throw new ApiError(10001, 'orderId or orderLinkId is required');
	const order = findOrder(venue, account, name);
	if (order !== undefined && venue.store.open.has(order.orderId)) return order;
	if (name.category === 'spot') throw new ApiError(170213, 'Order does not exist.');
	throw new ApiError(110001, `order not exists or too late to ${verb}`);
}
