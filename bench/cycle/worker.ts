/** A worker as far as checks go: its context without an exchange, and the loops that take batches until there is none. */
import { readConfig } from '../../src/config.ts';
import { createJobs, type Jobs } from '../../src/database/jobs.ts';
import type { Pool } from '../../src/database/pool.ts';
import { createLogger } from '../../src/logger.ts';
import { CandleWindows } from '../../src/market/windows.ts';
import { CheckCache } from '../../src/workers/check-cache.ts';
import type { WorkerContext } from '../../src/workers/context.ts';

export function createBenchJobs(pool: Pool): Promise<Jobs> {
	return createJobs({ pool, isSupervisor: false, onError: (error) => console.error(error.message) });
}

export function createBenchWorker(pool: Pool, jobs: Jobs, name: string): WorkerContext {
	const refuse = (): never => {
		throw new Error('the benchmark has no exchange');
	};
	return {
		workerId: name,
		pool,
		jobs,
		venues: { marketData: async () => refuse(), tradingVenue: async () => refuse(), askKey: async () => refuse() },
		config: readConfig({ BOTBOX_CHECK_SPREAD_SECONDS: '0' }),
		log: createLogger({ level: 'silent', name: 'bench' }),
		windows: new CandleWindows(),
		checkCache: new CheckCache(),
		installationId: 'bench0',
		startedAt: new Date(0),
		databaseTime: async () => new Date(0),
		sleep: async () => {},
		isSimulated: true,
	};
}
