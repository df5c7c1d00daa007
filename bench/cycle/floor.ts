/**
 * The floor of a cycle: what pg-boss and PostgreSQL need for as many jobs and checks when nothing is evaluated or decided. Jobs
 * are inserted, fetched and deleted by the same calls, and one bulk statement a batch moves schedules on and inserts the checks,
 * without waiting for the disk, as the checks of botbox do.
 */
import { performance } from 'node:perf_hooks';
import type { CheckJob, Jobs } from '../../src/database/jobs.ts';
import type { Pool } from '../../src/database/pool.ts';

const batchSize = 1_000;

/** Milliseconds for all bots due at `now`, from finding them to the last check written. */
export async function measureFloor(pool: Pool, jobs: Jobs, now: Date): Promise<number> {
	const factors = await sampleFactors(pool);
	const begun = performance.now();
	const { rows } = await pool.query<{ id: number }>(
		`select id from botbox.bots where status = 'ACTIVE' and next_check_at <= $1`,
		[now],
	);
	const dueAt = now.toISOString();
	await jobs.insertChecks(rows.map(({ id }): CheckJob => ({ botId: id, dueAt })));
	for (;;) {
		const fetched = await jobs.fetchChecks(batchSize, { ignoreStartAfter: true });
		if (fetched.length === 0) break;
		await pool.query(
			`with moved as (
			   update botbox.bots b
			      set last_check_at = $2, next_check_at = $2::timestamptz + interval '1 minute'
			     from unnest($1::bigint[]) as j (id)
			    where b.id = j.id
			   returning b.id, b.strategy_version_id
			 )
			 insert into botbox.checks (
			   bot_id, due_at, kind, strategy_version_id, worker_id, started_at, recorded_at, duration_ms, candle_at, data_age_ms,
			   price, score, factors, regime_direction, regime_volatility, decision, outcome, reason_code
			 )
			 select m.id, $2, 'SCHEDULED', m.strategy_version_id, 'floor', $2, $2, 0.1, $2::timestamptz - interval '1 minute', 0,
			        100, 0.1, $3, 'RANGING', 'NORMAL', 'NONE', 'NO_SIGNAL', 'BELOW_THRESHOLD'
			   from moved m
			  cross join (select set_config('synchronous_commit', 'off', true)) as waiting_for_no_disk`,
			[fetched.map(({ data }) => data.botId), now, factors],
		);
		await jobs.endChecks(fetched.map(({ id }) => id));
	}
	return performance.now() - begun;
}

/** The factors of a real check, so that the floor writes as many bytes. */
async function sampleFactors(pool: Pool): Promise<string | null> {
	const { rows } = await pool.query<{ factors: string | null }>(
		`select factors::text as factors from botbox.checks where factors is not null and worker_id <> 'floor' limit 1`,
	);
	return rows[0]?.factors ?? null;
}
