/**
 * `soak`: 1,000 bots, one simulated minute after the other without a pause, for half an hour: what grows? The worker's memory, tables and
 * indexes beyond the rows in them, dead rows, jobs left in pg-boss, and the time of a cycle. Checks are pruned as the monitor prunes them. The
 * worker is a process of its own, so that its memory is nothing but its own: the market is made in this one.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '../../src/config.ts';
import type { Pool } from '../../src/database/pool.ts';
import { prune } from '../../src/workers/prune.ts';
import { type Benchmark, median } from '../benchmark.ts';
import { type Crew, type CycleReport, startCrew } from '../cycle/crew.ts';
import { createBots, createMarket, extendMarket, refreshFeeds, trialAssets } from '../cycle/market.ts';
import { settleTrades } from '../cycle/minute.ts';
import { describeSoak, type Sample } from './figures.ts';
import { measureTables, measureWhole, rewriteTables } from './tables.ts';

const bots = 1_000;
const minuteMs = 60_000;
const start = Date.UTC(2026, 0, 15, 12);
/** Candles are made so many minutes ahead; checks are pruned, in simulated time, as often. */
const stretch = 60;
/** Kept for so long, in simulated time, that the tables reach their size within the first minutes. */
const keepHours = 2;
const usualMinutes = 30;
const quickMinutes = 1 / 6;

export const soak: Benchmark = {
	name: 'soak',
	title: `1,000 bots at full rate for ${usualMinutes} minutes, or --minutes N: what grows`,
	run: async ({ pool, url, isQuick, minutes, log }) => {
		const seconds = 60 * (minutes ?? (isQuick ? quickMinutes : usualMinutes));
		await createMarket(pool, new Date(start), stretch, isQuick ? trialAssets : undefined);
		await createBots(pool, bots, new Date(start));
		const crew = await startCrew(1, { url, isProfiled: false, areApart: false });
		try {
			const samples = await runFor(seconds, { pool, crew, log });
			const ended = await measureTables(pool);
			const anew = await rewriteTables(pool);
			return describeSoak({ samples, ended, anew }, `${bots} bots, ${formatTime(seconds)}`);
		} finally {
			crew.stop();
		}
	},
};

function formatTime(seconds: number): string {
	return seconds < 60 ? `${Math.round(seconds)} s` : `${Number((seconds / 60).toFixed(1))} min`;
}

interface Place {
	readonly pool: Pool;
	readonly crew: Crew;
	readonly log: (line: string) => void;
}

async function runFor(seconds: number, { pool, crew, log }: Place): Promise<Sample[]> {
	const config = readConfig({ BOTBOX_KEEP_CHECKS_HOURS: String(keepHours) });
	const samples: Sample[] = [];
	const begun = performance.now();
	const sampledEvery = Math.max(seconds / 60, 1) * 1_000;
	let cycles: number[] = [];
	let memory: CycleReport[] = [];
	let sampled = begun;
	for (let minute = 0; performance.now() - begun < seconds * 1_000; minute += 1) {
		const now = new Date(start + minute * minuteMs);
		if (minute > 0 && minute % stretch === 0) {
			await extendMarket(pool, now, stretch);
			await prune({ pool, config }, now);
		}
		await refreshFeeds(pool, now);
		const { ms, reports } = await crew.runCycle(now);
		cycles.push(ms);
		memory.push(...reports);
		// Executors would have ended them by the next minute.
		await settleTrades(pool, now);
		if (performance.now() - sampled < sampledEvery) continue;
		sampled = performance.now();
		const sample = {
			...{ atMs: sampled - begun, cycles: minute + 1, cycleMs: median(cycles) },
			...describeMemory(memory),
			...{ tables: await measureTables(pool), ...(await measureWhole(pool)) },
		};
		samples.push(sample);
		log(
			`${Math.round(sample.atMs / 1_000)} s, ${sample.cycles} cycles: ${sample.cycleMs.toFixed(0)} ms; ${sample.memoryMb.toFixed(0)} MiB, of which heap ${sample.heapMb.toFixed(0)} (used ${sample.usedMb.toFixed(0)}), outside of it ${sample.externalMb.toFixed(0)}`,
		);
		cycles = [];
		memory = [];
		// Autovacuum, which naps for seconds, has simulated hours to keep up with: a breath for it, none for the worker's memory.
		await sleep(200);
	}
	return samples;
}

/** Medians over the cycles of a sample: what V8 has not collected yet goes up and down from one to the next. */
function describeMemory(reports: readonly CycleReport[]) {
	const of = (pick: (report: CycleReport) => number) => median(reports.map(pick));
	return {
		memoryMb: of(({ memoryMb }) => memoryMb),
		peakMemoryMb: Math.max(...reports.map(({ peakMemoryMb }) => peakMemoryMb)),
		heapMb: of(({ memory }) => memory.heapTotal / 2 ** 20),
		usedMb: of(({ memory }) => memory.heapUsed / 2 ** 20),
		externalMb: of(({ memory }) => memory.external / 2 ** 20),
	};
}
