/**
 * `cycle`: from the tick to the last check recorded, all bots due at once. The functions are the worker's own, on a clock that
 * moves one minute per cycle, with a market that has a new candle each time; beside it, in turns, the floor.
 */
import { performance } from 'node:perf_hooks';
import { readConfig } from '../../src/config.ts';
import { expireTrades } from '../../src/database/functions/trades.ts';
import { createJobs, type Jobs } from '../../src/database/jobs.ts';
import type { Pool } from '../../src/database/pool.ts';
import { createLogger } from '../../src/logger.ts';
import { indicatorUse } from '../../src/market/view.ts';
import { CandleWindows } from '../../src/market/windows.ts';
import { CheckCache } from '../../src/workers/check-cache.ts';
import type { WorkerContext } from '../../src/workers/context.ts';
import { runChecks } from '../../src/workers/run-checks.ts';
import { runTick } from '../../src/workers/tick.ts';
import { type BenchContext, type Benchmark, type Figure, median } from '../benchmark.ts';
import { measureFloor } from './floor.ts';
import { createBots, createMarket, refreshFeeds } from './market.ts';
import { profiled } from './profile.ts';

interface Size {
	readonly bots: number;
	readonly repeats: number;
}

const sizes: readonly Size[] = [
	{ bots: 100, repeats: 5 },
	{ bots: 1_000, repeats: 5 },
	{ bots: 10_000, repeats: 3 },
];
const quickSizes: readonly Size[] = [
	{ bots: 100, repeats: 2 },
	{ bots: 1_000, repeats: 2 },
];
const minuteMs = 60_000;
/** A Thursday noon: nothing special happens then. */
const start = Date.UTC(2026, 0, 15, 12);

export const cycle: Benchmark = {
	name: 'cycle',
	title: 'tick to last check recorded, all bots due at once, one worker',
	run: async (context) => {
		const chosen = context.isQuick ? quickSizes : sizes;
		// A warm-up and the repeats, each followed by a floor.
		const minutes = chosen.reduce((sum, { repeats }) => sum + 2 * (repeats + 1), 0);
		await createMarket(context.pool, new Date(start), minutes + 1);
		const clock = { now: start };
		const figures: Figure[] = [];
		for (const size of chosen) figures.push(...(await measureSize(context, size, clock)));
		return figures;
	},
};

async function measureSize(context: BenchContext, size: Size, clock: { now: number }): Promise<Figure[]> {
	const profile = profiled(context.pool);
	const pool = context.isProfiled ? profile.pool : context.pool;
	const jobs = await createJobs({ pool, isSupervisor: false, onError: (error) => context.log(error.message) });
	try {
		const worker = makeWorker(pool, jobs);
		await createBots(context.pool, size.bots, new Date(clock.now));
		const cycles: Measured[] = [];
		const floors: number[] = [];
		for (let repeat = 0; repeat <= size.repeats; repeat += 1) {
			await refreshFeeds(context.pool, new Date(clock.now));
			profile.take();
			const measured = await measureCycle(worker, context.pool, size.bots, new Date(clock.now));
			const spent = profile.take();
			clock.now += minuteMs;
			const floor = await measureFloor(context.pool, jobs, new Date(clock.now));
			clock.now += minuteMs;
			// Queued entries are ended, as executors would have done by now; the next cycle's are new.
			await expireTrades(context.pool, { now: new Date(clock.now + 10 * minuteMs) });
			await context.pool.query('vacuum botbox.bots, pgboss.job');
			const what = repeat === 0 ? 'warm-up' : `${repeat} of ${size.repeats}`;
			context.log(
				`${size.bots} bots, ${what}: ${measured.ms.toFixed(0)} ms, floor ${floor.toFixed(0)} ms, ${measured.signals} signals`,
			);
			if (context.isProfiled) {
				const database = spent.reduce((sum, { ms }) => sum + ms, 0);
				for (const { name, calls, ms } of spent) context.log(`    ${ms.toFixed(0).padStart(6)} ms  ${calls} x ${name}`);
				context.log(`    ${(measured.ms - database).toFixed(0).padStart(6)} ms  outside of the database`);
			}
			if (repeat === 0) continue;
			cycles.push(measured);
			floors.push(floor);
		}
		return describe(size.bots, cycles, floors);
	} finally {
		await jobs.stop();
	}
}

