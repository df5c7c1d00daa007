/** What every job of a worker is given. */
import type { Config } from '../config.ts';
import type { Jobs } from '../database/jobs.ts';
import type { Pool } from '../database/pool.ts';
import type { Venues } from '../exchange/registry.ts';
import type { Logger } from '../logger.ts';
import type { CandleWindows } from '../market/windows.ts';
import type { CheckCache } from './check-cache.ts';
import type { OwnChecks } from './own-checks.ts';

export const roles = ['tick', 'check', 'execute', 'feed', 'guard', 'monitor'] as const;
export type Role = (typeof roles)[number];

/** For so long a claimed check is its worker's alone. */
export const checkLeaseMs = 30_000;

export interface WorkerContext {
	readonly workerId: string;
	readonly pool: Pool;
	readonly jobs: Jobs;
	readonly venues: Venues;
	readonly config: Config;
	readonly log: Logger;
	readonly windows: CandleWindows;
	readonly checkCache: CheckCache;
	/** Evaluates users' strategies in threads; without it there are none. */
	readonly ownChecks?: OwnChecks;
	/** Part of every client order id: tells our orders from those of another installation. */
	readonly installationId: string;
	/** When this worker began, by the database's clock: accounts must have been reconciled since. */
	readonly startedAt: Date;
	/** The database's clock, by which everything is decided. */
	readonly databaseTime: () => Promise<Date>;
	/** Waits; simulated clocks answer at once. */
	readonly sleep: (ms: number) => Promise<void>;
	/** True for a clock that pg-boss cannot follow: its jobs are due at once. */
	readonly isSimulated: boolean;
}

/** How a job's run ended: `again` asks for another run at once, since there was more to do than it took. */
export interface RunResult {
	readonly again: boolean;
}

export const done: RunResult = { again: false };
export const again: RunResult = { again: true };
