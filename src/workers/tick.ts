/**
 * The tick: finds the bots that are due and puts one job each into the queue.
 *
 * Reads: bots (next_check_at), breakers. Writes: pg-boss jobs, one row in ticks. Idempotency key: the bot's id as
 * singleton key among waiting jobs. A crash before the insert loses nothing, since the next tick finds the same bots; a
 * crash after it leaves jobs that the next tick's insert passes over.
 */
import { performance } from 'node:perf_hooks';
import { findDueBots, recordTick } from '../database/functions/checks.ts';
import type { CheckJob } from '../database/jobs.ts';
import type { WorkerContext } from './context.ts';
import { crashPoint } from './crash-points.ts';

/** Above this many due bots the checks are spread over the configured seconds. */
const spreadAbove = 500;

export interface TickResult {
	readonly due: number;
}

export async function runTick(context: WorkerContext, now?: Date): Promise<TickResult> {
	const { pool, jobs, workerId, config, log } = context;
	const startedAt = performance.now();
	const due = await findDueBots(pool, { now });
	if (due.length > 0) {
		const checks = due.map(({ botId, dueAt }): CheckJob => ({ botId, dueAt: dueAt.toISOString() }));
		const spreadMs = context.isSimulated || due.length <= spreadAbove ? 0 : config.checkSpreadSeconds * 1_000;
		crashPoint('tick:before-insert');
		await jobs.insertChecks(checks, spreadMs === 0 ? undefined : ({ botId }) => spreadOffset(botId, spreadMs));
		crashPoint('tick:after-insert');
	}
	const durationMs = performance.now() - startedAt;
	await recordTick(pool, { workerId, dueBots: due.length, durationMs, now });
	log.debug({ due: due.length, durationMs: Math.round(durationMs) }, 'tick');
	return { due: due.length };
}

/** The same place in the spread for a bot at every tick: a multiplicative hash of its id (Knuth, 2^32 / φ). */
export function spreadOffset(botId: number, spreadMs: number): number {
	return Math.floor(((Math.imul(botId, 2_654_435_769) >>> 0) / 2 ** 32) * spreadMs);
}