interface Measured {
	readonly ms: number;
	readonly signals: number;
	readonly windowHitRate: number;
	readonly indicatorHitRate: number;
	readonly cpuMs: number;
}

async function measureCycle(worker: WorkerContext, pool: Pool, bots: number, now: Date): Promise<Measured> {
	const windowsBefore = { ...worker.windows.use };
	const indicatorsBefore = { ...indicatorUse };
	const cpu = process.cpuUsage();
	const begun = performance.now();
	await runTick(worker, now);
	while ((await runChecks(worker, now)).again);
	const ms = performance.now() - begun;
	const { user, system } = process.cpuUsage(cpu);
	const { rows } = await pool.query<{ checks: number; signals: number }>(
		`select count(*)::integer as checks, count(*) filter (where decision <> 'NONE')::integer as signals
		   from botbox.checks where due_at = $1 and outcome not in ('FAILED', 'STALE_DATA', 'INSUFFICIENT_HISTORY')`,
		[now],
	);
	// A fast cycle that leaves bots out would be no cycle.
	if (rows[0]?.checks !== bots) {
		const { rows: outcomes } = await pool.query(
			'select outcome, min(error) as error, count(*) from botbox.checks where due_at = $1 group by outcome',
			[now],
		);
		throw new Error(`${rows[0]?.checks} of ${bots} bots were checked: ${JSON.stringify(outcomes)}`);
	}
	const { loaded, reused } = worker.windows.use;
	const { computed, reused: shared } = indicatorUse;
	return {
		ms,
		signals: rows[0].signals,
		windowHitRate: share(reused - windowsBefore.reused, loaded - windowsBefore.loaded),
		indicatorHitRate: share(shared - indicatorsBefore.reused, computed - indicatorsBefore.computed),
		cpuMs: (user + system) / 1_000,
	};
}

function share(hits: number, misses: number): number {
	return hits + misses === 0 ? 0 : hits / (hits + misses);
}

function makeWorker(pool: Pool, jobs: Jobs): WorkerContext {
	const refuse = (): never => {
		throw new Error('the benchmark has no exchange');
	};
	return {
		workerId: 'bench',
		pool,
		jobs,
		venues: { marketData: async () => refuse(), tradingVenue: async () => refuse(), askKey: async () => refuse() },
		config: readConfig({ BOTBOX_CHECK_SPREAD_SECONDS: '0' }),
		log: createLogger({ level: 'silent', name: 'bench' }),
		windows: new CandleWindows(),
		checkCache: new CheckCache(),
		installationId: 'bench0',
		startedAt: new Date(start),
		databaseTime: async () => new Date(start),
		sleep: async () => {},
		isSimulated: true,
	};
}

function describe(bots: number, cycles: readonly Measured[], floors: readonly number[]): Figure[] {
	const times = cycles.map(({ ms }) => ms);
	const figure = (metric: string, value: number, unit: string, floor: number | null = null): Figure => ({
		benchmark: 'cycle',
		case: `${bots.toLocaleString('en')} bots`,
		metric,
		value,
		unit,
		floor,
		peers: {},
	});
	return [
		figure('cycle, median', median(times), 'ms', median(floors)),
		figure('cycle, fastest', Math.min(...times), 'ms', Math.min(...floors)),
		figure('cycle, slowest', Math.max(...times), 'ms', Math.max(...floors)),
		figure('checks', bots / (median(times) / 1_000), '1/s', bots / (median(floors) / 1_000)),
		figure('worker CPU per check', median(cycles.map(({ cpuMs }) => cpuMs)) / bots, 'ms'),
		figure('signals', median(cycles.map(({ signals }) => signals)), 'per cycle'),
		figure('window cache hits', 100 * median(cycles.map(({ windowHitRate }) => windowHitRate)), '%'),
		figure('indicator cache hits', 100 * median(cycles.map(({ indicatorHitRate }) => indicatorHitRate)), '%'),
	];
}
