/** Taking: an order walks the book; what is left rests, or is cancelled as its time in force says. */
import {
	absolute,
	add,
	compare,
	divide,
	floorTo,
	fromSteps,
	isZero,
	least,
	multiply,
	negate,
	subtract,
	toSteps,
} from '../decimals.ts';
import type { Level } from '../market/book.ts';
import type { Listing } from '../market/market.ts';
import type { Account, Order } from '../state/entities.ts';
import { applyFill } from './fills.ts';
import { cancelOrder } from './order-ends.ts';
import { attachStops } from './stops.ts';
import type { Venue } from './venue.ts';

/** Market orders are limit orders at the mark price ± 3%, good for an instant (create-order page: "slippage threshold"). */
export const marketSlippage = 0.03;

/** Lots to take from a level. */
interface Take {
	readonly level: Level;
	readonly lots: number;
}

/** Matches a new or newly triggered order at `now` and gives it its status. */
export function executeOrder(venue: Venue, account: Account, listing: Listing, order: Order, now: number): void {
	const isMarket = order.orderType === 'Market';
	const clipped = reduceOnlyClip(venue, order);
	if (clipped !== undefined && isZero(clipped)) {
		cancelOrder(venue, order, 'CancelByReduceOnly', now);
		return;
	}
	const share = isMarket ? faultyShare(venue, order) : 1;
	const book = venue.market.book(listing, now);
	const levels = order.side === 'Buy' ? book.asks : book.bids;
	const wanted = { worst: worstTicks(venue, listing, order, now), share, clipped };
	const takes = planTakes(listing, order, levels, wanted);
	if (order.timeInForce === 'PostOnly' && takes.length > 0) {
		cancelOrder(venue, order, 'UNKNOWN', now, 'EC_PostOnlyWillTakeLiquidity');
		return;
	}
	const planned = takes.reduce((sum, take) => sum + take.lots, 0);
	if (order.timeInForce === 'FOK' && planned < toSteps(order.qty, listing.instrument.lotDecimals)) {
		cancelOrder(venue, order, 'UNKNOWN', now, 'EC_CancelForNoFullFill');
		return;
	}
	const before = order.cumExecQty;
	for (const take of takes) {
		take.level.lots -= take.lots;
		const price = fromSteps(take.level.ticks, listing.instrument.priceDecimals);
		const qty = fromSteps(take.lots, listing.instrument.lotDecimals);
		applyFill(venue, account, order, { price, qty, isMaker: false }, now);
	}
	const left = clipped === undefined ? undefined : subtract(clipped, subtract(order.cumExecQty, before));
	settleStatus(venue, listing, order, levels, { now, left, struck: share < 1 });
	if (!isZero(order.cumExecQty)) attachStops(venue, order, now);
}

/** A market order's remainder is cancelled; a limit order's rests unless it was immediate-or-cancel. */
function settleStatus(
	venue: Venue,
	listing: Listing,
	order: Order,
	levels: readonly Level[],
	context: { now: number; left: string | undefined; struck: boolean },
): void {
	const { now, left, struck } = context;
	if (isComplete(order, listing, levels, struck)) {
		order.orderStatus = 'Filled';
		venue.store.putOrder(order);
		return;
	}
	if (order.orderType === 'Market' || order.timeInForce === 'IOC') {
		cancelOrder(venue, order, 'UNKNOWN', now, 'EC_NoImmediateQtyToFill');
		return;
	}
	if (left !== undefined && compare(left, '0') <= 0) {
		cancelOrder(venue, order, 'CancelByReduceOnly', now);
		return;
	}
	order.orderStatus = isZero(order.cumExecQty) ? 'New' : 'PartiallyFilled';
	venue.store.putOrder(order);
}

