/** What a simulated minute leaves behind: whether everybody was checked, and entries that nobody sends. */
import { expireTrades } from '../../src/database/functions/trades.ts';
import type { Pool } from '../../src/database/pool.ts';

const minuteMs = 60_000;

/** Throws unless every bot was checked exactly once and could decide: a fast cycle that leaves bots out would be no cycle. */
export async function countSignals(pool: Pool, bots: number, now: Date): Promise<number> {
	const { rows } = await pool.query<{ checks: number; bots: number; signals: number }>(
		`select count(*)::integer as checks, count(distinct bot_id)::integer as bots,
		        count(*) filter (where decision <> 'NONE')::integer as signals
		   from botbox.checks where due_at = $1 and outcome not in ('FAILED', 'STALE_DATA', 'INSUFFICIENT_HISTORY')`,
		[now],
	);
	if (rows[0]?.checks === bots && rows[0].bots === bots) return rows[0].signals;
	const { rows: outcomes } = await pool.query(
		'select outcome, min(error) as error, count(*) from botbox.checks where due_at = $1 group by outcome',
		[now],
	);
	throw new Error(`${rows[0]?.bots} of ${bots} bots in ${rows[0]?.checks} checks: ${JSON.stringify(outcomes)}`);
}

/** Queued entries are ended, as executors would have done by then; the next cycle's are new. */
export async function settleTrades(pool: Pool, now: Date): Promise<void> {
	await expireTrades(pool, { now: new Date(now.getTime() + 10 * minuteMs) });
}

/** Autovacuum would have come by in the minute that lies between two cycles. */
export async function settle(pool: Pool, now: Date): Promise<void> {
	await settleTrades(pool, now);
	await pool.query('vacuum botbox.bots, botbox.trade_queue, botbox.signals, pgboss.job');
}
