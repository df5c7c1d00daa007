/**
 * `cost`: what 100 bots more cost: processor time, memory and disk of worker and database for 100 and for 200 one-minute bots, minute by
 * minute, reckoned for a month and as a share of this machine.
 */
import { cpus, totalmem } from 'node:os';
import type { Pool } from '../../src/database/pool.ts';
import { type BenchContext, type Benchmark, type Figure, median } from '../benchmark.ts';
import { startCrew } from '../cycle/crew.ts';
import { createBots, createMarket, refreshFeeds, trialAssets } from '../cycle/market.ts';
import { settleTrades } from '../cycle/minute.ts';

const sizes = [100, 200] as const;
const minuteMs = 60_000;
const minutesOfMonth = 30 * 24 * 60;
const start = Date.UTC(2026, 0, 15, 12);

interface Cost {
	readonly cpuMsPerMinute: number;
	readonly memoryMb: number;
	/** Of a month, if nothing were pruned. */
	readonly diskMbPerMonth: number;
}

export const cost: Benchmark = {
	name: 'cost',
	title: '100 against 200 bots: processor, memory and disk',
	run: async (context) => {
		const minutes = context.isQuick ? 3 : 120;
		await createMarket(
			context.pool,
			new Date(start),
			sizes.length * (minutes + 1) + 1,
			context.isQuick ? trialAssets : undefined,
		);
		const clock = { now: start };
		const costs: Cost[] = [];
		for (const size of sizes) costs.push(await measureCost(context, size, minutes, clock));
		const [few, many] = costs;
		if (few === undefined || many === undefined) throw new RangeError('two sizes are compared');
		const figure = (name: string, metric: string, value: number, unit: string): Figure => {
			return { benchmark: 'cost', case: name, metric, value, unit, floor: null, peers: {} };
		};
		const machineMs = cpus().length * minuteMs;
		return [
			...costs.flatMap((each, index) => {
				const name = `${sizes[index]} bots`;
				return [
					figure(name, 'processor, worker and database', each.cpuMsPerMinute, 'ms per minute'),
					figure(name, 'processor, of this machine', (100 * each.cpuMsPerMinute) / machineMs, '%'),
					figure(name, 'processor', (each.cpuMsPerMinute * minutesOfMonth) / 3_600_000, 'hours per month'),
					figure(name, 'memory of the worker', each.memoryMb, 'MiB'),
					figure(name, 'disk, nothing pruned', each.diskMbPerMonth, 'MiB per month'),
				];
			}),
			figure(
				'100 bots more',
				'processor, of this machine',
				(100 * (many.cpuMsPerMinute - few.cpuMsPerMinute)) / machineMs,
				'%',
			),
			figure(
				'100 bots more',
				'memory, of this machine',
				(100 * (many.memoryMb - few.memoryMb) * 2 ** 20) / totalmem(),
				'%',
			),
			figure('100 bots more', 'disk, nothing pruned', many.diskMbPerMonth - few.diskMbPerMonth, 'MiB per month'),
		];
	},
};

async function measureCost(
	{ pool, url, serverCpuMs, log }: BenchContext,
	bots: number,
	minutes: number,
	clock: { now: number },
): Promise<Cost> {
	await createBots(pool, bots, new Date(clock.now));
	const crew = await startCrew(1, { url, isProfiled: false, areApart: false });
	try {
		const cpu: number[] = [];
		let memoryMb = 0;
		let before = 0;
		for (let minute = 0; minute <= minutes; minute += 1) {
			const now = new Date(clock.now);
			await refreshFeeds(pool, now);
			const server = serverCpuMs();
			const { reports } = await crew.runCycle(now);
			await settleTrades(pool, now);
			clock.now += minuteMs;
			// The first minute loads every window whole.
			if (minute === 0) before = await keptBytes(pool);
			else cpu.push(serverCpuMs() - server + reports.reduce((sum, { cpuMs }) => sum + cpuMs, 0));
			memoryMb = Math.max(...reports.map((report) => report.memoryMb));
		}
		const grown = (await keptBytes(pool)) - before;
		log(`${bots} bots: ${median(cpu).toFixed(0)} ms of processor a minute`);
		return {
			cpuMsPerMinute: median(cpu),
			memoryMb,
			diskMbPerMonth: ((grown / minutes) * minutesOfMonth) / 2 ** 20,
		};
	} finally {
		crew.stop();
	}
}

/** Rows that stay: checks, signals and trades. The queues' tables reuse their room. */
async function keptBytes(pool: Pool): Promise<number> {
	const { rows } = await pool.query<{ bytes: number }>(
		`select sum(pg_total_relation_size(c.oid))::float8 as bytes
		   from pg_class c
		  where c.relkind = 'r'
		    and c.relnamespace = 'botbox'::regnamespace
		    and c.relname ~ '^(checks|signals|trade_queue|events)'`,
	);
	return rows[0]?.bytes ?? Number.NaN;
}
