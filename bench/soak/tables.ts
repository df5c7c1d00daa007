/** How large the tables are that a worker writes to all the time, with the rows of before that are still in them. */
import type { Pool } from '../../src/database/pool.ts';

/** Rewritten or emptied with every cycle; hypertables and partitioned ones are counted with all their parts. */
export const hotTables = [
	'botbox.bots',
	'botbox.feeds',
	'botbox.accounts',
	'botbox.regimes',
	'botbox.trade_queue',
	'botbox.signals',
	'botbox.checks',
	'botbox.events',
	'pgboss.job',
] as const;

export interface TableSize {
	readonly name: string;
	readonly tableBytes: number;
	readonly indexBytes: number;
	readonly deadRows: number;
}

export async function measureTables(pool: Pool): Promise<readonly TableSize[]> {
	const { rows } = await pool.query<TableSize>(
		`with recursive parts as (
		   select name, to_regclass(name)::oid as id, position from unnest($1::text[]) with ordinality as hot (name, position)
		   union all
		   select p.name, i.inhrelid, p.position from parts p join pg_inherits i on i.inhparent = p.id
		 )
		 select p.name, sum(pg_table_size(p.id))::float8 as "tableBytes", sum(pg_indexes_size(p.id))::float8 as "indexBytes",
		        coalesce(sum(s.n_dead_tup), 0)::float8 as "deadRows"
		   from parts p
		   left join pg_stat_user_tables s on s.relid = p.id
		  group by p.name, p.position
		  order by p.position`,
		[hotTables],
	);
	return rows;
}

/** Rows of the job table, whatever their state, and bytes of the database without candles, whose number is the simulated time's. */
export async function measureWhole(pool: Pool): Promise<{ readonly jobs: number; readonly databaseBytes: number }> {
	const { rows } = await pool.query<{ jobs: number; databaseBytes: number }>(
		`with recursive candles as (
		   select 'botbox.candles'::regclass::oid as id
		   union all
		   select i.inhrelid from candles c join pg_inherits i on i.inhparent = c.id
		 )
		 select (select count(*) from pgboss.job)::float8 as jobs,
		        (pg_database_size(current_database()) - (select sum(pg_total_relation_size(id)) from candles))::float8 as "databaseBytes"`,
	);
	const [row] = rows;
	if (row === undefined) throw new Error('the server told no sizes');
	return row;
}

/** What is left of the tables once each is written anew without its dead rows and holes: the rest was bloat. */
export async function rewriteTables(pool: Pool): Promise<readonly TableSize[]> {
	for (const name of hotTables) await pool.query(`vacuum (full, analyze) ${name}`);
	return await measureTables(pool);
}
