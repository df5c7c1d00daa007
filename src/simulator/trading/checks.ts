/** What an order's figures must satisfy, with the codes of https://bybit-exchange.github.io/docs/v5/error */
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { compare, decimalPlaces, fromSteps, isMultiple, multiply, plain } from '../decimals.ts';
import type { Category, Instrument } from '../market/instruments.ts';
import type { Listing } from '../market/market.ts';
import type { Account, Order } from '../state/entities.ts';
import type { Venue } from './venue.ts';

/** Bybit takes numbers and strings alike. */
export const text = z.union([z.string(), z.number().transform((value) => plain(value, 18))]);
export const positiveText = text.refine((value) => Number(value) > 0, { message: 'expected a number above zero' });
export const triggerBy = z.enum(['LastPrice', 'MarkPrice', 'IndexPrice']);

/** Orders may not be priced further than this beyond the mark price on the losing side. */
const priceLimit = 0.1;

export function checkLinkId(venue: Venue, account: Account, category: Category, orderLinkId: string): void {
	if (orderLinkId === '') return;
	if (!/^[A-Za-z0-9_-]{1,36}$/.test(orderLinkId))
		throw new ApiError(10001, 'orderLinkId: at most 36 letters, digits, dashes and underscores');
	if (venue.store.orderByLink(account.apiKey, category, orderLinkId) === undefined) return;
	if (category === 'spot') throw new ApiError(170141, 'Duplicate clientOrderId.');
	throw new ApiError(110072, 'OrderLinkedID is duplicate');
}

/** The price at the market's decimals. */
export function checkPrice(
	venue: Venue,
	listing: Listing,
	side: 'Buy' | 'Sell',
	price: string | undefined,
	now: number,
): string {
	const { category, priceDecimals } = listing.instrument;
	const isSpot = category === 'spot';
	if (price === undefined || !(Number(price) > 0))
		throw isSpot
			? new ApiError(170133, 'Order price lower than the minimum.')
			: new ApiError(10001, 'params error: Price invalid');
	if (decimalPlaces(price) > priceDecimals)
		throw isSpot
			? new ApiError(170134, 'Order price has too many decimals.')
			: new ApiError(10001, 'params error: Price invalid');
	const mark = venue.market.markTicks(listing, now) / listing.series.pricesPerUnit;
	const bound = mark * (side === 'Buy' ? 1 + priceLimit : 1 - priceLimit);
	const isBeyond = side === 'Buy' ? Number(price) > bound : Number(price) < bound;
	if (isBeyond && isSpot)
		throw side === 'Buy'
			? new ApiError(170193, `Buy order price cannot be higher than ${bound.toFixed(priceDecimals)}.`)
			: new ApiError(170194, `Sell order price cannot be lower than ${bound.toFixed(priceDecimals)}.`);
	if (isBeyond) throw new ApiError(110003, 'Order price exceeds the allowable range.');
	return Number(price).toFixed(priceDecimals);
}

interface QtyCheck {
	readonly qty: string;
	readonly price: string;
	readonly isMarket: boolean;
	readonly marketUnit: Order['marketUnit'];
	readonly reduceOnly: boolean;
}

/** The quantity as plain decimal text. */
export function checkQty(listing: Listing, check: QtyCheck): string {
	const { category } = listing.instrument;
	if (!/^\d+(\.\d+)?(e-?\d+)?$/i.test(check.qty) || !(Number(check.qty) > 0))
		throw category === 'spot'
			? new ApiError(170130, "Data sent for paramter 'qty' is not valid.")
			: new ApiError(10001, 'params error: Qty invalid');
	const qty = plain(check.qty, 18);
	if (category === 'spot') checkSpotQty(listing, { ...check, qty });
	else checkLinearQty(listing, { ...check, qty });
	return qty;
}

function checkSpotQty(listing: Listing, { qty, price, isMarket, marketUnit }: QtyCheck): void {
	const { instrument } = listing;
	const byValue = marketUnit === 'quoteCoin';
	if (byValue) {
		if (decimalPlaces(qty) > 8) throw new ApiError(170148, 'Market order amount decimal too long.');
	} else {
		if (!fitsStep(qty, instrument)) throw new ApiError(170137, 'Order volume decimal too long.');
		if (compare(qty, instrument.minQty) < 0) throw new ApiError(170136, 'Order quantity lower than the minimum.');
		if (compare(qty, isMarket ? instrument.maxMarketQty : instrument.maxQty) > 0)
			throw new ApiError(170135, 'Order quantity exceeded upper limit.');
	}
	const value = byValue ? qty : multiply(qty, price);
	if (compare(value, instrument.minValue) < 0) throw new ApiError(170140, 'Order value exceeded lower limit.');
	if (compare(value, instrument.maxValue) > 0) throw new ApiError(170124, 'Order amount too large.');
}

function fitsStep(qty: string, { qtyStep, lotDecimals }: Instrument): boolean {
	return isMultiple(qty, qtyStep ?? fromSteps(1, lotDecimals));
}

function checkLinearQty(listing: Listing, { qty, price, isMarket, reduceOnly }: QtyCheck): void {
	const { instrument } = listing;
	if (compare(qty, instrument.minQty) < 0)
		throw new ApiError(10001, 'The number of contracts exceeds minimum limit allowed');
	if (!fitsStep(qty, instrument)) throw new ApiError(10001, 'Qty invalid');
	const most = isMarket ? instrument.maxMarketQty : instrument.maxQty;
	if (compare(qty, most) > 0)
		throw new ApiError(10001, 'The number of contracts exceeds maximum limit allowed: too large');
	if (!reduceOnly && compare(multiply(qty, price), instrument.minValue) < 0)
		throw new ApiError(110094, `Order does not meet minimum order value ${instrument.minValue}USDT`);
}

/** A take profit lies on the winning side of the price, a stop loss on the losing one. */
export function checkStopsSide(
	side: 'Buy' | 'Sell',
	stops: { readonly takeProfit: string; readonly stopLoss: string },
	basis: string,
): void {
	const wins = side === 'Buy' ? 1 : -1;
	for (const [name, price, sign] of [
		['TakeProfit', stops.takeProfit, wins],
		['StopLoss', stops.stopLoss, -wins],
	] as const) {
		if (price === '' || compare(price, basis) === sign) continue;
		const direction = sign === 1 ? 'higher' : 'lower';
		throw new ApiError(
			10001,
			`${name}:${price} set for ${side} position should be ${direction} than base_price:${basis}`,
		);
	}
}
