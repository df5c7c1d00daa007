/** Executions: each moves its order, the wallet, the position and the transaction log together. */
import { randomUUID } from 'node:crypto';
import { absolute, add, compare, divide, isZero, least, multiply, negate, plain, subtract } from '../decimals.ts';
import type { Listing } from '../market/market.ts';
import type { Account, Execution, Order, Position } from '../state/entities.ts';
import { cancelOrder } from './order-ends.ts';
import { feeRates, findListing, markPrice, settleCoin, type Venue } from './venue.ts';
import { changeBalance, leavesQty, leverageOf } from './wallet.ts';

export interface Fill {
	readonly price: string;
	readonly qty: string;
	readonly isMaker: boolean;
}

/** Books one execution of an order. The caller sets the order's final status. */
export function applyFill(venue: Venue, account: Account, order: Order, fill: Fill, now: number): Execution {
	const listing = findListing(venue, order.category, order.symbol);
	const value = multiply(fill.price, fill.qty);
	const feeRate = feeRates[order.category][fill.isMaker ? 'maker' : 'taker'];
	// Spot buyers pay their fee in the coin they receive: https://bybit-exchange.github.io/docs/v5/enum#spot-fee-currency-instruction
	const inBase = order.category === 'spot' && order.side === 'Buy';
	const fee = plain(multiply(inBase ? fill.qty : value, feeRate), 10);
	const feeCurrency =
		order.category === 'linear' ? settleCoin : inBase ? listing.instrument.base : listing.instrument.quote;
	order.cumExecQty = add(order.cumExecQty, fill.qty);
	order.cumExecValue = add(order.cumExecValue, value);
	order.cumExecFee = add(order.cumExecFee, fee);
	order.feeCurrency = feeCurrency;
	order.updatedTime = now;
	const execId = order.category === 'spot' ? String(2_100_000_000_000 + venue.store.nextSequence()) : randomUUID();
	const trade = { ...fill, fee, feeRate, execId, time: now };
	const closedSize = order.category === 'linear' ? moveLinear(venue, account, order, trade) : '';
	const execution: Execution = {
		execId,
		orderId: order.orderId,
		orderLinkId: order.orderLinkId,
		apiKey: order.apiKey,
		category: order.category,
		symbol: order.symbol,
		side: order.side,
		orderPrice: order.price === '' ? '0' : order.price,
		orderQty: order.qty,
		leavesQty: leavesQty(order),
		createType: order.createType,
		orderType: order.orderType,
		stopOrderType: order.stopOrderType,
		execFee: fee,
		execPrice: fill.price,
		execQty: fill.qty,
		execType: order.createType === 'CreateByLiq' ? 'BustTrade' : 'Trade',
		execValue: plain(value, 10),
		execTime: now,
		feeCurrency: order.category === 'spot' ? feeCurrency : '',
		isMaker: fill.isMaker,
		feeRate,
		markPrice: markPrice(venue, listing, now),
		closedSize,
		sequence: venue.store.nextSequence(),
	};
	if (order.category === 'spot') moveSpot(venue, account, order, listing, trade);
	venue.store.addExecution(execution);
	venue.store.putOrder(order);
	return execution;
}

/** A fill with what was charged for it. */
interface Trade extends Fill {
	readonly fee: string;
	readonly feeRate: string;
	readonly execId: string;
	readonly time: number;
}

function moveSpot(venue: Venue, account: Account, order: Order, listing: Listing, trade: Trade): void {
	const { base, quote } = listing.instrument;
	const value = multiply(trade.price, trade.qty);
	const buying = order.side === 'Buy';
	for (const [coin, cashFlow, fee] of [
		[base, buying ? trade.qty : negate(trade.qty), buying ? trade.fee : '0'],
		[quote, buying ? negate(value) : value, buying ? '0' : trade.fee],
	] as const) {
		const change = subtract(cashFlow, fee);
		const cashBalance = changeBalance(venue, account, coin, change);
		logTrade(venue, order, trade, { currency: coin, cashFlow, change, cashBalance, fee, size: '' });
	}
}

/** Answers the size that the fill closed. */
function moveLinear(venue: Venue, account: Account, order: Order, trade: Trade): string {
	const { fee, time: now } = trade;
	const position = venue.store.position(order.apiKey, order.symbol) ?? emptyPosition(order, now);
	const { size: before, avgPrice: entry } = position;
	const signedQty = order.side === 'Buy' ? trade.qty : negate(trade.qty);
	const after = add(before, signedQty);
	const closes = compare(before, '0') * compare(signedQty, '0') < 0;
	const closed = closes ? least(absolute(before), trade.qty) : '0';
	const direction = compare(before, '0') > 0 ? '1' : '-1';
	const pnl = closes ? multiply(multiply(subtract(trade.price, entry), closed), direction) : '0';
	const opened = subtract(trade.qty, closed);
	if (isZero(before) || compare(before, '0') * compare(after, '0') < 0) {
		// A position begins, or turns over: what is left of the fill opens it at the fill's price.
		position.avgPrice = trade.price;
		position.createdTime = now;
		position.curRealisedPnl = '0';
	} else if (!isZero(opened)) {
		const cost = add(multiply(absolute(before), entry), multiply(opened, trade.price));
		position.avgPrice = plain(divide(cost, absolute(after)), 12);
	}
	if (isZero(after)) position.avgPrice = '0';
	position.size = after;
	position.curRealisedPnl = subtract(add(position.curRealisedPnl, pnl), fee);
	position.cumRealisedPnl = subtract(add(position.cumRealisedPnl, pnl), fee);
	position.updatedTime = now;
	position.sequence = venue.store.nextSequence();
	venue.store.putPosition(position);
	const change = subtract(pnl, fee);
	const cashBalance = changeBalance(venue, account, settleCoin, change);
	logTrade(venue, order, trade, { currency: settleCoin, cashFlow: pnl, change, cashBalance, fee, size: after });
	if (!isZero(closed)) {
		const rate = feeRates.linear.taker;
		const openFee = plain(multiply(multiply(closed, entry), rate), 8);
		const closeFee = plain(multiply(multiply(closed, trade.price), rate), 8);
		venue.store.addClosed({
			orderId: order.orderId,
			apiKey: order.apiKey,
			symbol: order.symbol,
			side: order.side,
			qty: closed,
			entryPrice: entry,
			exitPrice: trade.price,
			openFee,
			closeFee,
			closedPnl: plain(subtract(pnl, add(openFee, closeFee)), 8),
			leverage: leverageOf(account, order.symbol),
			orderType: order.orderType,
			createdTime: now,
			sequence: venue.store.nextSequence(),
		});
		if (compare(before, '0') * compare(after, '0') <= 0) endStops(venue, order, now);
	}
	return closed;
}

