/**
 * A worker process of the cycle benchmark: told of a cycle it takes batches, in as many lines as a worker has, until the tick has ended and
 * the queue is empty; one of the crew ticks besides. Ends with the process that began it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';
import { createPool } from '../../src/database/pool.ts';
import { indicatorUse } from '../../src/market/view.ts';
import { checkLines, runChecks } from '../../src/workers/run-checks.ts';
import { runTick } from '../../src/workers/tick.ts';
import type { CrewOrders, CycleOrders, CycleReport } from './crew.ts';
import { profiled } from './profile.ts';
import { createBenchJobs, createBenchWorker } from './worker.ts';

const { url, name, isProfiled } = JSON.parse(process.argv[2] ?? '') as CrewOrders;
const plain = createPool({ url, max: 10, applicationName: `botbox bench ${name}` });
const profile = profiled(plain);
const pool = isProfiled ? profile.pool : plain;
const jobs = await createBenchJobs(pool);
const worker = createBenchWorker(pool, jobs, name);
let hasTicked = false;

process.on('disconnect', () => process.exit());
process.on('message', (orders: CycleOrders | 'ticked' | 'live memory') => {
	if (orders === 'ticked') hasTicked = true;
	else if (orders === 'live memory') process.send?.(liveMemory());
	else
		void runCycle(orders).then(
			(report) => process.send?.(report),
			(error: unknown) => {
				console.error(error);
				process.exit(1);
			},
		);
});
process.send?.('ready');

async function runCycle({ now: nowMs, ticks }: CycleOrders): Promise<CycleReport> {
	const now = new Date(nowMs);
	profile.take();
	hasTicked = false;
	const windows = { ...worker.windows.use };
	const indicators = { ...indicatorUse };
	const checks = { ...worker.checkCache.use };
	const cpu = process.cpuUsage();
	const lines = Array.from({ length: checkLines }, () => runLine(now));
	if (ticks) {
		await runTick(worker, now);
		hasTicked = true;
		process.send?.('ticked');
	}
	await Promise.all(lines);
	const { user, system } = process.cpuUsage(cpu);
	const memory = process.memoryUsage();
	return {
		cpuMs: (user + system) / 1_000,
		memoryMb: memory.rss / 2 ** 20,
		peakMemoryMb: process.resourceUsage().maxRSS / 2 ** 10,
		memory,
		windows: difference(worker.windows.use, windows),
		indicators: difference(indicatorUse, indicators),
		checks: difference(worker.checkCache.use, checks),
		spent: profile.take(),
	};
}

/** Bytes that are still in use once everything else is collected, buffers outside of the heap included. */
function liveMemory(): number {
	v8.setFlagsFromString('--expose-gc');
	const collect = vm.runInNewContext('gc') as () => void;
	// What finalizers let go goes in the second round.
	collect();
	collect();
	const { heapUsed, external } = process.memoryUsage();
	return heapUsed + external;
}

/** As a worker's loop does it, but asking again after 5 ms instead of waiting to be woken. */
async function runLine(now: Date): Promise<void> {
	for (;;) {
		const wasLast = hasTicked;
		const { again } = await runChecks(worker, now);
		if (again) continue;
		if (wasLast) return;
		await sleep(5);
	}
}

function difference<T extends object>(after: T, before: T): T {
	const entries = Object.entries(after) as [keyof T, number][];
	return Object.fromEntries(entries.map(([key, value]) => [key, value - (before[key] as number)])) as T;
}
