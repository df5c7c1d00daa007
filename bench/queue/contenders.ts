/** The queues that are measured: each is filled with as many jobs, which so many executors then claim and complete. */
import { Logger, makeWorkerUtils, runOnce } from 'graphile-worker';
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { claimTrades } from '../../src/database/functions/trades.ts';
import type { BenchContext } from '../benchmark.ts';
import { createBots, createInstruments } from '../cycle/market.ts';

export interface Contender {
	readonly name: string;
	fill(count: number): Promise<void>;
	/** How many were completed when none was left. */
	drain(executors: number): Promise<number>;
	close(): Promise<void>;
}

/** graphile-worker tells of every job otherwise. */
const silent = new Logger(() => () => {});
/** As many as an executor of botbox claims at once. */
const batch = 10;

export async function prepareContenders({ url }: BenchContext, most: number): Promise<Contender[]> {
	// One connection for each executor, as for processes of their own.
	const pool = new pg.Pool({ connectionString: url, max: 17, options: '-c search_path=botbox,public' });
	pg.types.setTypeParser(pg.types.builtins.INT8, Number);
	return [await botbox(pool, most), await bare(pool), await graphile(pool), await boss(url)];
}

/** `work` in so many loops at once, until each finds nothing more. */
async function loops(executors: number, work: (executor: number) => Promise<number>): Promise<number> {
	const totals = Array.from({ length: executors }, async (_, executor) => {
		let total = 0;
		for (;;) {
			const done = await work(executor);
			if (done === 0) return total;
			total += done;
		}
	});
	return (await Promise.all(totals)).reduce((sum, total) => sum + total, 0);
}

/** Trades of as many bots; each is ended by a call of its own, as an executor ends each by what came of it. */
async function botbox(pool: pg.Pool, most: number): Promise<Contender> {
	await createInstruments(pool);
	await createBots(pool, most, new Date(Math.ceil(Date.now() / 60_000) * 60_000));
	return {
		name: 'botbox',
		fill: async (count) => {
			await pool.query(
				`insert into botbox.trade_queue (
				   signal_id, signal_hash, bot_id, account_id, instrument_id, strategy_version_id, direction, side, quantity, price,
				   reserved_capital, trigger_reason, queued_at, next_attempt_at, expires_at
				 )
				 select 0, gen_random_uuid()::text, b.id, b.account_id, b.instrument_id, b.strategy_version_id, 'LONG', 'BUY', 5, 100,
				        500, 'ENTRY_THRESHOLD', now(), now(), now() + interval '5 minutes'
				   from botbox.bots b
				  where b.name like 'bench-%'
				  order by b.id
				  limit $1`,
				[count],
			);
			await pool.query('vacuum analyze botbox.trade_queue');
		},
		drain: (executors) =>
			loops(executors, async (executor) => {
				const trades = await claimTrades(pool, { workerId: `bench-${executor}`, limit: batch });
				for (const { tradeId } of trades)
					await pool.query(`select botbox.finish_trade(p_trade_id => $1, p_reason_code => 'CANCELLED_BY_PERSON')`, [
						tradeId,
					]);
				return trades.length;
			}),
		close: async () => {
			await pool.end();
		},
	};
}

/** The least that a queue can do: rows claimed by one statement, ended by another, each a transaction. */
async function bare(pool: pg.Pool): Promise<Contender> {
	await pool.query(`create table public.bare_jobs (
		id bigint generated always as identity primary key, status text not null default 'PENDING', claimed_by text) with (fillfactor = 70)`);
	await pool.query(`create index on public.bare_jobs (id) where status = 'PENDING'`);
	return {
		name: 'bare',
		fill: async (count) => {
			await pool.query('insert into public.bare_jobs (status) select $2 from generate_series(1, $1::integer)', [
				count,
				'PENDING',
			]);
			await pool.query('vacuum analyze public.bare_jobs');
		},
		drain: (executors) =>
			loops(executors, async (executor) => {
				const { rows } = await pool.query<{ id: number }>(
					`with taken as (
					   select id from public.bare_jobs where status = 'PENDING' order by id limit $1 for update skip locked
					 )
					 update public.bare_jobs j set status = 'EXECUTING', claimed_by = $2 from taken t where j.id = t.id returning j.id`,
					[batch, `bench-${executor}`],
				);
				for (const { id } of rows)
					await pool.query(`update public.bare_jobs set status = 'EXECUTED', claimed_by = null where id = $1`, [id]);
				return rows.length;
			}),
		close: async () => {},
	};
}

/** Its own loop of so many workers in one process; each job is fetched and completed by itself. */
async function graphile(pool: pg.Pool): Promise<Contender> {
	const utils = await makeWorkerUtils({ pgPool: pool, logger: silent });
	await utils.migrate();
	return {
		name: 'graphile-worker',
		fill: async (count) => {
			await pool.query(
				`select graphile_worker.add_job('bench', json_build_object('n', n)) from generate_series(1, $1::integer) n`,
				[count],
			);
		},
		drain: async (executors) => {
			let done = 0;
			const bench = async (): Promise<void> => {
				done += 1;
			};
			await runOnce({
				pgPool: pool,
				concurrency: executors,
				taskList: { bench },
				noHandleSignals: true,
				logger: silent,
			});
			return done;
		},
		close: async () => {
			await utils.release();
		},
	};
}

/** A queue of its own; fetched by ten, ended by ten. */
async function boss(url: string): Promise<Contender> {
	const pgBoss = new PgBoss({
		connectionString: url,
		schema: 'pgboss',
		max: 17,
		migrate: false,
		supervise: false,
		schedule: false,
	});
	pgBoss.on('error', () => {});
	await pgBoss.start();
	await pgBoss.createQueue('bench');
	return {
		name: 'pg-boss',
		fill: async (count) => {
			await pgBoss.insert(
				'bench',
				Array.from({ length: count }, (_, n) => ({ data: { n } })),
			);
		},
		drain: (executors) =>
			loops(executors, async () => {
				const fetched = await pgBoss.fetch('bench', { batchSize: batch });
				if (fetched.length > 0)
					await pgBoss.complete(
						'bench',
						fetched.map(({ id }) => id),
					);
				return fetched.length;
			}),
		close: async () => {
			await pgBoss.stop({ graceful: false });
		},
	};
}
