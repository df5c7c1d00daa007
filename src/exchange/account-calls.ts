/** What an exchange's own dialect of trading offers to the venue: one implementation per family. */
import type { MarketType, Side } from '../domain.ts';
import type {
	FillReport,
	FundingPayment,
	KeyFacts,
	MarginMode,
	NetPosition,
	OrderRequest,
	OrderState,
	PositionStops,
} from './venue.ts';

export interface AccountCalls {
	/** Sends one market order and answers the exchange's id. */
	createOrder(order: OrderRequest): Promise<string>;
	cancelOrder(symbol: string, clientOrderId: string): Promise<void>;
	/** Null only if every place where it could be has clearly answered that it is not there. */
	findOrder(symbol: string, clientOrderId: string): Promise<OrderState | null>;
	/** The same for an order that the exchange made from a stop of ours and that has its id only. */
	findExchangeOrder(symbol: string, exchangeOrderId: string): Promise<OrderState | null>;
	openOrders(): Promise<OrderState[]>;
	fillsSince(
		sinceMs: number,
		order: { readonly symbol: string; readonly exchangeOrderId: string } | undefined,
	): Promise<FillReport[]>;
	positions(): Promise<NetPosition[]>;
	balances(): Promise<Record<string, string>>;
	fundingPayments(sinceMs: number): Promise<FundingPayment[]>;
	setLeverage(symbol: string, leverage: string): Promise<void>;
	/** Of one instrument, or of the whole account where the exchange knows no other. */
	setMarginMode(symbol: string, mode: MarginMode): Promise<void>;
	setOneWayMode(): Promise<void>;
	/** Undefined where the exchange keeps no stops of a position. */
	setStops?(symbol: string, stops: PositionStops): Promise<void>;
	marginRatio(): Promise<string | null>;
	keyFacts(): Promise<KeyFacts>;
	/** Whether stops can travel with a market order. */
	canAttachStops(marketType: MarketType): boolean;
}

/** What a dialect needs to know of the account and the exchange. */
export interface AccountFacts {
	readonly accountId: number;
	readonly settleAsset: string;
	readonly exchangeTime: () => number;
	/** Symbols in which the account can have fills, where an exchange must be asked one by one. */
	readonly tradedSymbols: (sinceMs: number) => Promise<readonly { symbol: string; marketType: MarketType }[]>;
}

/** Time windows of at most `lengthMs` from a start to an end, both inclusive. */
export function* timeWindows(
	sinceMs: number,
	untilMs: number,
	lengthMs: number,
): Generator<{ readonly start: number; readonly end: number }> {
	for (let start = sinceMs; start <= untilMs; start += lengthMs)
		yield { start, end: Math.min(start + lengthMs - 1, untilMs) };
}

export function parseSide(side: string): Side {
	return side.toUpperCase() === 'BUY' ? 'BUY' : 'SELL';
}
