/**
 * Scheduled checks: fetch a batch of jobs, claim their bots, load each market once, evaluate, record all in one call.
 *
 * Reads: pg-boss jobs, bots, feeds, candles. Writes: through claim_checks and record_checks only. Idempotency keys: the
 * claim (next_check_at) and (bot, due_at, kind) of checks. A crash before recording leaves claims that lapse after 30 s
 * and bots still due, which the next tick finds; a crash after it leaves jobs whose claim finds nothing to do.
 */
import { claimChecks, releaseChecks } from '../database/functions/checks.ts';
import type { CheckJob, FetchedJob } from '../database/jobs.ts';
import { type ClaimedForCheck, checkAndRecord, toClaimed } from './check-batch.ts';
import { again, checkLeaseMs, done, type RunResult, type WorkerContext } from './context.ts';
import { crashPoint } from './crash-points.ts';

export { checkLeaseMs };

/**
 * Batches that a worker has under way at once. With one, database and worker wait for each other in turns; a third would only wait
 * for the same two cores.
 */
export const checkLines = 2;
/**
 * Checks of one batch: one claim, one load, one recording. While batches come full they are twice as large, since many bots are waiting; a
 * smaller first one leaves both lines something to do where a thousand are due.
 */
const batchSize = 500;
const fullBatchSize = 1_000;
/** Workers whose last batch was full. */
const busy = new WeakSet<WorkerContext>();
/** A job whose bot is busy or whose candle is awaited comes back after this long, as a new job. */
const comeBackMs = 1_000;

export async function runChecks(context: WorkerContext, now?: Date): Promise<RunResult> {
	const { pool, jobs, workerId } = context;
	const limit = busy.has(context) ? fullBatchSize : batchSize;
	const fetched = await jobs.fetchChecks(limit, { ignoreStartAfter: context.isSimulated });
	if (fetched.length === limit) busy.add(context);
	else busy.delete(context);
	if (fetched.length === 0) return done;
	crashPoint('checks:after-fetch');

	const claims = await claimChecks(pool, {
		jobs: fetched.map(({ data }) => ({ bot_id: data.botId, due_at: data.dueAt })),
		workerId,
		leaseMs: checkLeaseMs,
		now,
	});
	crashPoint('checks:after-claim');
	const claimed: ClaimedForCheck[] = [];
	const comeBack = new Set<number>();
	for (const claim of claims) {
		if (claim.verdict === 'BUSY' || claim.verdict === 'NOT_READY') comeBack.add(claim.botId);
		const check = toClaimed(claim, { botId: claim.botId, dueAt: claim.dueAt, kind: 'SCHEDULED', isDryRun: false });
		if (check !== null) claimed.push(check);
	}

	try {
		await checkAndRecord(context, claimed, now);
	} catch (error) {
		// Handed back at once rather than when the lease lapses; if the database is away that is all it can be.
		await releaseChecks(pool, { botIds: claimed.map(({ botId }) => botId), workerId }).catch(() => undefined);
		throw error;
	}
	await endJobs(context, fetched, comeBack);
	crashPoint('checks:after-end-jobs');
	return fetched.length === limit ? again : done;
}

async function endJobs(
	context: WorkerContext,
	fetched: readonly FetchedJob<CheckJob>[],
	comeBack: ReadonlySet<number>,
): Promise<void> {
	const waiting = fetched.filter(({ data }) => comeBack.has(data.botId)).map(({ data }) => data);
	// The new job first: should the process die in between, two jobs are harmless, none would cost a minute.
	if (waiting.length > 0) await context.jobs.insertChecks(waiting, () => comeBackMs);
	await context.jobs.endChecks(fetched.map(({ id }) => id));
}
