/** What the exchange remembers. Everything here is plain JSON: it is journaled as it is. */
import type { Category } from '../market/instruments.ts';

export type Side = 'Buy' | 'Sell';
export type OrderStatus =
	| 'New'
	| 'PartiallyFilled'
	| 'Untriggered'
	| 'Filled'
	| 'Cancelled'
	| 'PartiallyFilledCanceled'
	| 'Rejected'
	| 'Deactivated';
export type TriggerBy = 'LastPrice' | 'MarkPrice' | 'IndexPrice';
export type TimeInForce = 'GTC' | 'IOC' | 'FOK' | 'PostOnly';
export type StopOrderType =
	| ''
	| 'Stop'
	| 'TakeProfit'
	| 'StopLoss'
	| 'PartialTakeProfit'
	| 'PartialStopLoss'
	| 'TrailingStop'
	| 'tpslOrder';

export interface Account {
	readonly apiKey: string;
	readonly secret: string;
	readonly userId: number;
	readonly createdTime: number;
	/** Wallet balance by coin. */
	readonly balances: Record<string, string>;
	/** Leverage by symbol, where it is not the default. */
	readonly leverage: Record<string, string>;
	/** Absent: cross margin. */
	marginMode?: 'ISOLATED_MARGIN' | 'REGULAR_MARGIN';
	/** A key that may move money out of the exchange; absent: it may not. */
	readonly canWithdraw?: boolean;
}

export interface Order {
	readonly orderId: string;
	readonly orderLinkId: string;
	readonly apiKey: string;
	readonly category: Category;
	readonly symbol: string;
	readonly side: Side;
	readonly orderType: 'Market' | 'Limit';
	readonly timeInForce: TimeInForce;
	/** In the quote coin where `marketUnit` says so. */
	qty: string;
	/** Empty for market orders. */
	price: string;
	readonly marketUnit: '' | 'baseCoin' | 'quoteCoin';
	/** The worst price a market order takes, from its slippage tolerance; empty where it set none. */
	readonly worstPrice: string;
	orderStatus: OrderStatus;
	cancelType: string;
	rejectReason: string;
	cumExecQty: string;
	cumExecValue: string;
	cumExecFee: string;
	feeCurrency: string;
	readonly createType: string;
	readonly stopOrderType: StopOrderType;
	triggerPrice: string;
	readonly triggerDirection: 0 | 1 | 2;
	readonly triggerBy: TriggerBy | '';
	/** Distance of a trailing stop; empty otherwise. */
	readonly trailing: string;
	/** A trailing stop follows the market only once this price was seen; empty: at once. */
	activePrice: string;
	readonly orderFilter: 'Order' | 'StopOrder' | 'tpslOrder';
	readonly reduceOnly: boolean;
	readonly closeOnTrigger: boolean;
	takeProfit: string;
	stopLoss: string;
	readonly tpslMode: '' | 'Full' | 'Partial';
	readonly tpTriggerBy: TriggerBy | '';
	readonly slTriggerBy: TriggerBy | '';
	readonly tpLimitPrice: string;
	readonly slLimitPrice: string;
	readonly lastPriceOnCreated: string;
	readonly createdTime: number;
	updatedTime: number;
	/** Acceptance order: newest first is by this, since many orders share a millisecond. */
	readonly sequence: number;
}

export interface Execution {
	readonly execId: string;
	readonly orderId: string;
	readonly orderLinkId: string;
	readonly apiKey: string;
	readonly category: Category;
	readonly symbol: string;
	readonly side: Side;
	readonly orderPrice: string;
	readonly orderQty: string;
	readonly leavesQty: string;
	readonly createType: string;
	readonly orderType: 'Market' | 'Limit' | 'UNKNOWN';
	readonly stopOrderType: string;
	readonly execFee: string;
	readonly execPrice: string;
	readonly execQty: string;
	readonly execType: 'Trade' | 'Funding' | 'BustTrade';
	readonly execValue: string;
	readonly execTime: number;
	readonly feeCurrency: string;
	readonly isMaker: boolean;
	readonly feeRate: string;
	readonly markPrice: string;
	readonly closedSize: string;
	readonly sequence: number;
}

