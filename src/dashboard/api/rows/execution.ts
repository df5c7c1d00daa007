/** What became of the decisions: trades, orders, positions, accounts. */
import type { AccountMode, Direction, Side, SignalDirection } from './words.ts';

/** An entry that a person is asked about. */
export interface Approval {
	readonly trade_id: string;
	readonly requested_at: string;
	readonly state: 'WAITING' | 'APPROVED' | 'REJECTED' | 'EXPIRED' | 'CANCELLED';
	readonly expires_at: string;
	readonly bot_id: number;
	readonly bot: string;
	readonly account_mode: AccountMode;
	readonly settle_asset: string;
	readonly symbol: string;
	/** The same for both legs of a pair. */
	readonly group_id: string | null;
	readonly direction: SignalDirection;
	readonly quantity: string;
	readonly signal_price: string;
	readonly notional: string;
	readonly leverage: string;
	readonly stop_loss_price: string | null;
	readonly take_profit_price: string | null;
	readonly last_price: string | null;
	/** Since the signal: 0.01 is 1% up. */
	readonly price_change: string | null;
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

export interface AccountEquity {
	readonly account_id: number;
	readonly at: string;
	readonly equity: string;
	readonly peak: string;
	/** Share of the peak that is lost, 0 to 1. */
	readonly drawdown: number | null;
}
