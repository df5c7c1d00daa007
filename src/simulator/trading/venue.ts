/** What every trading function works on: the memory, the markets, and the faults that strike fills. */
import { randomInt, randomUUID } from 'node:crypto';
import { ApiError } from '../api-error.ts';
import { fromSteps } from '../decimals.ts';
import type { Category } from '../market/instruments.ts';
import type { Listing, Market } from '../market/market.ts';
import type { Fault, FaultKind, Order } from '../state/entities.ts';
import type { Store } from '../state/store.ts';

export interface Venue {
	readonly store: Store;
	readonly market: Market;
	/** Takes one strike of a pending fault of this kind for this order. */
	takeFault(kind: FaultKind, order: Order): Fault | undefined;
}

export const settleCoin = 'USDT';
/** Taker and maker fees of a non-VIP account: https://bybit-exchange.github.io/docs/v5/account/fee-rate */
export const feeRates = {
	linear: { taker: '0.00055', maker: '0.0002' },
	spot: { taker: '0.001', maker: '0.001' },
} as const;
export const defaultLeverage = '10';
/** Share of a position's value that must stay as margin. */
export const maintenanceRate = '0.005';

/** The market of a request; categories without markets here have no symbols. */
export function findListing(venue: Venue, category: string, symbol: string): Listing {
	const listing = isTraded(category) ? venue.market.find(category, symbol) : undefined;
	if (listing !== undefined) return listing;
	if (category === 'spot') throw new ApiError(170121, 'Invalid symbol.');
	throw new ApiError(10001, 'Not supported symbols');
}

export function isTraded(category: string): category is Category {
	return category === 'spot' || category === 'linear';
}

export function lastPrice(listing: Listing, now: number): string {
	return fromSteps(listing.series.ticksAt(now), listing.instrument.priceDecimals);
}

export function markPrice(venue: Venue, listing: Listing, now: number): string {
	return fromSteps(venue.market.markTicks(listing, now), listing.instrument.priceDecimals);
}

/**
 * Ids are random, not counted: an exchange that lost its memory must not give an old id to a new order. Spot ids are
 * numbers of 19 digits, derivatives have UUIDs, as on Bybit.
 */
export function newOrderId(category: Category, now: number): string {
	return category === 'spot' ? `${now}${String(randomInt(1_000_000)).padStart(6, '0')}` : randomUUID();
}
