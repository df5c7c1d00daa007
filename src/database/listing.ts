/** Reads of the reporting views for the command line and the live status: whole rows, filtered by equality. */
import pg from 'pg';
import type { Queryable } from './functions/define.ts';

export type ViewName =
	| 'overview'
	| 'bot_status'
	| 'checks'
	| 'signals'
	| 'trades'
	| 'approvals'
	| 'orders'
	| 'positions'
	| 'accounts'
	| 'foreign_positions'
	| 'foreign_orders'
	| 'account_margin'
	| 'rollouts'
	| 'rollout_steps'
	| 'strategies'
	| 'instruments'
	| 'exchange_health'
	| 'rate_limits'
	| 'pauses'
	| 'alerts'
	| 'alert_rules'
	| 'alert_channels'
	| 'worker_status'
	| 'rejection_reasons'
	| 'data_freshness'
	| 'candle_gaps'
	| 'funding_rates'
	| 'api_tokens'
	| 'regimes'
	| 'correlations'
	| 'interval_changes'
	| 'strategy_performance'
	| 'uptime'
	| 'queue_status'
	| 'exchange_usage';

export type ViewRow = Readonly<Record<string, string | number | boolean | Date | null>>;

export interface ListingOptions {
	readonly where?: Readonly<Record<string, string | number | boolean | null>>;
	/** A column of the view, with `-` before it for the largest first. */
	readonly orderBy?: string;
	readonly limit?: number;
}

/** Rows of `reporting.<view>`; numeric columns as decimal text, times as Date. */
export async function listView(db: Queryable, view: ViewName, options: ListingOptions = {}): Promise<ViewRow[]> {
	const values: unknown[] = [];
	const conditions = Object.entries(options.where ?? {}).map(([column, value]) => {
		values.push(value);
		return `${pg.escapeIdentifier(column)} is not distinct from $${values.length}`;
	});
	const isDescending = options.orderBy?.startsWith('-') ?? false;
	const order =
		options.orderBy === undefined
			? ''
			: ` order by ${pg.escapeIdentifier(options.orderBy.replace(/^-/, ''))}${isDescending ? ' desc nulls last' : ''}`;
	values.push(options.limit ?? 1_000);
	const result = await db.query(
		`select * from reporting.${pg.escapeIdentifier(view)}${conditions.length > 0 ? ` where ${conditions.join(' and ')}` : ''}${order} limit $${values.length}`,
		values,
	);
	return result.rows;
}
