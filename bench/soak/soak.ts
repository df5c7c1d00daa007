/**
 * `soak`: 1,000 bots, one simulated minute after the other without a pause, for half an hour: what grows? The worker's memory, tables and
 * indexes beyond the rows in them, dead rows, jobs left in pg-boss, and the time of a cycle. Checks are pruned as the monitor prunes them.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '../../src/config.ts';
import type { Pool } from '../../src/database/pool.ts';
import { prune } from '../../src/workers/prune.ts';
import { type Benchmark, type Figure, median } from '../benchmark.ts';
import { type Crew, startCrew } from '../cycle/crew.ts';
import { createBots, createMarket, extendMarket, refreshFeeds } from '../cycle/market.ts';
import { settleTrades } from '../cycle/minute.ts';

const bots = 1_000;
const minuteMs = 60_000;
const start = Date.UTC(2026, 0, 15, 12);
/** Candles are made so many minutes ahead; checks are pruned, in simulated time, as often. */
const stretch = 60;
/** Kept for so long, in simulated time, that the tables reach their size within the first minutes. */
const keepHours = 2;

interface Sample {
	readonly atMs: number;
	readonly cycleMs: number;
	readonly memoryMb: number;
	readonly deadRows: number;
	/** Of the tables that are rewritten all the time, with their indexes. */
	readonly hotBytes: number;
	readonly jobs: number;
	/** Bytes of the whole database per check that is kept. */
	readonly databaseBytes: number;
}

export const soak: Benchmark = {
	name: 'soak',
	title: '1,000 bots at full rate for 30 minutes: what grows',
	run: async ({ pool, url, isQuick, log }) => {
		const seconds = isQuick ? 20 : 1_800;
		await createMarket(pool, new Date(start), stretch);
		await createBots(pool, bots, new Date(start));
		const crew = await startCrew(1, { url, isProfiled: false, areApart: false });
		try {
			const samples = await runFor(seconds, { pool, crew, log });
			return describe(samples, seconds);
		} finally {
			crew.stop();
		}
	},
};

interface Place {
	readonly pool: Pool;
	readonly crew: Crew;
	readonly log: (line: string) => void;
}

async function runFor(seconds: number, { pool, crew, log }: Place): Promise<Sample[]> {
	const config = readConfig({ BOTBOX_KEEP_CHECKS_HOURS: String(keepHours) });
	const samples: Sample[] = [];
	const begun = performance.now();
	const toldEvery = Math.max(seconds / 30, 2) * 1_000;
	let cycles: number[] = [];
	let told = begun;
	let memoryMb = 0;
	for (let minute = 0; performance.now() - begun < seconds * 1_000; minute += 1) {
		const now = new Date(start + minute * minuteMs);
		if (minute > 0 && minute % stretch === 0) {
			await extendMarket(pool, now, stretch);
			await prune({ pool, config }, now);
		}
		await refreshFeeds(pool, now);
		const { ms, reports } = await crew.runCycle(now);
		cycles.push(ms);
		memoryMb = Math.max(...reports.map((report) => report.memoryMb));
		// Executors would have ended them by the next minute.
		await settleTrades(pool, now);
		if (performance.now() - told < toldEvery) continue;
		told = performance.now();
		samples.push({ atMs: told - begun, cycleMs: median(cycles), memoryMb, ...(await measureTables(pool)) });
		const last = samples.at(-1);
		log(
			`${Math.round((told - begun) / 1_000)} s, ${minute + 1} cycles: ${last?.cycleMs.toFixed(0)} ms, ${last?.memoryMb.toFixed(0)} MiB, ${last?.deadRows} dead rows`,
		);
		cycles = [];
		// Autovacuum, which naps for seconds, has simulated hours to keep up with: a breath for it, none for the worker's memory.
		await sleep(200);
	}
	return samples;
}

async function measureTables(pool: Pool): Promise<Pick<Sample, 'deadRows' | 'hotBytes' | 'jobs' | 'databaseBytes'>> {
	const { rows } = await pool.query<{ dead: number; hot: number; jobs: number; database: number }>(
		`select (select sum(n_dead_tup) from pg_stat_user_tables where relname in ('bots', 'job_common', 'trade_queue', 'feeds'))::float8 as dead,
		        (select sum(pg_total_relation_size(relid)) from pg_stat_user_tables where relname in ('bots', 'job_common', 'trade_queue', 'feeds'))::float8 as hot,
		        (select count(*) from pgboss.job)::float8 as jobs,
		        pg_database_size(current_database())::float8 as database`,
	);
	const row = rows[0];
	if (row === undefined) throw new Error('the server told no sizes');
	return { deadRows: row.dead, hotBytes: row.hot, jobs: row.jobs, databaseBytes: row.database };
}

function describe(samples: readonly Sample[], seconds: number): Figure[] {
	// The first and the last sixth: five minutes of thirty.
	const share = Math.max(Math.floor(samples.length / 6), 1);
	const [first, last] = [samples.slice(0, share), samples.slice(-share)];
	const of = (part: readonly Sample[], pick: (sample: Sample) => number) => median(part.map(pick));
	const later = samples.slice(Math.floor(samples.length / 2));
	const figure = (metric: string, value: number, unit: string): Figure => {
		return { benchmark: 'soak', case: `${bots} bots, ${seconds} s`, metric, value, unit, floor: null, peers: {} };
	};
	return [
		figure(
			'cycle, first sixth',
			of(first, ({ cycleMs }) => cycleMs),
			'ms',
		),
		figure(
			'cycle, last sixth',
			of(last, ({ cycleMs }) => cycleMs),
			'ms',
		),
		figure(
			'memory, first sixth',
			of(first, ({ memoryMb }) => memoryMb),
			'MiB',
		),
		figure(
			'memory, last sixth',
			of(last, ({ memoryMb }) => memoryMb),
			'MiB',
		),
		figure('memory slope, second half', 60 * slope(later, ({ memoryMb }) => memoryMb), 'MiB per hour'),
		figure('hot tables and indexes, first sixth', of(first, ({ hotBytes }) => hotBytes) / 2 ** 20, 'MiB'),
		figure('hot tables and indexes, last sixth', of(last, ({ hotBytes }) => hotBytes) / 2 ** 20, 'MiB'),
		figure(
			'dead rows in hot tables, last sixth',
			of(last, ({ deadRows }) => deadRows),
			'rows',
		),
		figure('jobs left in pg-boss, at the end', samples.at(-1)?.jobs ?? Number.NaN, 'jobs'),
		figure('database, middle', (samples[Math.floor(samples.length / 2)]?.databaseBytes ?? Number.NaN) / 2 ** 20, 'MiB'),
		figure('database, end', (samples.at(-1)?.databaseBytes ?? Number.NaN) / 2 ** 20, 'MiB'),
	];
}

/** Least squares, per minute of real time. */
function slope(samples: readonly Sample[], pick: (sample: Sample) => number): number {
	const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
	const [x, y] = [mean(samples.map(({ atMs }) => atMs)), mean(samples.map(pick))];
	const above = samples.reduce((sum, sample) => sum + (sample.atMs - x) * (pick(sample) - y), 0);
	const below = samples.reduce((sum, sample) => sum + (sample.atMs - x) ** 2, 0);
	return (60_000 * above) / below;
}
