/**
 * A position's take profit, stop loss and trailing stop. As on Bybit each is an order of its own, made by the exchange:
 * Untriggered, without orderLinkId, reduce-only, listed among the open orders, Deactivated when the position is gone.
 */
import { absolute, add, compare, isZero, negate, subtract } from '../decimals.ts';
import type { Order, Position, StopOrderType, TriggerBy } from '../state/entities.ts';
import { newOrder } from './new-order.ts';
import { cancelOrder } from './order-ends.ts';
import { findListing, lastPrice, type Venue } from './venue.ts';

export type StopKind = 'TakeProfit' | 'StopLoss' | 'TrailingStop';

export interface StopRequest {
	readonly kind: StopKind;
	/** Trigger price; of a trailing stop its distance. */
	readonly price: string;
	readonly triggerBy: TriggerBy;
	/** Absent: the whole position, whatever its size is then (tpslMode Full). */
	readonly size?: string | undefined;
	/** Absent: at market. */
	readonly limitPrice?: string | undefined;
	readonly activePrice?: string | undefined;
}

/** The stops that a position has, by kind; partial ones are not among them. */
export function fullStop(venue: Venue, apiKey: string, symbol: string, kind: StopKind): Order | undefined {
	for (const order of venue.store.open.values())
		if (order.apiKey === apiKey && order.symbol === symbol && order.stopOrderType === kind) return order;
	return undefined;
}

/** Gives the position the stops that its opening order carries. */
export function attachStops(venue: Venue, order: Order, now: number): void {
	if (order.category !== 'linear' || order.reduceOnly) return;
	const position = venue.store.position(order.apiKey, order.symbol);
	if (position === undefined || isZero(position.size)) return;
	if (compare(position.size, '0') > 0 !== (order.side === 'Buy')) return;
	const partial = order.tpslMode === 'Partial' ? { size: order.cumExecQty } : {};
	if (order.takeProfit !== '') {
		const triggerBy = order.tpTriggerBy || 'LastPrice';
		const limitPrice = order.tpLimitPrice || undefined;
		putStop(venue, position, { kind: 'TakeProfit', price: order.takeProfit, triggerBy, limitPrice, ...partial }, now);
	}
	if (order.stopLoss !== '') {
		const triggerBy = order.slTriggerBy || 'LastPrice';
		const limitPrice = order.slLimitPrice || undefined;
		putStop(venue, position, { kind: 'StopLoss', price: order.stopLoss, triggerBy, limitPrice, ...partial }, now);
	}
}

/** Sets a stop; a stop for the whole position replaces the one before it. */
export function putStop(venue: Venue, position: Position, request: StopRequest, now: number): Order {
	if (request.size === undefined) removeStop(venue, position, request.kind, now);
	const isLong = compare(position.size, '0') > 0;
	const rises = request.kind === 'TakeProfit' ? isLong : !isLong;
	const last = lastPrice(findListing(venue, 'linear', position.symbol), now);
	const trailing = request.kind === 'TrailingStop' ? request.price : '';
	const triggerPrice = trailing === '' ? request.price : isLong ? subtract(last, trailing) : add(last, trailing);
	const partial = request.size === undefined ? '' : 'Partial';
	const order = newOrder(venue, {
		apiKey: position.apiKey,
		category: 'linear',
		symbol: position.symbol,
		side: isLong ? 'Sell' : 'Buy',
		orderType: request.limitPrice === undefined ? 'Market' : 'Limit',
		qty: request.size ?? absolute(position.size),
		price: request.limitPrice ?? '',
		orderStatus: 'Untriggered',
		createType: `CreateBy${partial}${request.kind}`,
		stopOrderType: `${partial}${request.kind}` as StopOrderType,
		triggerPrice,
		triggerDirection: rises ? 1 : 2,
		triggerBy: request.triggerBy,
		trailing,
		activePrice: request.activePrice ?? '',
		orderFilter: 'StopOrder',
		reduceOnly: true,
		closeOnTrigger: true,
		tpslMode: request.size === undefined ? 'Full' : 'Partial',
		lastPriceOnCreated: last,
		now,
	});
	venue.store.putOrder(order);
	return order;
}

export function removeStop(venue: Venue, position: Position, kind: StopKind, now: number): void {
	const before = fullStop(venue, position.apiKey, position.symbol, kind);
	if (before !== undefined) cancelOrder(venue, before, 'CancelByTpSlTsClear', now);
}

/** A trailing stop's trigger follows the market at its distance, never back. */
export function followMarket(venue: Venue, order: Order, last: string, now: number): void {
	const isLong = order.side === 'Sell';
	if (order.activePrice !== '') {
		if (compare(last, order.activePrice) * (isLong ? 1 : -1) < 0) return;
		order.activePrice = '';
	}
	const candidate = subtract(last, isLong ? order.trailing : negate(order.trailing));
	if (compare(candidate, order.triggerPrice) * (isLong ? 1 : -1) <= 0) return;
	order.triggerPrice = candidate;
	order.updatedTime = now;
	venue.store.putOrder(order);
}
