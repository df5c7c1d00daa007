/**
 * Rows as the API answers them: the columns of the reporting views, in their own names. Money and quantities are decimal
 * strings, times ISO 8601 in UTC. Only the columns that the page shows; test/dashboard/rows.ts holds them to the views.
 */
export type AccountMode = 'PAPER' | 'LIVE';
export type Direction = 'LONG' | 'SHORT';
export type SignalDirection = Direction | 'CLOSE';
export type Side = 'BUY' | 'SELL';
export type Timeframe = '1m' | '5m' | '15m' | '1h' | '4h' | '1d';

export interface Overview {
	readonly active_bots: number;
	readonly bots: number;
	readonly checks_hour: number;
	readonly checks_failed_hour: number;
	readonly check_late_ms_p95: number | null;
	readonly signals_hour: number;
	readonly signals_day: number;
	readonly accepted_day: number;
	readonly rejected_day: number;
	/** 0 to 1. */
	readonly acceptance_rate_day: number | null;
	readonly trades_hour: number;
	readonly trades_day: number;
	readonly executed_day: number;
	readonly failed_day: number;
	readonly queue_depth: number;
	readonly executing: number;
	readonly parked: number;
	readonly acknowledged_ms_p95_day: number | null;
	readonly open_positions: number;
	readonly net_pnl_live: string;
	readonly unrealised_pnl_live: string;
	readonly net_pnl_paper: string;
	readonly unrealised_pnl_paper: string;
	/** Null where accounts settle in several assets: then profits have no common unit. */
	readonly settle_asset: string | null;
	readonly open_alerts: number;
	readonly running_workers: number;
	readonly pauses_in_force: number;
	readonly data_lag_seconds_max: number | null;
	readonly last_tick_at: string | null;
	readonly as_of: string;
}

export interface Bot {
	readonly bot_id: number;
	readonly name: string;
	readonly status: 'ACTIVE' | 'PAUSED' | 'STOPPED' | 'DELETED';
	readonly status_reason: string | null;
	readonly strategy: string;
	readonly strategy_version: number;
	readonly timeframe: Timeframe;
	readonly interval_minutes: number;
	/** What an interval that adapts starts from; null where it stays. */
	readonly adaptive_base_minutes: number | null;
	readonly strategy_version_id: number;
	readonly sizing: 'FIXED_NOTIONAL' | 'CAPITAL_FRACTION' | 'VOLATILITY_TARGET';
	readonly sizing_value: string;
	readonly leverage: string;
	readonly execution: 'AUTO' | 'CONFIRM';
	readonly account_id: number;
	readonly account: string;
	readonly account_mode: AccountMode;
	readonly settle_asset: string;
	readonly exchange_id: string;
	readonly symbol: string;
	readonly market_type: 'SPOT' | 'LINEAR';
	readonly instrument_id: number;
	/** Of the second leg of a pair. */
	readonly second_symbol: string | null;
	readonly next_check_at: string | null;
	readonly last_check_at: string | null;
	readonly last_outcome: string | null;
	readonly last_reason_code: string | null;
	readonly last_reason: string | null;
	readonly last_score: number | null;
	readonly consecutive_failures: number;
	readonly entries_paused: boolean;
	readonly signals_accepted_day: number;
	readonly signals_rejected_day: number;
	readonly position_direction: Direction | null;
	readonly position_quantity: string | null;
	readonly position_entry_price: string | null;
	readonly position_opened_at: string | null;
	readonly unrealised_pnl: string | null;
	readonly net_pnl: string;
	readonly fees: string;
	readonly closed_positions: number;
	readonly created_at: string;
}

export interface FactorResult {
	readonly name: string;
	readonly value: number | null;
	/** -1 to 1. */
	readonly score: number | null;
	readonly weight: number;
	readonly contribution: number | null;
}

