/** Views with the state of the system itself. */
import { BotboxError } from '../../errors.ts';
import type { Queryable } from '../functions/define.ts';
import type { RowOf } from './columns.ts';
import { defineView, findRow } from './define.ts';

export const overview = defineView(
	'overview',
	{ order: ['as_of'], direction: 'desc' },
	{
		active_bots: 'bigint',
		bots: 'bigint',
		checks_hour: 'bigint',
		checks_failed_hour: 'bigint',
		check_late_ms_p95: 'double precision?',
		signals_hour: 'bigint',
		signals_day: 'bigint',
		accepted_day: 'bigint',
		rejected_day: 'bigint',
		acceptance_rate_day: 'double precision?',
		trades_hour: 'bigint',
		trades_day: 'bigint',
		executed_day: 'bigint',
		failed_day: 'bigint',
		queue_depth: 'bigint',
		executing: 'bigint',
		parked: 'bigint',
		acknowledged_ms_p95_day: 'double precision?',
		open_positions: 'bigint',
		net_pnl_live: 'numeric',
		unrealised_pnl_live: 'numeric',
		net_pnl_paper: 'numeric',
		unrealised_pnl_paper: 'numeric',
		settle_asset: 'text?',
		open_alerts: 'bigint',
		running_workers: 'bigint',
		pauses_in_force: 'bigint',
		data_lag_seconds_max: 'double precision?',
		last_tick_at: 'timestamptz?',
		as_of: 'timestamptz',
	},
);
export type OverviewRow = RowOf<typeof overview.columns>;

export async function readOverview(db: Queryable): Promise<OverviewRow> {
	const row = await findRow(db, overview, {});
	if (row === null) throw new BotboxError('INTERNAL', 'reporting.overview has no row');
	return row;
}

export const pauses = defineView(
	'pauses',
	{ order: ['pause_id'], direction: 'desc' },
	{
		pause_id: 'bigint',
		scope: 'pause_scope',
		exchange_id: 'text?',
		account_id: 'bigint?',
		bot_id: 'bigint?',
		reason: 'text',
		created_by: 'text',
		created_at: 'timestamptz',
		lifts_at: 'timestamptz?',
		lifted_at: 'timestamptz?',
		lifted_by: 'text?',
		is_in_force: 'boolean',
	},
);

export const alerts = defineView(
	'alerts',
	{ order: ['opened_at', 'alert_id'], direction: 'desc' },
	{
		alert_id: 'bigint',
		code: 'text',
		severity: 'severity',
		subject: 'text',
		message: 'text',
		details: 'jsonb',
		occurrences: 'integer',
		opened_at: 'timestamptz',
		last_seen_at: 'timestamptz',
		acknowledged_at: 'timestamptz?',
		acknowledged_by: 'text?',
		resolved_at: 'timestamptz?',
		is_open: 'boolean',
	},
);

export const workerStatus = defineView(
	'worker_status',
	{ order: ['heartbeat_at', 'worker_id'], direction: 'desc' },
	{
		worker_id: 'text',
		host: 'text',
		process_id: 'integer',
		roles: 'text[]',
		version: 'text',
		started_at: 'timestamptz',
		heartbeat_at: 'timestamptz',
		stopped_at: 'timestamptz?',
		figures: 'jsonb',
		status: 'text',
	},
);

export const apiTokens = defineView(
	'api_tokens',
	{ order: ['token_id'], direction: 'asc' },
	{
		token_id: 'bigint',
		name: 'text',
		role: 'token_role',
		created_at: 'timestamptz',
		expires_at: 'timestamptz?',
		revoked_at: 'timestamptz?',
		last_used_at: 'timestamptz?',
		is_valid: 'boolean',
	},
);

/** Newest first. */
export const auditLog = defineView(
	'audit_log',
	{ order: ['audit_id'], direction: 'desc', searched: ['subject'] },
	{
		audit_id: 'bigint',
		at: 'timestamptz',
		actor: 'text',
		action: 'text',
		subject: 'text',
		before: 'jsonb?',
		after: 'jsonb?',
	},
);
