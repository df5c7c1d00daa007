/** Accepting an order. https://bybit-exchange.github.io/docs/v5/order/create-order */
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { absolute, compare, fromSteps, isZero, negate } from '../decimals.ts';
import type { Listing } from '../market/market.ts';
import type { Account, Order } from '../state/entities.ts';
import { checkLinkId, checkPrice, checkQty, checkStopsSide, positiveText, text, triggerBy } from './checks.ts';
import { executeOrder } from './execute.ts';
import { hasFunds } from './funds.ts';
import { newOrder } from './new-order.ts';
import { findListing, lastPrice, type Venue } from './venue.ts';
import { openOrdersOf } from './wallet.ts';

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')]);

export const createOrderRequest = z.object({
	category: text,
	symbol: text,
	side: z.enum(['Buy', 'Sell']),
	orderType: z.enum(['Market', 'Limit']),
	qty: text,
	marketUnit: z.enum(['baseCoin', 'quoteCoin']).optional(),
	price: text.optional(),
	timeInForce: z.enum(['GTC', 'IOC', 'FOK', 'PostOnly']).optional(),
	positionIdx: z.coerce.number().optional(),
	orderLinkId: text.optional(),
	orderFilter: z.enum(['Order', 'StopOrder', 'tpslOrder']).optional(),
	triggerDirection: z.coerce
		.number()
		.pipe(z.union([z.literal(0), z.literal(1), z.literal(2)]))
		.optional(),
	triggerPrice: text.optional(),
	triggerBy: triggerBy.optional(),
	takeProfit: text.optional(),
	stopLoss: text.optional(),
	tpTriggerBy: triggerBy.optional(),
	slTriggerBy: triggerBy.optional(),
	tpslMode: z.enum(['Full', 'Partial']).optional(),
	tpLimitPrice: text.optional(),
	slLimitPrice: text.optional(),
	reduceOnly: flag.optional(),
	closeOnTrigger: flag.optional(),
	slippageToleranceType: z.enum(['TickSize', 'Percent']).optional(),
	slippageTolerance: positiveText.optional(),
});
type CreateOrderRequest = z.output<typeof createOrderRequest>;

/** Active orders of one key and symbol, and untriggered ones. */
const mostActiveOrders = 500;
const mostConditionalOrders = 10;

export function createOrder(venue: Venue, account: Account, request: CreateOrderRequest, now: number): Order {
	const listing = findListing(venue, request.category, request.symbol);
	checkListed(listing);
	const order = buildOrder(venue, account, listing, request, now);
	checkCounts(venue, order);
	if (order.triggerPrice === '') {
		checkReduceOnly(venue, order);
		checkFunds(venue, account, listing, order, now);
	} else if (order.orderFilter === 'tpslOrder') checkFunds(venue, account, listing, order, now);
	venue.store.putOrder(order);
	if (order.triggerPrice === '') executeOrder(venue, account, listing, order, now);
	return order;
}

/** Bybit takes a delisted market off its list; what was held there it settles itself. */
function checkListed({ instrument: { isDelisted, category } }: Listing): void {
	if (isDelisted !== true) return;
	if (category === 'spot') throw new ApiError(170121, 'Invalid symbol.');
	throw new ApiError(10001, 'Not supported symbols');
}

function buildOrder(venue: Venue, account: Account, listing: Listing, request: CreateOrderRequest, now: number): Order {
	const { category } = listing.instrument;
	const isMarket = request.orderType === 'Market';
	const orderLinkId = request.orderLinkId ?? '';
	checkLinkId(venue, account, category, orderLinkId);
	if ((request.positionIdx ?? 0) !== 0) throw new ApiError(10001, 'position idx not match position mode');
	const marketUnit = marketUnitOf(request, category);
	const reduceOnly = category === 'linear' && (request.reduceOnly ?? false);
	const price = isMarket ? '' : checkPrice(venue, listing, request.side, request.price, now);
	const last = lastPrice(listing, now);
	// Zero quantity, reduce-only and close-on-trigger together close the position whatever its size.
	const size = venue.store.position(account.apiKey, request.symbol)?.size ?? '0';
	const closesAll = reduceOnly && request.closeOnTrigger === true && Number(request.qty) === 0;
	const asked = closesAll ? absolute(size) : request.qty;
	const basis = price === '' ? last : price;
	const qty = checkQty(listing, { qty: asked, price: basis, isMarket, marketUnit, reduceOnly });
	const stops = stopsOf(listing, request, basis);
	const trigger = triggerOf(listing, request, last);
	return newOrder(venue, {
		apiKey: account.apiKey,
		category,
		symbol: request.symbol,
		side: request.side,
		orderType: request.orderType,
		timeInForce: isMarket ? 'IOC' : (request.timeInForce ?? 'GTC'),
		orderLinkId,
		qty,
		price,
		marketUnit,
		worstPrice: worstPriceOf(venue, listing, request, now),
		reduceOnly,
		closeOnTrigger: request.closeOnTrigger ?? false,
		lastPriceOnCreated: last,
		...trigger,
		...stops,
		now,
	});
}

/** Spot market buys are by value unless told otherwise; sells are by quantity. */
function marketUnitOf(request: CreateOrderRequest, category: string): Order['marketUnit'] {
	if (category !== 'spot' || request.orderType !== 'Market') return '';
	return request.marketUnit ?? (request.side === 'Buy' ? 'quoteCoin' : 'baseCoin');
}

