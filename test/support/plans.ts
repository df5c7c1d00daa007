/** What statements cost in pages, and which large tables they read through: the same on every machine, however busy. */
import type { QueryResult } from 'pg';
import type { Queryable } from '../../src/database/functions/define.ts';
import type { Pool } from '../../src/database/pool.ts';

export interface Statement {
	readonly text: string;
	readonly values: readonly unknown[];
}

/** What `work` asks of a database, which answers nothing to any of it. */
export async function statementsOf(work: (db: Queryable) => Promise<unknown>): Promise<Statement[]> {
	const asked: Statement[] = [];
	const query = async (text: string, values: readonly unknown[] = []) => {
		asked.push({ text, values });
		return { rows: [], rowCount: 0 } as unknown as QueryResult;
	};
	await work({ query } as unknown as Queryable);
	return asked;
}

export interface Cost {
	readonly pages: number;
	/** Tables of more than a hundred pages. */
	readonly readThrough: readonly string[];
}

/**
 * Of a statement and all that it calls, after others that are not counted; nothing of it stays. Nor is the first call counted, which also
 * reads the catalogue.
 */
export async function costOf(
	pool: Pool,
	{ text, values }: Statement,
	before: readonly Statement[] = [],
): Promise<Cost> {
	const client = await pool.connect();
	try {
		await client.query('begin');
		await client.query('set local max_parallel_workers_per_gather = 0');
		for (const statement of before) await client.query(statement.text, [...statement.values]);
		await client.query('savepoint warm');
		await client.query(text, [...values]);
		await client.query('rollback to savepoint warm');
		const scanned = await scans();
		const { rows } = await client.query<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
			`explain (analyze, buffers, timing off, format json) ${text}`,
			[...values],
		);
		const plan = rows[0]?.['QUERY PLAN'][0]?.Plan ?? {};
		const after = await scans();
		return {
			pages: (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0),
			readThrough: [...after].filter(([table, count]) => count > (scanned.get(table) ?? 0)).map(([table]) => table),
		};
	} finally {
		await client.query('rollback');
		client.release();
	}

	async function scans(): Promise<Map<string, number>> {
		const { rows } = await client.query<{ table: string; scans: number }>(
			`select s.relid::regclass::text as table, s.seq_scan::integer as scans
			   from pg_stat_xact_user_tables s
			   join pg_class c on c.oid = s.relid and c.relpages > 100`,
		);
		return new Map(rows.map(({ table, scans }) => [table, scans]));
	}
}