/** A position that closed or turned over takes its stops and the orders that could only reduce it with it. */
function endStops(venue: Venue, cause: Order, now: number): void {
	for (const order of venue.store.open.values()) {
		if (order.apiKey !== cause.apiKey || order.symbol !== cause.symbol || order.category !== 'linear') continue;
		if (order === cause || !order.reduceOnly) continue;
		// A user's conditional order outlives the position; what the position itself made does not.
		if (order.orderStatus === 'Untriggered' && order.stopOrderType === 'Stop') continue;
		cancelOrder(venue, order, order.orderStatus === 'Untriggered' ? 'CancelByTpSlTsClear' : 'CancelByReduceOnly', now);
	}
}

function emptyPosition(order: Order, now: number): Position {
	return {
		apiKey: order.apiKey,
		symbol: order.symbol,
		size: '0',
		avgPrice: '0',
		curRealisedPnl: '0',
		cumRealisedPnl: '0',
		createdTime: now,
		updatedTime: now,
		sequence: -1,
	};
}

interface Movement {
	readonly currency: string;
	readonly cashFlow: string;
	readonly change: string;
	readonly cashBalance: string;
	readonly fee: string;
	readonly size: string;
}

function logTrade(venue: Venue, order: Order, trade: Trade, movement: Movement): void {
	const sequence = venue.store.nextSequence();
	venue.store.addLog({
		id: `${order.apiKey}_${order.symbol}_${sequence}`,
		apiKey: order.apiKey,
		category: order.category,
		symbol: order.symbol,
		type: 'TRADE',
		side: order.side,
		currency: movement.currency,
		qty: trade.qty,
		size: movement.size,
		tradePrice: trade.price,
		funding: '',
		fee: movement.fee,
		feeRate: trade.feeRate,
		cashFlow: plain(movement.cashFlow, 10),
		change: plain(movement.change, 10),
		cashBalance: movement.cashBalance,
		orderId: order.orderId,
		orderLinkId: order.orderLinkId,
		tradeId: trade.execId,
		time: trade.time,
		sequence,
	});
}

/** Funding of one position at a settlement time: the payer is the side that the rate's sign names. */
export function settleFunding(venue: Venue, account: Account, position: Position, rate: string, time: number): void {
	const listing = findListing(venue, 'linear', position.symbol);
	const mark = markPrice(venue, listing, time);
	const side = compare(position.size, '0') > 0 ? 'Buy' : 'Sell';
	const value = multiply(absolute(position.size), mark);
	// Seen from the position: above zero is paid.
	const ownRate = side === 'Buy' ? rate : negate(rate);
	const fee = plain(multiply(value, ownRate), 8);
	const cashBalance = changeBalance(venue, account, settleCoin, negate(fee));
	position.curRealisedPnl = subtract(position.curRealisedPnl, fee);
	position.cumRealisedPnl = subtract(position.cumRealisedPnl, fee);
	position.updatedTime = time;
	venue.store.putPosition(position);
	const orderId = randomUUID();
	const execId = randomUUID();
	const qty = absolute(position.size);
	const { apiKey, symbol } = position;
	venue.store.addExecution({
		execId,
		orderId,
		orderLinkId: '',
		apiKey,
		category: 'linear',
		symbol,
		side,
		orderPrice: '0',
		orderQty: '0',
		leavesQty: '0',
		createType: '',
		orderType: 'UNKNOWN',
		stopOrderType: 'UNKNOWN',
		execFee: fee,
		execPrice: mark,
		execQty: qty,
		execType: 'Funding',
		execValue: plain(value, 8),
		execTime: time,
		feeCurrency: '',
		isMaker: false,
		feeRate: ownRate,
		markPrice: mark,
		closedSize: '0',
		sequence: venue.store.nextSequence(),
	});
	const sequence = venue.store.nextSequence();
	venue.store.addLog({
		id: `${apiKey}_${symbol}_${sequence}`,
		apiKey,
		category: 'linear',
		symbol,
		type: 'SETTLEMENT',
		side,
		currency: settleCoin,
		qty,
		size: position.size,
		tradePrice: mark,
		funding: negate(fee),
		fee: '0',
		feeRate: ownRate,
		cashFlow: '0',
		change: negate(fee),
		cashBalance,
		orderId,
		orderLinkId: '',
		tradeId: execId,
		time,
		sequence,
	});
}