export interface Check {
	readonly bot_id: number;
	readonly due_at: string;
	readonly kind: 'SCHEDULED' | 'MANUAL';
	readonly recorded_at: string;
	readonly duration_ms: number;
	readonly late_ms: number;
	readonly candle_at: string | null;
	readonly data_age_ms: number | null;
	readonly price: string | null;
	readonly score: number | null;
	/** An array of FactorResult where the check came so far. */
	readonly factors: unknown;
	readonly regime_direction: string | null;
	readonly regime_volatility: string | null;
	readonly decision: string;
	readonly outcome: string;
	readonly reason_code: string;
	readonly reason: string | null;
	readonly error: string | null;
}

export interface Signal {
	readonly signal_id: number;
	readonly created_at: string;
	readonly decided_at: string;
	readonly bot_id: number;
	readonly bot: string;
	readonly account_mode: AccountMode;
	readonly symbol: string;
	readonly direction: SignalDirection;
	readonly strategy: string;
	readonly strategy_version: number;
	readonly timeframe: Timeframe;
	readonly account: string;
	readonly exchange_id: string;
	readonly trigger_reason: string;
	readonly candle_at: string;
	readonly score: number | null;
	/** An array of FactorResult. */
	readonly factors: unknown;
	readonly regime_direction: string | null;
	readonly regime_volatility: string | null;
	readonly data_age_ms: number | null;
	readonly stop_loss_price: string | null;
	readonly take_profit_price: string | null;
	readonly hash: string;
	readonly price: string;
	readonly quantity: string | null;
	readonly notional: string | null;
	readonly status: 'QUEUED' | 'REJECTED';
	readonly reason_code: string;
	readonly reason: string;
	readonly details: unknown;
	readonly repeat_count: number;
	readonly trade_status: string | null;
}

export interface Trade {
	readonly trade_id: string;
	readonly queued_at: string;
	readonly bot_id: number;
	readonly bot: string;
	readonly account_mode: AccountMode;
	readonly symbol: string;
	readonly direction: SignalDirection;
	readonly side: Side;
	readonly quantity: string;
	readonly signal_price: string;
	readonly trigger_reason: string;
	readonly status: string;
	readonly reason_code: string | null;
	readonly reason: string | null;
	readonly error: string | null;
	readonly attempts: number;
	readonly acknowledged_after_ms: number | null;
	readonly order_status: string | null;
	readonly filled_quantity: string | null;
	readonly average_price: string | null;
	readonly signal_id: number;
	readonly account: string;
	readonly expires_at: string | null;
	readonly next_attempt_at: string;
	readonly finished_at: string | null;
	readonly client_order_id: string | null;
	readonly exchange_order_id: string | null;
}

export interface Order {
	readonly order_id: number;
	readonly created_at: string;
	readonly bot_id: number;
	readonly bot: string;
	readonly account_mode: AccountMode;
	readonly symbol: string;
	readonly purpose: 'ENTRY' | 'EXIT' | 'STOP_LOSS' | 'TAKE_PROFIT';
	readonly side: Side;
	readonly quantity: string;
	readonly filled_quantity: string;
	readonly average_price: string | null;
	readonly status: string;
	readonly client_order_id: string | null;
	readonly exchange_order_id: string | null;
	readonly reject_code: string | null;
	readonly reject_message: string | null;
}

export interface Position {
	readonly position_id: number;
	readonly bot_id: number;
	readonly bot: string;
	readonly account: string;
	readonly account_mode: AccountMode;
	readonly symbol: string;
	readonly settle_asset: string;
	readonly direction: Direction;
	readonly status: 'OPEN' | 'CLOSED';
	readonly quantity: string;
	readonly average_entry_price: string;
	readonly average_exit_price: string | null;
	readonly entry_notional: string;
	readonly last_price: string | null;
	readonly unrealised_pnl: string | null;
	readonly net_pnl: string;
	readonly stop_loss_price: string | null;
	readonly take_profit_price: string | null;
	readonly trailing_stop_price: string | null;
	readonly account_id: number;
	readonly instrument_id: number;
	readonly leverage: string;
	readonly fees: string;
	readonly funding: string;
	readonly protection: 'EXCHANGE' | 'GUARD' | 'NONE';
	readonly opened_at: string;
	readonly closed_at: string | null;
}

