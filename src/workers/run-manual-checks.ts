/**
 * Manual checks: one bot at once, on the same claim as scheduled checks and without touching the schedule.
 *
 * Reads: pg-boss jobs of `check_manual`. Writes: as run-checks. Idempotency key: (bot, requested time, MANUAL). A crash
 * leaves a request unanswered: whoever asked is told so after 5 s and may ask again.
 */
import { claimManualCheck } from '../database/functions/checks.ts';
import { checkAndRecord, toClaimed } from './check-batch.ts';
import { again, done, type RunResult, type WorkerContext } from './context.ts';
import { checkLeaseMs } from './run-checks.ts';

const batchSize = 20;
const comeBackMs = 200;
/** A bot that stays busy for this long is not asked for any more. */
const patienceMs = 10_000;

export async function runManualChecks(context: WorkerContext, now?: Date): Promise<RunResult> {
	const { pool, jobs, workerId } = context;
	const fetched = await jobs.fetchManualChecks(batchSize);
	for (const { id, data } of fetched) {
		const [claim] = await claimManualCheck(pool, { botId: data.botId, workerId, leaseMs: checkLeaseMs, now });
		const check =
			claim &&
			toClaimed(claim, {
				botId: data.botId,
				dueAt: new Date(data.requestedAt),
				kind: 'MANUAL',
				isDryRun: data.isDryRun,
			});
		if (check) {
			await checkAndRecord(context, [check], now);
		} else if (claim?.verdict === 'BUSY' && Date.now() - Date.parse(data.requestedAt) < patienceMs) {
			await jobs.requestCheck(data, comeBackMs);
		}
		await jobs.endManualChecks([id]);
	}
	return fetched.length === batchSize ? again : done;
}
