/**
 * Time: everything that the market does to resting orders, stops and positions, point by point of the price path, so that
 * no trigger between two looks is missed. It depends on the path alone: looking often or seldom ends in the same state.
 */
import { absolute, compare, isZero, subtract, toSteps } from '../decimals.ts';
import { fundingIntervalMs, type Listing } from '../market/market.ts';
import { minuteMs, pointMs } from '../market/path-source.ts';
import type { Order, Position } from '../state/entities.ts';
import { executeOrder } from './execute.ts';
import { applyFill, settleFunding } from './fills.ts';
import { hasFunds } from './funds.ts';
import { liquidate } from './liquidation.ts';
import { cancelOrder } from './order-ends.ts';
import { attachStops, followMarket } from './stops.ts';
import { lastPrice, type Venue } from './venue.ts';
import { leavesQty } from './wallet.ts';

/** Brings the exchange up to `now`. */
export function matchUntil(venue: Venue, now: number): void {
	const { store } = venue;
	const from = store.meta.matchedUntil;
	if (now <= from) return;
	for (let time = (Math.floor(from / pointMs) + 1) * pointMs; time <= now; time += pointMs) {
		if (store.open.size === 0 && !hasPositions(venue)) break;
		if (time % fundingIntervalMs === 0) payFunding(venue, time);
		for (const order of store.open.values())
			if (order.updatedTime < time || order.trailing !== '') visit(venue, order, time);
		if (time % minuteMs === 0) liquidate(venue, time);
	}
	store.meta.matchedUntil = now;
}

/** Matches a market at once, after its price was moved. */
export function matchSymbol(venue: Venue, symbol: string, now: number): void {
	for (const order of venue.store.open.values()) if (order.symbol === symbol) visit(venue, order, now);
	liquidate(venue, now);
}

function visit(venue: Venue, order: Order, time: number): void {
	const listing = venue.market.find(order.category, order.symbol);
	if (listing === undefined || !venue.store.open.has(order.orderId)) return;
	if (order.orderStatus === 'Untriggered') {
		if (order.trailing !== '') followMarket(venue, order, lastPrice(listing, time), time);
		if (isTriggered(venue, listing, order, time)) trigger(venue, listing, order, time);
		return;
	}
	fillResting(venue, listing, order, time);
}

function isTriggered(venue: Venue, listing: Listing, order: Order, time: number): boolean {
	if (order.activePrice !== '') return false;
	const ticks =
		order.triggerBy === 'MarkPrice'
			? venue.market.markTicks(listing, time)
			: order.triggerBy === 'IndexPrice'
				? venue.market.indexTicks(listing, time)
				: listing.series.ticksAt(time);
	const level = Number(order.triggerPrice) * listing.series.pricesPerUnit;
	// Half a tick absorbs the float; prices are whole ticks.
	return order.triggerDirection === 1 ? ticks >= level - 0.5 : ticks <= level + 0.5;
}

/** The order keeps its id (unified account) and becomes active. */
function trigger(venue: Venue, listing: Listing, order: Order, time: number): void {
	const account = venue.store.accounts.get(order.apiKey);
	if (account === undefined) return;
	const position = venue.store.position(order.apiKey, order.symbol);
	if (
		order.stopOrderType === 'TakeProfit' ||
		order.stopOrderType === 'StopLoss' ||
		order.stopOrderType === 'TrailingStop'
	)
		order.qty = absolute(position?.size ?? order.qty);
	// A spot tpsl order has held what it needs since it was accepted.
	const isPaid = order.orderFilter === 'tpslOrder' || hasFunds(venue, account, listing, order, time);
	order.orderStatus = 'New';
	order.updatedTime = time;
	if (!isPaid) {
		cancelOrder(venue, order, 'CancelByCannotAffordOrderCost', time, 'EC_Others');
		return;
	}
	venue.store.putOrder(order);
	executeOrder(venue, account, listing, order, time);
}

/** A resting order is filled whole, at its price, when the market trades at it. */
function fillResting(venue: Venue, listing: Listing, order: Order, time: number): void {
	const ticks = listing.series.ticksAt(time);
	const limit = toSteps(order.price, listing.instrument.priceDecimals);
	if (order.side === 'Buy' ? ticks > limit : ticks < limit) return;
	const account = venue.store.accounts.get(order.apiKey);
	if (account === undefined) return;
	let qty = leavesQty(order);
	if (order.reduceOnly) {
		const size = venue.store.position(order.apiKey, order.symbol)?.size ?? '0';
		const against = order.side === 'Buy' ? subtract('0', size) : size;
		if (compare(against, '0') <= 0) {
			cancelOrder(venue, order, 'CancelByReduceOnly', time);
			return;
		}
		if (compare(against, qty) < 0) qty = against;
	}
	applyFill(venue, account, order, { price: order.price, qty, isMaker: true }, time);
	order.orderStatus = compare(order.cumExecQty, order.qty) >= 0 ? 'Filled' : 'PartiallyFilled';
	venue.store.putOrder(order);
	if (order.orderStatus === 'PartiallyFilled') cancelOrder(venue, order, 'CancelByReduceOnly', time);
	attachStops(venue, order, time);
}

function payFunding(venue: Venue, time: number): void {
	for (const position of venue.store.positions.values()) {
		const account = venue.store.accounts.get(position.apiKey);
		if (account === undefined || !isOpen(position) || position.createdTime >= time) continue;
		const rate = venue.market.fundingRate(position.symbol, time);
		settleFunding(venue, account, position, rate.toFixed(8), time);
	}
}

function hasPositions(venue: Venue): boolean {
	for (const position of venue.store.positions.values()) if (isOpen(position)) return true;
	return false;
}

function isOpen(position: Position): boolean {
	return !isZero(position.size);
}
