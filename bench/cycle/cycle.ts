/**
 * `cycle`: from the tick to the last check recorded, all bots due at once, by real worker processes. Their functions are the worker's own, on a
 * clock that moves one minute per cycle, with a market that has a new candle for every bot each time; beside it, in turns, the floor.
 */
import { type BenchContext, type Benchmark, type Figure, median } from '../benchmark.ts';
import { type Crew, type CycleReport, startCrew } from './crew.ts';
import { measureFloor } from './floor.ts';
import { createBots, createMarket, refreshFeeds, trialAssets } from './market.ts';
import { countSignals, settle } from './minute.ts';
import { measurePeers } from './peers.ts';
import { takeFunctionTimes } from './profile.ts';
import { createBenchJobs } from './worker.ts';

interface Size {
	readonly bots: number;
	readonly repeats: number;
	/** Worker processes, one run each. */
	readonly crews: readonly number[];
	/** Whether peers, which need a job and a transaction for each check, are asked to do as many. */
	readonly hasPeers: boolean;
}

const sizes: readonly Size[] = [
	{ bots: 100, repeats: 5, crews: [1, 2], hasPeers: true },
	{ bots: 1_000, repeats: 5, crews: [1, 2], hasPeers: true },
	{ bots: 10_000, repeats: 3, crews: [1, 2], hasPeers: false },
	{ bots: 100_000, repeats: 3, crews: [1, 2, 4], hasPeers: false },
];
/** The largest of a trial run. */
const quickMost = 1_000;
const minuteMs = 60_000;
/** A Thursday noon: nothing special happens then. */
const start = Date.UTC(2026, 0, 15, 12);

export const cycle: Benchmark = {
	name: 'cycle',
	title: 'tick to last check recorded, all bots due at once',
	sizes: sizes.map(({ bots }) => bots),
	run: async (context) => {
		const chosen = sizes
			.filter(({ bots }) => context.sizes?.includes(bots) ?? (!context.isQuick || bots <= quickMost))
			// Of peers a trial run asks for the smallest size only.
			.map((size) => (context.isQuick ? { ...size, repeats: 2, hasPeers: size.bots === sizes[0]?.bots } : size));
		// A warm-up and the repeats of each crew, each followed by a floor, and the peers.
		const minutes = chosen.reduce((sum, { repeats, crews }) => sum + crews.length * 2 * (repeats + 1) + 10, 0);
		const isTrial = context.isQuick && context.sizes === null;
		await createMarket(context.pool, new Date(start), minutes, isTrial ? trialAssets : undefined);
		const clock = { now: start };
		const figures: Figure[] = [];
		for (const size of chosen) figures.push(...(await measureSize(context, size, clock)));
		const growth = growthExponent(figures);
		if (growth !== null) figures.push(figureOf('all sizes', 'growth exponent, 1 process', growth, ''));
		return figures;
	},
};

async function measureSize(context: BenchContext, size: Size, clock: { now: number }): Promise<Figure[]> {
	await createBots(context.pool, size.bots, new Date(clock.now));
	const figures: Figure[] = [];
	for (const processes of size.crews) {
		const { url, isProfiled, areApart } = context;
		const crew = await startCrew(processes, { url, isProfiled, areApart });
		try {
			figures.push(...(await measureCrew(context, size, { crew, processes }, clock)));
		} finally {
			crew.stop();
		}
	}
	if (!size.hasPeers) return figures;
	const peers = await measurePeers(context, size.bots, clock);
	return figures.map((figure) => (figure.metric === 'cycle, median' ? { ...figure, peers } : figure));
}

interface Measured {
	readonly ms: number;
	readonly serverCpuMs: number;
	readonly signals: number;
	readonly reports: readonly CycleReport[];
}

