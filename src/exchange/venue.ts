/**
 * The contract of every venue: what botbox asks of an exchange, live or paper. Prices and quantities cross it as decimal
 * text, times as epoch milliseconds. Every call to a real exchange goes through the limiter and the breaker.
 */
import type { MarketType, Side, Timeframe } from '../domain.ts';

/** Time as the venue sees it; simulated days inject their own. Epoch milliseconds. */
export type Clock = () => number;

/** One tradable market, fields as `record_instruments` takes them. */
export interface MarketInfo {
	readonly symbol: string;
	readonly exchangeSymbol: string;
	readonly marketType: MarketType;
	readonly baseAsset: string;
	readonly quoteAsset: string;
	readonly settleAsset: string;
	readonly tickSize: string;
	readonly lotSize: string;
	readonly minimumQuantity: string | null;
	readonly maximumQuantity: string | null;
	readonly minimumNotional: string | null;
	/** Of one market order; in quote. */
	readonly maximumNotional: string | null;
	readonly contractSize: string;
	readonly takerFeeRate: string | null;
	readonly makerFeeRate: string | null;
	readonly isTrading: boolean;
}

/** [opening time in epoch ms, open, high, low, close, volume]; prices as the exchange wrote them. */
export type CandleRow = readonly [number, string, string, string, string, string];

export interface CandleFetch {
	/** Closed candles only, oldest first, without duplicates; rows that cannot be are left out and counted. */
	readonly candles: readonly CandleRow[];
	readonly refusedRows: number;
	/** The exchange's time when the answer was asked for, epoch ms: data is at least this fresh. */
	readonly fetchedAt: number;
}

export interface Quote {
	readonly symbol: string;
	readonly bid: string | null;
	readonly ask: string | null;
	readonly last: string;
	readonly mark: string | null;
	readonly quotedAt: number;
}

export interface FundingRate {
	readonly fundingAt: number;
	readonly rate: string;
}

/** What everybody may read; one per exchange, shared by all bots. */
export interface MarketData {
	readonly exchangeId: string;
	markets(): Promise<readonly MarketInfo[]>;
	/** At most `limit` candles from `sinceMs` on, or the newest ones. */
	candles(symbol: string, timeframe: Timeframe, options: { sinceMs?: number; limit: number }): Promise<CandleFetch>;
	/** One call for all symbols of a market type. */
	quotes(marketTypes: readonly MarketType[]): Promise<readonly Quote[]>;
	fundingRates(symbol: string, sinceMs: number): Promise<readonly FundingRate[]>;
	/** Measures the exchange's clock against ours: positive when the exchange is ahead, in ms. */
	measureClock(): Promise<number>;
}

export interface OrderRequest {
	readonly instrumentId: number;
	readonly symbol: string;
	readonly marketType: MarketType;
	readonly side: Side;
	/** In base, or contracts; already rounded to the lot. Market orders only. */
	readonly quantity: string;
	readonly clientOrderId: string;
	readonly reduceOnly: boolean;
	/** It closes a position: the limiter keeps tokens for it. */
	readonly isClose?: boolean;
	/** How long it can wait for the limiter before it counts as denied, in ms; it is handed back long before. */
	readonly patienceMs?: number;
	/**
	 * Stops that travel with the order, for the whole position: Bybit LINEAR only. Where an exchange cannot take them the
	 * order is REFUSED rather than sent without; the paper venue, which has no resting orders, leaves them to the guard.
	 */
	readonly stopLossPrice: string | null;
	readonly takeProfitPrice: string | null;
}

/**
 * What became of one sending; the table of outcomes in ARCHITECTURE.md says what follows from each. All but NOT_SENT come
 * after `beforeSend` has run, so that there is an order's row to record them in.
 */
export type SendOutcome =
	/** The exchange took it. */
	| { readonly kind: 'ACKNOWLEDGED'; readonly exchangeOrderId: string }
	/** A definite refusal: funds, precision, closed market. Sending again would be refused again. */
	| {
			readonly kind: 'REFUSED';
			readonly code: string;
			readonly message: string;
			/** Neither the funds nor the key: the market's lot, limits or state may be others than botbox knows. */
			readonly mayBeOutdated?: true | undefined;
	  }
	/** Definitely not accepted: connection refused, 429, maintenance. May be sent again with the same client order id. */
	| { readonly kind: 'NOT_ACCEPTED'; readonly code: string; readonly message: string }
	/** It may stand: timeout after sending, 5xx, dropped connection, repeated client order id. Only asking tells. */
	| {
			readonly kind: 'UNKNOWN';
			readonly message: string;
			/** The exchange said that it knows the client order id already. */
			readonly code?: 'DUPLICATE_CLIENT_ID' | undefined;
	  }
	/**
	 * Denied by our own limiter or breaker, or `beforeSend` said no: nothing left this process. Reasons: RATE_LIMIT,
	 * BREAKER_OPEN, LIMITER_UNREACHABLE, EXCHANGE_UNAVAILABLE, NO_FRESH_PRICE (before `beforeSend` ran), NOT_SUBMITTED (it
	 * answered null), TOO_LATE (`mustSendBefore` had passed: the order's row is committed).
	 */
	| { readonly kind: 'NOT_SENT'; readonly reason: string; readonly retryAfterMs: number };

