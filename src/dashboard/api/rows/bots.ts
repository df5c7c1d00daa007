/** Bots, what they decided, and what they are made of. */
import type { AccountMode, Direction, SignalDirection, Timeframe } from './words.ts';

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
	readonly max_position_notional: string | null;
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

export interface RejectionReason {
	readonly reason_code: string;
	readonly reason: string;
	readonly signals: number;
	readonly occurrences: number;
	readonly last_at: string;
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
