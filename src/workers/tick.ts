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
	const checks = await findDueChecks(context, now);
	if (checks.length > 0) {
		const spreadMs = context.isSimulated || checks.length <= spreadAbove ? 0 : config.checkSpreadSeconds * 1_000;
		crashPoint('tick:before-insert');
		await jobs.insertChecks(checks, spreadMs === 0 ? undefined : ({ botId }) => spreadOffset(botId, spreadMs));
		crashPoint('tick:after-insert');
	}
	const durationMs = performance.now() - startedAt;
	await recordTick(pool, { workerId, dueBots: checks.length, durationMs, now });
	log.debug({ due: checks.length, durationMs: Math.round(durationMs) }, 'tick');
	return { due: checks.length };
}

/** Many bots are due at the same time: they share its text, or 100,000 of them would be in memory, and their rows are gone once this ends. */
async function findDueChecks({ pool }: WorkerContext, now?: Date): Promise<CheckJob[]> {
	const texts = new Map<number, string>();
	return (await findDueBots(pool, { now })).map(({ botId, dueAt }) => {
		const text = texts.get(dueAt.getTime()) ?? dueAt.toISOString();
		texts.set(dueAt.getTime(), text);
		return { botId, dueAt: text };
	});
}

/** The same place in the spread for a bot at every tick: a multiplicative hash of its id (Knuth, 2^32 / φ). */
export function spreadOffset(botId: number, spreadMs: number): number {
	return Math.floor(((Math.imul(botId, 2_654_435_769) >>> 0) / 2 ** 32) * spreadMs);
}
