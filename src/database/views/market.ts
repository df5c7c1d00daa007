/** Views with markets, their candles and how fresh they are. */
import { defineView } from './define.ts';

export const instruments = defineView(
	'instruments',
	{ order: ['instrument_id'], direction: 'asc', searched: ['symbol', 'exchange_symbol'] },
	{
		instrument_id: 'bigint',
		exchange_id: 'text',
		symbol: 'text',
		exchange_symbol: 'text',
		market_type: 'market_type',
		base_asset: 'text',
		quote_asset: 'text',
		settle_asset: 'text',
		tick_size: 'numeric',
		lot_size: 'numeric',
		minimum_quantity: 'numeric',
		minimum_notional: 'numeric',
		taker_fee_rate: 'numeric',
		is_trading: 'boolean',
		last_price: 'numeric?',
		bid: 'numeric?',
		ask: 'numeric?',
		quoted_at: 'timestamptz?',
	},
);

/** Newest first. */
export const candles = defineView(
	'candles',
	{ order: ['open_at'], direction: 'desc' },
	{
		instrument_id: 'bigint',
		exchange_id: 'text',
		symbol: 'text',
		timeframe: 'timeframe',
		open_at: 'timestamptz',
		open: 'numeric',
		high: 'numeric',
		low: 'numeric',
		close: 'numeric',
		volume: 'numeric',
		is_native: 'boolean',
	},
);

export const dataFreshness = defineView(
	'data_freshness',
	{ order: ['instrument_id'], direction: 'asc', searched: ['symbol'] },
	{
		instrument_id: 'bigint',
		exchange_id: 'text',
		symbol: 'text',
		fetched_at: 'timestamptz?',
		lag_seconds: 'double precision?',
		last_candle_at: 'timestamptz?',
		is_followed: 'boolean',
		consecutive_failures: 'integer',
		last_error: 'text?',
		refused_rows: 'bigint',
		next_fetch_at: 'timestamptz',
	},
);

export const exchangeHealth = defineView(
	'exchange_health',
	{ order: ['exchange_id'], direction: 'asc' },
	{
		exchange_id: 'text',
		title: 'text',
		breaker_state: 'breaker_state',
		consecutive_failures: 'integer',
		last_error: 'text?',
		probe_at: 'timestamptz?',
		changed_at: 'timestamptz',
		clock_offset_ms: 'double precision?',
		used_share: 'double precision?',
		blocked_until: 'timestamptz?',
		granted: 'bigint',
		denied: 'bigint',
		data_fetched_at: 'timestamptz?',
		data_lag_seconds: 'double precision?',
		feeds: 'bigint',
		feeds_failing: 'bigint',
	},
);

export const rateLimits = defineView(
	'rate_limits',
	{ order: ['exchange_id', 'scope', 'bucket', 'window_ms'], direction: 'asc' },
	{
		exchange_id: 'text',
		scope: 'limit_scope',
		bucket: 'text',
		window_ms: 'integer',
		published_limit: 'numeric',
		buckets: 'bigint',
		capacity: 'numeric?',
		refill_per_second: 'numeric?',
		pace: 'numeric?',
		granted: 'bigint?',
		denied: 'bigint?',
		blocked_until: 'timestamptz?',
	},
);

/** Newest first. */
export const regimes = defineView(
	'regimes',
	{ order: ['candle_at'], direction: 'desc' },
	{
		instrument_id: 'bigint',
		exchange_id: 'text',
		symbol: 'text',
		timeframe: 'timeframe',
		candle_at: 'timestamptz',
		direction: 'regime_direction',
		volatility: 'regime_volatility',
		adx: 'double precision?',
		slope: 'double precision?',
		atr: 'double precision?',
		atr_percentile: 'double precision?',
		recorded_at: 'timestamptz',
	},
);

export const correlations = defineView(
	'correlations',
	{ order: ['instrument_a', 'instrument_b'], direction: 'asc' },
	{
		instrument_a: 'bigint',
		symbol_a: 'text',
		exchange_a: 'text',
		instrument_b: 'bigint',
		symbol_b: 'text',
		exchange_b: 'text',
		rho: 'double precision',
		samples: 'integer',
		computed_at: 'timestamptz',
	},
);

/** Moments between stored candles for which there is none; the longest way back first. */
export const candleGaps = defineView(
	'candle_gaps',
	{ order: ['instrument_id', 'timeframe', 'gap_from'], direction: 'asc', searched: ['symbol'] },
	{
		instrument_id: 'bigint',
		exchange_id: 'text',
		symbol: 'text',
		timeframe: 'timeframe',
		gap_from: 'timestamptz',
		gap_to: 'timestamptz',
		missing: 'bigint',
		state: 'text',
		attempts: 'integer',
		tried_at: 'timestamptz?',
		confirmed_at: 'timestamptz?',
	},
);

/** Newest first. */
export const fundingRates = defineView(
	'funding_rates',
	{ order: ['funding_at', 'instrument_id'], direction: 'desc', searched: ['symbol'] },
	{
		instrument_id: 'bigint',
		exchange_id: 'text',
		symbol: 'text',
		funding_at: 'timestamptz',
		rate: 'numeric',
		recorded_at: 'timestamptz',
	},
);

/** Newest first. */
export const checkHours = defineView(
	'check_hours',
	{ order: ['hour_at', 'bot_id', 'outcome'], direction: 'desc', searched: ['bot'] },
	{
		bot_id: 'bigint',
		bot: 'text',
		hour_at: 'timestamptz',
		outcome: 'check_outcome',
		checks: 'bigint',
		duration_ms_mean: 'double precision',
		duration_ms_max: 'double precision',
		late_ms_max: 'double precision',
	},
);