export interface OrderState {
	readonly exchangeOrderId: string;
	readonly clientOrderId: string | null;
	readonly symbol: string;
	/** OPEN while it may still fill; PARTIALLY filled and ended counts as CANCELLED. */
	readonly status: 'OPEN' | 'FILLED' | 'CANCELLED' | 'REJECTED';
	readonly side: Side;
	readonly quantity: string;
	readonly filledQuantity: string;
	/** Set when the exchange keeps the order as a stop of a position. */
	readonly stopKind?: FillReport['stopKind'];
	/** True where the order can only make a position smaller. */
	readonly isReduceOnly?: boolean;
}

export interface FillReport {
	readonly symbol: string;
	readonly exchangeOrderId: string;
	readonly exchangeFillId: string;
	readonly clientOrderId: string | null;
	readonly side: Side;
	readonly quantity: string;
	readonly price: string;
	readonly fee: string;
	readonly feeAsset: string;
	/** Set when the exchange made the order from a stop of ours. */
	readonly stopKind: 'STOP_LOSS' | 'TAKE_PROFIT' | null;
	readonly filledAt: number;
}

export interface NetPosition {
	readonly symbol: string;
	/** In base or contracts; negative when short. */
	readonly quantity: string;
	readonly entryPrice: string;
	/** Stops that the exchange keeps for the whole position; null or absent: none. */
	readonly stopLossPrice?: string | null;
	readonly takeProfitPrice?: string | null;
}

/** Stops for the whole net position; null takes one away. */
export interface PositionStops {
	readonly stopLossPrice: string | null;
	readonly takeProfitPrice: string | null;
}

/** How an account holds an instrument. */
export interface InstrumentSettings {
	readonly leverage: string;
	/** Null: as it is at the exchange. */
	readonly marginMode: MarginMode | null;
}

/** ISOLATED: a position can lose its own margin only. CROSS: it draws on everything that the account has. */
export type MarginMode = 'ISOLATED' | 'CROSS';

/** What the exchange lets a key do; null where it does not say. */
export interface KeyFacts {
	readonly canWithdraw: boolean | null;
	readonly canTrade: boolean | null;
}

export interface FundingPayment {
	readonly symbol: string;
	readonly asset: string;
	/** Positive: received. */
	readonly amount: string;
	readonly reference: string;
	readonly paidAt: number;
}

/** Trading on one account; one object per account and process. */
export interface TradingVenue {
	readonly accountId: number;
	readonly exchangeId: string;
	/**
	 * Sends a market order. `beforeSend` runs after the limiter has granted the call and commits the order's row; if it
	 * answers null nothing is sent. `mustSendBefore` is on this process's monotonic clock (performance.now()).
	 */
	createOrder(
		order: Omit<OrderRequest, 'reduceOnly'>,
		beforeSend: () => Promise<{ readonly reduceOnly: boolean; readonly mustSendBefore: number } | null>,
	): Promise<SendOutcome>;
	cancelOrder(symbol: string, clientOrderId: string): Promise<void>;
	/** Asks open orders, then history, then executions; null only on a clear "no such order" from all of them. */
	findOrder(symbol: string, clientOrderId: string): Promise<OrderState | null>;
	/** The same for an order that the exchange made from a stop of ours and that has its id only. */
	findExchangeOrder(symbol: string, exchangeOrderId: string): Promise<OrderState | null>;
	openOrders(): Promise<readonly OrderState[]>;
	/** Fills from `sinceMs` on (inclusive), oldest first; of one order where given. */
	fillsSince(
		sinceMs: number,
		order?: { readonly symbol: string; readonly exchangeOrderId: string },
	): Promise<readonly FillReport[]>;
	/** Net positions of derivatives, quantity signed, with the average price that the exchange reckons with. */
	positions(): Promise<readonly NetPosition[]>;
	/** Total cash per asset, without unrealised profit. */
	balances(): Promise<Readonly<Record<string, string>>>;
	fundingPayments(sinceMs: number): Promise<readonly FundingPayment[]>;
	/**
	 * Puts the stops of an open LINEAR position at the exchange in the place of those that stand there; "not modified" counts
	 * as done. Throws EXCHANGE_REFUSED: it has no such stops, nothing is held, or the price is beyond the stop already.
	 */
	setStops(symbol: string, stops: PositionStops): Promise<void>;
	/** Maintenance margin as a share of the margin balance of the whole account; liquidation is at 1. Null: it says none. */
	marginRatio(): Promise<string | null>;
	keyFacts(): Promise<KeyFacts>;
	/**
	 * Sets one-way mode, the margin mode where one is wanted, and the leverage; "not modified" counts as done. Throws
	 * EXCHANGE_REFUSED, such as for a margin mode while something is held.
	 */
	prepareInstrument(symbol: string, marketType: MarketType, settings: InstrumentSettings): Promise<void>;
}
