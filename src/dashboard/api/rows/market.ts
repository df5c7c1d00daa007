/** Exchanges, their markets and candles. */
export interface Exchange {
	readonly exchange_id: string;
	readonly title: string;
	readonly breaker_state: 'CLOSED' | 'OPEN' | 'HALF_OPEN';
	readonly consecutive_failures: number;
	readonly last_error: string | null;
	readonly probe_at: string | null;
	readonly changed_at: string;
	readonly clock_offset_ms: number | null;
	/** Share of the published limit, 0 to 1. */
	readonly used_share: number | null;
	readonly blocked_until: string | null;
	readonly granted: number;
	readonly denied: number;
	readonly data_fetched_at: string | null;
	readonly data_lag_seconds: number | null;
	readonly feeds: number;
	readonly feeds_failing: number;
}

export interface DataFreshness {
	readonly instrument_id: number;
	readonly exchange_id: string;
	readonly symbol: string;
	readonly fetched_at: string | null;
	readonly lag_seconds: number | null;
	readonly last_candle_at: string | null;
	readonly is_followed: boolean;
	readonly consecutive_failures: number;
	readonly last_error: string | null;
	readonly refused_rows: number;
	readonly next_fetch_at: string;
}

export interface Instrument {
	readonly instrument_id: number;
	readonly exchange_id: string;
	readonly symbol: string;
	readonly market_type: 'SPOT' | 'LINEAR';
	readonly settle_asset: string;
	readonly minimum_notional: string;
	readonly last_price: string | null;
}

export interface Candle {
	readonly open_at: string;
	readonly open: string;
	readonly high: string;
	readonly low: string;
	readonly close: string;
	readonly volume: string;
}
