/**
 * How many connections of the server an installation may come to need. A server that has no more refuses whoever comes next, be it
 * the worker that should take over, so it is counted before: at the start of each process and by `botbox doctor`.
 */
import type { Queryable } from './functions/define.ts';
import { databaseFacts } from './installation.ts';
import { listView } from './listing.ts';

/** Of one worker or one API at most. */
export const poolSize = 10;
/** For commands, migrate, backups and a person with psql. */
export const connectionsKept = 10;

export interface Budget {
	readonly workers: number;
	readonly apis: number;
	/** What they need at most, with what is kept for others. */
	readonly needed: number;
	/** What the server has for users that are no superusers. */
	readonly offered: number;
	/** In use now, by everybody. */
	readonly connections: number;
	/** The server's max_connections that would be enough. */
	readonly enough: number;
}

export interface BudgetOptions {
	/** Pools go through a pooler, whose own connections are bounded there: only those that listen are ours. */
	readonly isPooled: boolean;
	/** Whether the API's lists use the same server a second time. */
	readonly hasReadPool: boolean;
	/** Counted as if one more ran: the process that starts. */
	readonly starting?: 'worker' | 'api';
}

export async function readBudget(db: Queryable, options: BudgetOptions): Promise<Budget> {
	const facts = await databaseFacts(db);
	const running = await listView(db, 'worker_status', { where: { status: 'RUNNING' } });
	const listening = await db.query<{ apis: number; others: number }>(
		`select count(*) filter (where application_name = 'botbox api listener')::integer as apis,
		        count(*) filter (where application_name not like 'botbox % listener')::integer as others
		   from pg_stat_activity
		  where backend_type = 'client backend'`,
	);
	const { apis: heard = 0, others = 0 } = listening.rows[0] ?? {};
	const workers = running.length + (options.starting === 'worker' ? 1 : 0);
	// One API belongs to an installation, whether it runs by now or not.
	const apis = Math.max(heard + (options.starting === 'api' ? 1 : 0), 1);
	const offered = facts.maxConnections - facts.reservedConnections;
	const needed = connectionsNeeded({ workers, apis, pooled: options.isPooled ? others : null, ...options });
	const enough = Math.max(needed, facts.connections) + facts.reservedConnections;
	return { workers, apis, needed, offered, connections: facts.connections, enough };
}

/** The formula of docs/operations.md; `pooled` counts the connections that a pooler has, null: there is none. */
export function connectionsNeeded(count: {
	readonly workers: number;
	readonly apis: number;
	readonly pooled: number | null;
	readonly hasReadPool: boolean;
}): number {
	const { workers, apis, pooled, hasReadPool } = count;
	if (pooled !== null) return workers + apis + pooled + connectionsKept;
	return workers * (poolSize + 1) + apis * (poolSize * (hasReadPool ? 2 : 1) + 1) + connectionsKept;
}

/** One line for the log of a process whose start makes it more than the server has; undefined: all have room. */
export async function findShortage(db: Queryable, options: BudgetOptions): Promise<string | undefined> {
	const { workers, apis, needed, offered, enough } = await readBudget(db, options);
	if (needed <= offered) return undefined;
	return (
		`${workers} workers and ${apis} API may need ${needed} connections with those kept for commands, and the server has ${offered}: ` +
		`set its max_connections to ${enough} or more, run fewer workers, or put a pooler between (docs/operations.md, "Connections")`
	);
}
