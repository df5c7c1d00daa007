/** Whether an account can pay for an order: asked when it is accepted, and again when a conditional order triggers. */
import { add, compare, divide, fromSteps, isZero, multiply } from '../decimals.ts';
import type { Listing } from '../market/market.ts';
import type { Account, Order } from '../state/entities.ts';
import { estimateCost } from './execute.ts';
import { feeRates, lastPrice, type Venue } from './venue.ts';
import { freeOf, leverageOf, openingQty, summarizeMargin } from './wallet.ts';

/** The order itself must not be open yet: what it locks would count against it. */
export function hasFunds(venue: Venue, account: Account, listing: Listing, order: Order, now: number): boolean {
	const { category, base, quote, priceDecimals } = listing.instrument;
	if (category === 'spot') {
		const [coin, needed] =
			order.side === 'Buy' ? [quote, buyNeed(venue, listing, order, now)] : [base, sellNeed(listing, order, now)];
		return compare(needed, freeOf(venue, account, coin, now)) <= 0;
	}
	if (order.reduceOnly) return true;
	const opening = openingQty(venue.store.position(account.apiKey, order.symbol), order.side, order.qty);
	if (isZero(opening)) return true;
	const book = venue.market.book(listing, now);
	const best = (order.side === 'Buy' ? book.asks : book.bids)[0]?.ticks ?? listing.series.ticksAt(now);
	const price = order.price === '' ? fromSteps(best, priceDecimals) : order.price;
	const value = multiply(opening, price);
	const margin = divide(value, leverageOf(account, order.symbol));
	const fees = multiply(value, feeRates.linear.taker);
	return compare(add(margin, fees), summarizeMargin(venue, account, now).available) <= 0;
}

function sellNeed(listing: Listing, order: Order, now: number): string {
	return order.marketUnit === 'quoteCoin' ? divide(order.qty, lastPrice(listing, now)) : order.qty;
}

function buyNeed(venue: Venue, listing: Listing, order: Order, now: number): string {
	if (order.marketUnit === 'quoteCoin') return order.qty;
	if (order.price !== '') return multiply(order.qty, order.price);
	return estimateCost(venue, listing, 'Buy', order.qty, now);
}
