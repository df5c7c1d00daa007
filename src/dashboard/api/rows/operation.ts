import type { AccountMode } from './words.ts';

/** The system as a whole: its figures, alerts, pauses, workers. */
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

export interface AlertChannel {
	readonly channel_id: number;
	readonly name: string;
	readonly kind: string;
	readonly target: string;
	readonly minimum_severity: 'CRITICAL' | 'WARNING' | 'INFO';
	readonly escalate_after_minutes: number | null;
	readonly state: string;
	readonly last_delivered_at: string | null;
	readonly last_failed_at: string | null;
	readonly last_error: string | null;
	readonly waiting: number;
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

/** An account whose bots start step by step. */
export interface Rollout {
	readonly account_id: number;
	readonly account: string;
	readonly account_mode: AccountMode;
	/** Null: none, and bots still wait for a minute at most. */
	readonly max_active_bots: number | null;
	readonly active_bots: number;
	readonly places_taken: number;
	readonly waiting_bots: number;
	readonly held_since: string | null;
	readonly held_reason: string | null;
}

export interface RolloutStep {
	readonly step_id: number;
	readonly max_active_bots: number;
	readonly step_at: string;
	readonly due_at: string;
	readonly status: string;
	readonly held_reason: string | null;
	readonly taken_at: string | null;
	readonly planned_at: string;
	readonly planned_by: string;
}
