/** Where a cycle's time goes: by PostgreSQL's own count of SQL functions, and every statement is timed under the name of the function or table that it calls. */
import { performance } from 'node:perf_hooks';
import type { Pool } from '../../src/database/pool.ts';

/** Calls of one statement, and the time from sending it to having its answer. */
export interface Spent {
	readonly name: string;
	readonly calls: number;
	readonly ms: number;
}

export interface Profile {
	readonly pool: Pool;
	/** Statements since the last call, the costliest first. */
	take(): readonly Spent[];
}

export function profiled(pool: Pool): Profile {
	const entries = new Map<string, { calls: number; ms: number }>();
	const timed = async (...args: unknown[]): Promise<unknown> => {
		const begun = performance.now();
		try {
			return await (pool.query as (...given: unknown[]) => Promise<unknown>).apply(pool, args);
		} finally {
			const name = nameOf(typeof args[0] === 'string' ? args[0] : '');
			const entry = entries.get(name) ?? { calls: 0, ms: 0 };
			entries.set(name, { calls: entry.calls + 1, ms: entry.ms + performance.now() - begun });
		}
	};
	const proxy = new Proxy(pool, {
		get: (target, property) => (property === 'query' ? timed : Reflect.get(target, property, target)),
	});
	return {
		pool: proxy,
		take: () => {
			const taken = [...entries].map(([name, entry]) => ({ name, ...entry })).sort((a, b) => b.ms - a.ms);
			entries.clear();
			return taken;
		},
	};
}

function nameOf(text: string): string {
	const ours = /\bbotbox\.(\w+)\(/.exec(text)?.[1];
	if (ours !== undefined) return ours;
	const job = /\b(insert into|delete from|update)\s+pgboss\.\w+/i.exec(text)?.[1];
	return job === undefined ? 'other' : `pg-boss: ${job.toLowerCase()}`;
}

/** The functions that took most of the time since the last call, by PostgreSQL's count: their own time, without what they call. */
export async function takeFunctionTimes(pool: Pool): Promise<readonly string[]> {
	const { rows } = await pool.query<{ funcname: string; calls: string; own: number; total: number }>(
		`select funcname, calls, self_time as own, total_time as total
		   from pg_stat_user_functions order by self_time desc limit 15`,
	);
	const { rows: updates } = await pool.query<{ relname: string; all: number; hot: number }>(
		`select relname, n_tup_upd as all, n_tup_hot_upd as hot
		   from pg_stat_user_tables where n_tup_upd > 100 order by n_tup_upd desc limit 5`,
	);
	const statements = await takeStatementTimes(pool);
	await pool.query('select pg_stat_reset()');
	return [
		...rows.map(
			({ funcname, calls, own, total }) =>
				`${own.toFixed(0).padStart(6)} ms own, ${total.toFixed(0).padStart(6)} ms in all  ${calls} x ${funcname}`,
		),
		...updates.map(({ relname, all, hot }) => `${relname}: ${hot} of ${all} updates touched no index`),
		...statements,
	];
}

/** Single statements, also those inside of functions, each with the time of what it calls; none where the server does not count them. */
async function takeStatementTimes(pool: Pool): Promise<readonly string[]> {
	const { rows: counted } = await pool.query(`select from pg_extension where extname = 'pg_stat_statements'`);
	if (counted.length === 0) return [];
	const { rows } = await pool.query<{
		text: string;
		calls: string;
		ms: number;
		rows: string;
		hit: string;
		wal: string;
	}>(
		`select left(regexp_replace(query, '\\s+', ' ', 'g'), 110) as text, calls, total_exec_time + total_plan_time as ms, rows,
		        shared_blks_hit as hit, wal_bytes as wal
		   from public.pg_stat_statements
		  where dbid = (select oid from pg_database where datname = current_database())
		  order by ms desc limit 30`,
	);
	await pool.query('select public.pg_stat_statements_reset()');
	return rows.map(
		({ text, calls, ms, rows: answered, hit, wal }) =>
			`${ms.toFixed(0).padStart(6)} ms  ${calls} x, ${answered} rows, ${hit} pages, ${wal} bytes of WAL  ${text}`,
	);
}
