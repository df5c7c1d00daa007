/** Cross margin: an account whose USDT equity falls to its maintenance margin loses every position at market. */
import { absolute, add, compare, isZero } from '../decimals.ts';
import type { Order, Position } from '../state/entities.ts';
import { executeOrder } from './execute.ts';
import { newOrder } from './new-order.ts';
import { cancelOrder } from './order-ends.ts';
import { findListing, type Venue } from './venue.ts';
import { openOrdersOf, openPositions, summarizeMargin } from './wallet.ts';

export function liquidate(venue: Venue, now: number): void {
	const keys = new Set<string>();
	for (const position of venue.store.positions.values()) if (!isZero(position.size)) keys.add(position.apiKey);
	for (const apiKey of keys) {
		const account = venue.store.accounts.get(apiKey);
		if (account === undefined) continue;
		const margin = summarizeMargin(venue, account, now);
		if (compare(add(margin.wallet, margin.unrealised), margin.maintenance) > 0) continue;
		for (const order of openOrdersOf(venue, apiKey))
			if (order.category === 'linear') cancelOrder(venue, order, 'CancelAllBeforeLiq', now);
		for (const position of openPositions(venue, apiKey))
			executeOrder(venue, account, findListing(venue, 'linear', position.symbol), takeover(venue, position, now), now);
	}
}

function takeover(venue: Venue, position: Position, now: number): Order {
	return newOrder(venue, {
		apiKey: position.apiKey,
		category: 'linear',
		symbol: position.symbol,
		side: compare(position.size, '0') > 0 ? 'Sell' : 'Buy',
		orderType: 'Market',
		qty: absolute(position.size),
		reduceOnly: true,
		createType: 'CreateByLiq',
		now,
	});
}
