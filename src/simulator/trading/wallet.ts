/** Balances and margin of a unified account: one wallet of coins, USDT carries the perpetuals. */
import { absolute, add, compare, divide, greatest, isZero, multiply, negate, subtract } from '../decimals.ts';
import type { Account, Order, Position } from '../state/entities.ts';
import { defaultLeverage, maintenanceRate, markPrice, settleCoin, type Venue } from './venue.ts';

export function balanceOf(account: Account, coin: string): string {
	return account.balances[coin] ?? '0';
}

export function leverageOf(account: Account, symbol: string): string {
	return account.leverage[symbol] ?? defaultLeverage;
}

/** Changes a balance and answers the new one. */
export function changeBalance(venue: Venue, account: Account, coin: string, change: string): string {
	const balance = add(balanceOf(account, coin), change);
	account.balances[coin] = balance;
	venue.store.putAccount(account);
	return balance;
}

export function openPositions(venue: Venue, apiKey: string): Position[] {
	return [...venue.store.positions.values()].filter((position) => position.apiKey === apiKey && !isZero(position.size));
}

export function openOrdersOf(venue: Venue, apiKey: string): Order[] {
	return [...venue.store.open.values()].filter((order) => order.apiKey === apiKey);
}

export function leavesQty(order: Order): string {
	return order.marketUnit === 'quoteCoin' ? '0' : subtract(order.qty, order.cumExecQty);
}

/** What open spot orders hold of a coin; untriggered conditional orders hold nothing, tpsl orders do. */
export function lockedOf(venue: Venue, apiKey: string, coin: string): string {
	let locked = '0';
	for (const order of openOrdersOf(venue, apiKey)) {
		if (order.category !== 'spot') continue;
		if (order.orderStatus === 'Untriggered' && order.orderFilter !== 'tpslOrder') continue;
		const instrument = venue.market.find('spot', order.symbol)?.instrument;
		if (instrument === undefined) continue;
		if (order.side === 'Sell' && instrument.base === coin) locked = add(locked, leavesQty(order));
		if (order.side === 'Buy' && instrument.quote === coin) {
			const value =
				order.marketUnit === 'quoteCoin'
					? order.qty
					: multiply(leavesQty(order), order.price === '' ? order.triggerPrice : order.price);
			locked = add(locked, value);
		}
	}
	return locked;
}

export function unrealisedOf(venue: Venue, position: Position, now: number): string {
	const listing = venue.market.find('linear', position.symbol);
	if (listing === undefined || isZero(position.size)) return '0';
	return multiply(subtract(markPrice(venue, listing, now), position.avgPrice), position.size);
}

export function positionMargin(account: Account, position: Position): string {
	return divide(multiply(absolute(position.size), position.avgPrice), leverageOf(account, position.symbol));
}

/** The part of an order that would open or enlarge a position. */
export function openingQty(position: Position | undefined, side: 'Buy' | 'Sell', qty: string): string {
	const size = position?.size ?? '0';
	const signedSize = side === 'Buy' ? size : negate(size);
	if (compare(signedSize, '0') >= 0) return qty;
	return greatest('0', add(qty, signedSize));
}

export interface MarginSummary {
	readonly wallet: string;
	readonly unrealised: string;
	readonly positionMargin: string;
	readonly orderMargin: string;
	readonly maintenance: string;
	readonly locked: string;
	/** What a new order may use. */
	readonly available: string;
}

/** The USDT side of an account. */
export function summarizeMargin(venue: Venue, account: Account, now: number): MarginSummary {
	let unrealised = '0';
	let margin = '0';
	let maintenance = '0';
	for (const position of openPositions(venue, account.apiKey)) {
		unrealised = add(unrealised, unrealisedOf(venue, position, now));
		margin = add(margin, positionMargin(account, position));
		const value = multiply(absolute(position.size), position.avgPrice);
		maintenance = add(maintenance, multiply(value, maintenanceRate));
	}
	let orderMargin = '0';
	for (const order of openOrdersOf(venue, account.apiKey)) {
		if (order.category !== 'linear' || order.orderStatus === 'Untriggered' || order.reduceOnly) continue;
		const position = venue.store.position(account.apiKey, order.symbol);
		const opening = openingQty(position, order.side, leavesQty(order));
		orderMargin = add(orderMargin, divide(multiply(opening, order.price), leverageOf(account, order.symbol)));
	}
	const wallet = balanceOf(account, settleCoin);
	const locked = lockedOf(venue, account.apiKey, settleCoin);
	const used = add(add(margin, orderMargin), locked);
	return {
		wallet,
		unrealised,
		positionMargin: margin,
		orderMargin,
		maintenance,
		locked,
		available: subtract(add(wallet, unrealised), used),
	};
}

/** What spot orders may spend of a coin: USDT is shared with the perpetuals' margin. */
export function freeOf(venue: Venue, account: Account, coin: string, now: number): string {
	if (coin === settleCoin) return greatest('0', summarizeMargin(venue, account, now).available);
	return greatest('0', subtract(balanceOf(account, coin), lockedOf(venue, account.apiKey, coin)));
}