function triggerOf(listing: Listing, request: CreateOrderRequest, last: string): Partial<Order> {
	const filter = request.orderFilter ?? 'Order';
	if (request.triggerPrice === undefined || Number(request.triggerPrice) === 0) {
		if (filter !== 'Order') throw new ApiError(170203, 'Please enter the TP/SL price.');
		return {};
	}
	const { category, priceDecimals } = listing.instrument;
	if (!(Number(request.triggerPrice) > 0)) throw new ApiError(10001, 'trigger price invalid');
	const triggerPrice = Number(request.triggerPrice).toFixed(priceDecimals);
	const rises = compare(triggerPrice, last) > 0;
	const direction = category === 'spot' ? (rises ? 1 : 2) : (request.triggerDirection ?? 0);
	if (direction === 0) throw new ApiError(10001, 'TriggerDirection invalid');
	if (direction === 1 && !rises)
		throw new ApiError(110092, `expect Rising, but trigger_price[${triggerPrice}] <= current[${last}]`);
	if (direction === 2 && compare(triggerPrice, last) >= 0)
		throw new ApiError(110093, `expect Falling, but trigger_price[${triggerPrice}] >= current[${last}]`);
	return {
		triggerPrice,
		triggerDirection: direction,
		triggerBy: request.triggerBy ?? 'LastPrice',
		orderStatus: 'Untriggered',
		createType: category === 'linear' ? 'CreateByStopOrder' : 'CreateByUser',
		orderFilter: filter === 'tpslOrder' ? 'tpslOrder' : 'StopOrder',
		stopOrderType: filter === 'tpslOrder' ? 'tpslOrder' : 'Stop',
	};
}

function stopsOf(listing: Listing, request: CreateOrderRequest, basis: string): Partial<Order> {
	const { category, priceDecimals } = listing.instrument;
	const stop = (value: string | undefined): string =>
		value === undefined || Number(value) === 0 ? '' : Number(value).toFixed(priceDecimals);
	const takeProfit = stop(request.takeProfit);
	const stopLoss = stop(request.stopLoss);
	if (takeProfit === '' && stopLoss === '') return {};
	// Not simulated: stops attached to spot orders. A refusal is honest, an order without its stop would not be.
	if (category === 'spot') throw new ApiError(170130, "Data sent for paramter 'takeProfit/stopLoss' is not valid.");
	if (request.reduceOnly === true)
		throw new ApiError(110057, 'Reduce-only orders cannot carry take profit or stop loss');
	checkStopsSide(request.side, { takeProfit, stopLoss }, basis);
	return {
		takeProfit,
		stopLoss,
		tpslMode: request.tpslMode ?? 'Full',
		tpTriggerBy: takeProfit === '' ? '' : (request.tpTriggerBy ?? 'LastPrice'),
		slTriggerBy: stopLoss === '' ? '' : (request.slTriggerBy ?? 'LastPrice'),
		tpLimitPrice: request.tpslMode === 'Partial' ? stop(request.tpLimitPrice) : '',
		slLimitPrice: request.tpslMode === 'Partial' ? stop(request.slLimitPrice) : '',
	};
}

function worstPriceOf(venue: Venue, listing: Listing, request: CreateOrderRequest, now: number): string {
	const { slippageToleranceType: kind, slippageTolerance: tolerance } = request;
	if (request.orderType !== 'Market' || kind === undefined || tolerance === undefined) return '';
	const book = venue.market.book(listing, now);
	const best = (request.side === 'Buy' ? book.asks : book.bids)[0]?.ticks ?? 0;
	const distance = kind === 'TickSize' ? Number(tolerance) : (best * Number(tolerance)) / 100;
	const ticks = Math.max(1, Math.round(request.side === 'Buy' ? best + distance : best - distance));
	return fromSteps(ticks, listing.instrument.priceDecimals);
}

function checkCounts(venue: Venue, order: Order): void {
	const open = openOrdersOf(venue, order.apiKey).filter((other) => other.symbol === order.symbol);
	const conditional = open.filter((other) => other.stopOrderType === 'Stop' || other.stopOrderType === 'tpslOrder');
	if (order.triggerPrice !== '' && conditional.length >= mostConditionalOrders)
		throw new ApiError(110009, 'The number of stop orders exceeds maximum limit allowed');
	if (open.length - conditional.length >= mostActiveOrders)
		throw new ApiError(110020, 'Not allowed to have more than 500 active orders');
}

function checkReduceOnly(venue: Venue, order: Order): void {
	if (!order.reduceOnly) return;
	const size = venue.store.position(order.apiKey, order.symbol)?.size ?? '0';
	if (isZero(size)) throw new ApiError(110017, 'current position is zero, cannot fix reduce-only order qty');
	if (compare(order.side === 'Buy' ? negate(size) : size, '0') <= 0)
		throw new ApiError(110017, 'reduce-only order has same side with current position');
}

function checkFunds(venue: Venue, account: Account, listing: Listing, order: Order, now: number): void {
	const isStruck = venue.takeFault('insufficient_funds', order) !== undefined;
	if (!isStruck && hasFunds(venue, account, listing, order, now)) return;
	if (order.category === 'spot') throw new ApiError(170131, 'Insufficient balance.');
	throw new ApiError(110007, 'ab not enough for new order');
}