/** One-way mode: one net position per account and symbol. */
export interface Position {
	readonly apiKey: string;
	readonly symbol: string;
	/** Above zero long, below zero short. */
	size: string;
	avgPrice: string;
	/** Since the position was opened, fees and funding included. */
	curRealisedPnl: string;
	cumRealisedPnl: string;
	createdTime: number;
	updatedTime: number;
	sequence: number;
}

/** A closed part of a position, for closed-pnl. */
export interface ClosedPnl {
	readonly orderId: string;
	readonly apiKey: string;
	readonly symbol: string;
	readonly side: Side;
	readonly qty: string;
	readonly entryPrice: string;
	readonly exitPrice: string;
	readonly openFee: string;
	readonly closeFee: string;
	readonly closedPnl: string;
	readonly leverage: string;
	readonly orderType: 'Market' | 'Limit';
	readonly createdTime: number;
	readonly sequence: number;
}

/** One change of a wallet balance, for transaction-log. */
export interface LogEntry {
	readonly id: string;
	readonly apiKey: string;
	readonly category: Category | '';
	readonly symbol: string;
	readonly type: 'TRADE' | 'SETTLEMENT' | 'TRANSFER_IN';
	readonly side: Side | 'None';
	readonly currency: string;
	readonly qty: string;
	readonly size: string;
	readonly tradePrice: string;
	/** Funding paid is below zero, received above. */
	readonly funding: string;
	readonly fee: string;
	readonly feeRate: string;
	readonly cashFlow: string;
	readonly change: string;
	readonly cashBalance: string;
	readonly orderId: string;
	readonly orderLinkId: string;
	readonly tradeId: string;
	readonly time: number;
	readonly sequence: number;
}

export const faultKinds = [
	'timeout_after_accept',
	'timeout_before_accept',
	'http_5xx',
	'drop_connection',
	'rate_limited',
	'ip_ban',
	'maintenance',
	'partial_fill',
	'no_fill',
	'insufficient_funds',
	'slow',
	'clock_skew',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
	readonly id: number;
	readonly kind: FaultKind;
	/** How many more matching requests (or market orders) it strikes. */
	count: number;
	/** Part of the path it strikes; absent: every /v5 path. */
	readonly endpoint?: string | undefined;
	/** Strikes this key's requests only. */
	readonly apiKey?: string | undefined;
	/** Strikes requests and orders of this market only. */
	readonly category?: Category | undefined;
	readonly symbol?: string | undefined;
	/** slow: delay; clock_skew: by how much the server clock is ahead. */
	readonly ms?: number | undefined;
	/** drop_connection: after the request was accepted. */
	readonly after?: boolean | undefined;
	/** http_5xx: the status. */
	readonly status?: number | undefined;
	/** partial_fill: share of the quantity that is filled. */
	readonly ratio?: number | undefined;
}

/** A market's funding from a time on: at this rate, or at its own again (null). */
export interface FundingSetting {
	readonly symbol: string;
	readonly from: number;
	readonly rate: number | null;
}

/** Figures of a market as the exchange states them from now on. */
export interface InstrumentChange {
	readonly symbol: string;
	readonly category: Category;
	readonly minQty?: string | undefined;
	readonly maxQty?: string | undefined;
	readonly maxMarketQty?: string | undefined;
	readonly minValue?: string | undefined;
	readonly maxValue?: string | undefined;
	readonly qtyStep?: string | undefined;
	readonly tickSize?: string | undefined;
	readonly isDelisted?: boolean | undefined;
}

/** What belongs to no single entity. */
export interface Meta {
	seed: number;
	/** Listing time of the made-up markets. */
	launchTime: number;
	/** By how much the recording is moved, and of which file. */
	recordingOffset: number;
	recordingName: string;
	/** Everything up to this moment is matched. */
	matchedUntil: number;
	sequence: number;
}

export function isOpen(order: Order): boolean {
	return order.orderStatus === 'New' || order.orderStatus === 'PartiallyFilled' || order.orderStatus === 'Untriggered';
}