export interface Account {
	readonly account_id: number;
	readonly name: string;
	readonly exchange_id: string;
	readonly mode: AccountMode;
	readonly status: 'ACTIVE' | 'REDUCING' | 'HALTED';
	readonly status_reason: string | null;
	readonly settle_asset: string;
	readonly capital: string;
	readonly available: string | null;
	readonly max_positions: number;
	readonly max_correlated_positions: number;
	readonly correlation_threshold: string;
	readonly max_instrument_exposure: string | null;
	readonly max_total_exposure: string | null;
	readonly max_order_notional: string | null;
	readonly max_entries_per_minute: number | null;
	readonly max_price_deviation: string | null;
	readonly daily_loss_limit: string | null;
	readonly max_drawdown: string | null;
	readonly loss_cooldown_minutes: number | null;
	readonly max_losing_streak: number | null;
	readonly losses_count_from: string | null;
	readonly equity: string | null;
	readonly equity_peak: string | null;
	readonly reconciled_at: string | null;
	readonly open_positions: number;
	readonly net_pnl: string;
}

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

export interface Alert {
	readonly alert_id: number;
	readonly code: string;
	readonly severity: 'CRITICAL' | 'WARNING' | 'INFO';
	readonly subject: string;
	readonly message: string;
	readonly occurrences: number;
	readonly opened_at: string;
	readonly last_seen_at: string;
	readonly acknowledged_at: string | null;
	readonly acknowledged_by: string | null;
	readonly resolved_at: string | null;
	readonly is_open: boolean;
}

export interface Pause {
	readonly pause_id: number;
	readonly scope: 'ALL' | 'EXCHANGE' | 'ACCOUNT' | 'BOT';
	readonly exchange_id: string | null;
	readonly account_id: number | null;
	readonly bot_id: number | null;
	readonly reason: string;
	readonly created_by: string;
	readonly lifts_at: string | null;
	readonly is_in_force: boolean;
}

export interface Worker {
	readonly worker_id: string;
	readonly host: string;
	readonly process_id: number;
	readonly roles: readonly string[];
	readonly version: string;
	readonly started_at: string;
	readonly heartbeat_at: string;
	readonly stopped_at: string | null;
	readonly status: string;
}

export interface RejectionReason {
	readonly reason_code: string;
	readonly reason: string;
	readonly signals: number;
	readonly occurrences: number;
	readonly last_at: string;
}

export interface AccountEquity {
	readonly account_id: number;
	readonly at: string;
	readonly equity: string;
	readonly peak: string;
	/** Share of the peak that is lost, 0 to 1. */
	readonly drawdown: number | null;
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

export interface StrategyVersion {
	readonly strategy_id: string;
	readonly name: string;
	readonly title: string;
	readonly default_interval_minutes: number;
	readonly strategy_version_id: number;
	readonly version: number;
	readonly timeframe: Timeframe;
	readonly history: number;
	readonly favourable_regimes: readonly string[];
	/** Nested values by name. */
	readonly parameters: unknown;
	readonly created_at: string;
	readonly active_bots: number;
}

export interface StrategyPerformance {
	readonly strategy_version_id: number;
	readonly bots: number;
	readonly active_bots: number;
	readonly checks_hour: number | null;
	readonly signals_day: number | null;
	readonly accepted_day: number | null;
	readonly rejected_day: number | null;
	readonly trades_day: number | null;
	readonly executed_day: number | null;
	readonly open_positions: number;
	readonly closed_positions: number;
	readonly won: number;
	readonly lost: number;
	readonly net_pnl_live: string;
	readonly net_pnl_paper: string;
	readonly fees: string;
	readonly settle_asset: string | null;
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

/** A strategy that bots can be made of; no view but the program itself is behind it. */
export interface CatalogueEntry {
	readonly strategy_id: string;
	readonly name: string;
	readonly title: string;
	readonly default_interval_minutes: number;
	readonly legs: number;
	/** JSON schema of the parameters. */
	readonly schema: Readonly<Record<string, unknown>>;
	readonly defaults: Readonly<Record<string, unknown>> | null;
}

export interface Candle {
	readonly open_at: string;
	readonly open: string;
	readonly high: string;
	readonly low: string;
	readonly close: string;
	readonly volume: string;
}
