/**
 * The same checks as one job each: what a worker on graphile-worker, or on pg-boss's `work()`, would do. A job claims its bot, evaluates and
 * records by the functions that botbox itself uses, with windows and indicators shared in the process; ten at a time.
 */
import { performance } from 'node:perf_hooks';
import { Logger, makeWorkerUtils, runOnce } from 'graphile-worker';
import { PgBoss } from 'pg-boss';
import { claimChecks } from '../../src/database/functions/checks.ts';
import { checkAndRecord, toClaimed } from '../../src/workers/check-batch.ts';
import { checkLeaseMs, type WorkerContext } from '../../src/workers/context.ts';
import type { BenchContext } from '../benchmark.ts';
import { refreshFeeds } from './market.ts';
import { countSignals, settle } from './minute.ts';
import { createBenchJobs, createBenchWorker } from './worker.ts';

const concurrency = 10;
/** As many as botbox takes at once; the pool's ten connections bound how many are worked on. */
const bossBatch = 500;
const minuteMs = 60_000;
/** graphile-worker tells of every job otherwise. */
const silent = new Logger(() => () => {});

/** Milliseconds of one cycle by each peer, after one that warms up. */
export async function measurePeers(
	context: BenchContext,
	bots: number,
	clock: { now: number },
): Promise<Readonly<Record<string, number>>> {
	const jobs = await createBenchJobs(context.pool);
	try {
		const worker = createBenchWorker(context.pool, jobs, 'bench peer');
		const times: Record<string, number> = {};
		for (const [name, runCycle] of Object.entries({ 'graphile-worker': graphile, 'pg-boss work()': boss })) {
			for (const what of ['warm-up', 'measured']) {
				const now = new Date(clock.now);
				await refreshFeeds(context.pool, now);
				const ids = await dueBots(context, now);
				const ms = await runCycle(context, worker, ids, now);
				await countSignals(context.pool, bots, now);
				context.log(`${bots} bots, ${name}, ${what}: ${ms.toFixed(0)} ms`);
				times[name] = ms;
				clock.now += minuteMs;
				await settle(context.pool, new Date(clock.now));
			}
		}
		return times;
	} finally {
		await jobs.stop();
	}
}

async function dueBots({ pool }: BenchContext, now: Date): Promise<number[]> {
	const { rows } = await pool.query<{ id: number }>(
		`select id from botbox.bots where status = 'ACTIVE' and next_check_at <= $1 order by id`,
		[now],
	);
	return rows.map(({ id }) => id);
}

async function checkOne(worker: WorkerContext, botId: number, now: Date): Promise<void> {
	const [claim] = await claimChecks(worker.pool, {
		jobs: [{ bot_id: botId, due_at: now.toISOString() }],
		workerId: worker.workerId,
		leaseMs: checkLeaseMs,
		now,
	});
	const claimed = claim && toClaimed(claim, { botId, dueAt: now, kind: 'SCHEDULED', isDryRun: false });
	if (claimed) await checkAndRecord(worker, [claimed], now);
}

async function graphile(
	{ url }: BenchContext,
	worker: WorkerContext,
	bots: readonly number[],
	now: Date,
): Promise<number> {
	const utils = await makeWorkerUtils({ connectionString: url, logger: silent });
	try {
		await utils.migrate();
		const begun = performance.now();
		await utils.addJobs(bots.map((botId) => ({ identifier: 'check', payload: { botId } })));
		await runOnce({
			connectionString: url,
			concurrency,
			noHandleSignals: true,
			logger: silent,
			taskList: {
				check: async (payload) => await checkOne(worker, (payload as { botId: number }).botId, now),
			},
		});
		return performance.now() - begun;
	} finally {
		await utils.release();
	}
}

/** On a schema of its own, so that botbox's queues are as they were. */
async function boss({ url }: BenchContext, worker: WorkerContext, bots: readonly number[], now: Date): Promise<number> {
	const peer = new PgBoss({ connectionString: url, schema: 'peer_boss', supervise: false, schedule: false });
	peer.on('error', () => {});
	await peer.start();
	try {
		await peer.createQueue('check');
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		let left = bots.length;
		const begun = performance.now();
		for (let from = 0; from < bots.length; from += 5_000)
			await peer.insert(
				'check',
				bots.slice(from, from + 5_000).map((botId) => ({ data: { botId } })),
			);
		await peer.work<{ botId: number }>(
			'check',
			// It pauses after every batch, half a second at least: ten at a time would be twenty checks a second.
			{ batchSize: bossBatch, pollingIntervalSeconds: 0.5 },
			async (batch) => {
				await Promise.all(batch.map(async ({ data }) => await checkOne(worker, data.botId, now))).catch(reject);
				left -= batch.length;
				if (left <= 0) resolve();
			},
		);
		await promise;
		const ms = performance.now() - begun;
		await peer.offWork('check');
		return ms;
	} finally {
		await peer.stop({ graceful: false, close: true });
	}
}