async function measureCrew(
	context: BenchContext,
	size: Size,
	{ crew, processes }: { readonly crew: Crew; readonly processes: number },
	clock: { now: number },
): Promise<Figure[]> {
	const { pool, log, isProfiled } = context;
	const jobs = await createBenchJobs(pool);
	try {
		const cycles: Measured[] = [];
		const floors: number[] = [];
		for (let repeat = 0; repeat <= size.repeats; repeat += 1) {
			await refreshFeeds(pool, new Date(clock.now));
			const measured = await measureCycle(context, crew, size.bots, new Date(clock.now));
			const functions = isProfiled ? await takeFunctionTimes(pool) : [];
			clock.now += minuteMs;
			const floor = await measureFloor(pool, jobs, new Date(clock.now));
			clock.now += minuteMs;
			await settle(pool, new Date(clock.now));
			const what = repeat === 0 ? 'warm-up' : `${repeat} of ${size.repeats}`;
			log(
				`${size.bots} bots, ${processes} processes, ${what}: ${measured.ms.toFixed(0)} ms, floor ${floor.toFixed(0)} ms, ${measured.signals} signals`,
			);
			if (isProfiled) {
				for (const { name, calls, ms } of measured.reports.flatMap(({ spent }) => spent))
					log(`    ${ms.toFixed(0).padStart(6)} ms  ${calls} x ${name}`);
				for (const line of functions) log(`    ${line}`);
			}
			if (repeat === 0) continue;
			cycles.push(measured);
			floors.push(floor);
		}
		return describe(size.bots, processes, cycles, floors);
	} finally {
		await jobs.stop();
	}
}

async function measureCycle(context: BenchContext, crew: Crew, bots: number, now: Date): Promise<Measured> {
	const cpu = context.serverCpuMs();
	const { ms, reports } = await crew.runCycle(now);
	const serverCpuMs = context.serverCpuMs() - cpu;
	const signals = await countSignals(context.pool, bots, now);
	return { ms, serverCpuMs, signals, reports };
}

function figureOf(name: string, metric: string, value: number, unit: string, floor: number | null = null): Figure {
	return { benchmark: 'cycle', case: name, metric, value, unit, floor, peers: {} };
}

function describe(bots: number, processes: number, cycles: readonly Measured[], floors: readonly number[]): Figure[] {
	const times = cycles.map(({ ms }) => ms);
	const of = (pick: (report: CycleReport) => number) =>
		median(cycles.map(({ reports }) => reports.reduce((sum, report) => sum + pick(report), 0)));
	const share = (hits: number, misses: number) => (100 * hits) / (hits + misses);
	const name = `${bots.toLocaleString('en')} bots, ${processes} process${processes === 1 ? '' : 'es'}`;
	const figure = (metric: string, value: number, unit: string, floor: number | null = null): Figure =>
		figureOf(name, metric, value, unit, floor);
	return [
		figure('cycle, median', median(times), 'ms', median(floors)),
		figure('cycle, fastest', Math.min(...times), 'ms', Math.min(...floors)),
		figure('cycle, slowest', Math.max(...times), 'ms', Math.max(...floors)),
		figure('checks', bots / (median(times) / 1_000), '1/s', bots / (median(floors) / 1_000)),
		figure('worker CPU per check', of(({ cpuMs }) => cpuMs) / bots, 'ms'),
		figure('database CPU per check', median(cycles.map(({ serverCpuMs }) => serverCpuMs)) / bots, 'ms'),
		figure(
			'memory of the largest worker',
			Math.max(...cycles.flatMap(({ reports }) => reports.map(({ memoryMb }) => memoryMb))),
			'MiB',
		),
		figure('signals', (100 * median(cycles.map(({ signals }) => signals))) / bots, '% of checks'),
		figure(
			'window cache hits',
			share(
				of(({ windows }) => windows.reused),
				of(({ windows }) => windows.loaded),
			),
			'%',
		),
		figure(
			'indicator cache hits',
			share(
				of(({ indicators }) => indicators.reused),
				of(({ indicators }) => indicators.computed),
			),
			'%',
		),
		figure(
			'checks repeated without evaluation',
			share(
				of(({ checks }) => checks.repeated),
				of(({ checks }) => checks.evaluated),
			),
			'%',
		),
	];
}

/** log(time) by log(bots) between the smallest size that no fixed cost governs and the largest; null with one size only. */
function growthExponent(figures: readonly Figure[]): number | null {
	const medians = figures
		.filter(({ metric, case: name }) => metric === 'cycle, median' && name.endsWith(' 1 process'))
		.map((figure) => ({ bots: Number(figure.case.split(' ')[0]?.replaceAll(',', '')), ms: figure.value }))
		.filter(({ bots }) => bots >= 1_000);
	const [first, last] = [medians[0], medians.at(-1)];
	if (first === undefined || last === undefined || first === last) return null;
	return Math.log(last.ms / first.ms) / Math.log(last.bots / first.bots);
}