/** An order by value is complete once what is left of it buys no further lot. */
function isComplete(order: Order, listing: Listing, levels: readonly Level[], struck: boolean): boolean {
	if (order.marketUnit !== 'quoteCoin') return compare(order.cumExecQty, order.qty) >= 0;
	if (struck || isZero(order.cumExecQty)) return false;
	const left = subtract(order.qty, order.cumExecValue);
	const next = levels.find((level) => level.lots > 0);
	if (next === undefined) return false;
	const price = fromSteps(next.ticks, listing.instrument.priceDecimals);
	return compare(floorTo(divide(left, price), listing.instrument.lotDecimals), '0') <= 0;
}

function planTakes(
	listing: Listing,
	order: Order,
	levels: readonly Level[],
	wanted: { worst: number; share: number; clipped: string | undefined },
): Take[] {
	const { lotDecimals, priceDecimals } = listing.instrument;
	const byValue = order.marketUnit === 'quoteCoin';
	const remaining = byValue ? '0' : subtract(order.qty, order.cumExecQty);
	const bounded = wanted.clipped === undefined ? remaining : least(remaining, wanted.clipped);
	let lotsLeft = byValue ? 0 : Math.floor(toSteps(bounded, lotDecimals) * wanted.share);
	let valueLeft = byValue ? multiply(order.qty, String(wanted.share)) : '0';
	const takes: Take[] = [];
	for (const level of levels) {
		if (order.side === 'Buy' ? level.ticks > wanted.worst : level.ticks < wanted.worst) break;
		if (level.lots === 0) continue;
		const price = fromSteps(level.ticks, priceDecimals);
		const affordable = byValue ? toSteps(floorTo(divide(valueLeft, price), lotDecimals), lotDecimals) : lotsLeft;
		const lots = Math.min(level.lots, affordable);
		if (lots <= 0) break;
		takes.push({ level, lots });
		lotsLeft -= lots;
		if (byValue) valueLeft = subtract(valueLeft, multiply(price, fromSteps(lots, lotDecimals)));
	}
	return takes;
}

/** The worst price in ticks that the order accepts. */
function worstTicks(venue: Venue, listing: Listing, order: Order, now: number): number {
	const { priceDecimals } = listing.instrument;
	if (order.orderType === 'Limit') return toSteps(order.price, priceDecimals);
	const mark = venue.market.markTicks(listing, now);
	const bound = order.side === 'Buy' ? Math.floor(mark * (1 + marketSlippage)) : Math.ceil(mark * (1 - marketSlippage));
	if (order.worstPrice === '') return bound;
	const own = toSteps(order.worstPrice, priceDecimals);
	return order.side === 'Buy' ? Math.min(bound, own) : Math.max(bound, own);
}

/** How much a reduce-only order may still fill: what the position holds against it; undefined for other orders. */
function reduceOnlyClip(venue: Venue, order: Order): string | undefined {
	if (!order.reduceOnly || order.category !== 'linear') return undefined;
	const size = venue.store.position(order.apiKey, order.symbol)?.size ?? '0';
	const against = order.side === 'Buy' ? negate(size) : size;
	return compare(against, '0') > 0 ? absolute(against) : '0';
}

function faultyShare(venue: Venue, order: Order): number {
	if (venue.takeFault('no_fill', order) !== undefined) return 0;
	return venue.takeFault('partial_fill', order)?.ratio ?? 1;
}

/** What a market order would cost if it were filled now: for the balance check of spot buys by quantity. */
export function estimateCost(venue: Venue, listing: Listing, side: 'Buy' | 'Sell', qty: string, now: number): string {
	const { lotDecimals, priceDecimals } = listing.instrument;
	const book = venue.market.book(listing, now);
	let left = toSteps(qty, lotDecimals);
	let cost = '0';
	for (const level of side === 'Buy' ? book.asks : book.bids) {
		const lots = Math.min(level.lots, left);
		const value = multiply(fromSteps(level.ticks, priceDecimals), fromSteps(lots, lotDecimals));
		cost = add(cost, value);
		left -= lots;
		if (left <= 0) break;
	}
	return cost;
}
