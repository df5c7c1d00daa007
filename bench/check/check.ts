/**
 * `check`: how long a check takes, and what it costs, when the worker is far from busy: of 1,000 bots a tenth is due at a time. A check's
 * latency is the time from the tick to the moment when the last check of its batch is recorded. Then more bots come on the same markets: what a
 * worker has in use for each.
 */
import type { Pool } from '../../src/database/pool.ts';
import { type Benchmark, type Figure, median, percentile } from '../benchmark.ts';
import { type Crew, startCrew } from '../cycle/crew.ts';
import { createBots, createMarket, refreshFeeds, trialAssets } from '../cycle/market.ts';

const bots = 1_000;
const dueAtOnce = 100;
/** Bots until which memory is looked at. */
const many = 5_000;
const quickMany = 2_000;
const minuteMs = 60_000;
const start = Date.UTC(2026, 0, 15, 12);

export const check: Benchmark = {
	name: 'check',
	title: 'latency and cost of a check while a tenth of the bots is due',
	run: async ({ pool, url, serverCpuMs, isQuick, log }) => {
		const steps = isQuick ? 10 : 100;
		await createMarket(pool, new Date(start), steps + 3, isQuick ? trialAssets : undefined);
		await createBots(pool, bots, new Date(start));
		const crew = await startCrew(1, { url, isProfiled: false, areApart: false });
		try {
			const times: number[] = [];
			const workerCpu: number[] = [];
			const serverCpu: number[] = [];
			for (let step = 0; step <= steps; step += 1) {
				const now = new Date(start + step * minuteMs);
				await refreshFeeds(pool, now);
				// Everyone else is not due for a day.
				await pool.query(
					`update botbox.bots set next_check_at = case when id % $3 = $2 % $3 then $1::timestamptz else $1::timestamptz + interval '1 day' end`,
					[now, step, bots / dueAtOnce],
				);
				const cpu = serverCpuMs();
				const { ms, reports } = await crew.runCycle(now);
				if (step === 0) continue;
				times.push(ms);
				workerCpu.push(reports.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / dueAtOnce);
				serverCpu.push((serverCpuMs() - cpu) / dueAtOnce);
			}
			log(`${steps} times ${dueAtOnce} checks`);
			const more = isQuick ? quickMany : many;
			const few = await liveMemoryOf(pool, crew, bots, new Date(start + (steps + 1) * minuteMs));
			const all = await liveMemoryOf(pool, crew, more, new Date(start + (steps + 2) * minuteMs));
			log(
				`in use by the worker: ${Math.round(few / 2 ** 20)} MiB with ${bots} bots, ${Math.round(all / 2 ** 20)} with ${more}`,
			);
			const figure = (metric: string, value: number, unit: string): Figure => {
				return {
					benchmark: 'check',
					case: `${dueAtOnce} of ${bots} bots`,
					metric,
					value,
					unit,
					floor: null,
					peers: {},
				};
			};
			return [
				figure('latency, median', median(times), 'ms'),
				figure('latency, p95', percentile(times, 0.95), 'ms'),
				figure('latency, slowest', Math.max(...times), 'ms'),
				figure('worker CPU per check', median(workerCpu), 'ms'),
				figure('database CPU per check', median(serverCpu), 'ms'),
				figure(`memory in use, ${bots} bots`, few / 2 ** 20, 'MiB'),
				figure('memory in use per bot more', (all - few) / (more - bots), 'bytes'),
			];
		} finally {
			crew.stop();
		}
	},
};

/** Of a worker that has checked so many bots at once, which are made if they are not there. */
async function liveMemoryOf(pool: Pool, crew: Crew, count: number, now: Date): Promise<number> {
	await createBots(pool, count, now);
	await refreshFeeds(pool, now);
	await crew.runCycle(now);
	return await crew.liveMemory();
}
