/**
 * What is past its life goes: one-minute candles, checks, signals, ticks, workers, and what the API keeps for a while. How long they live says the environment.
 *
 * Writes: through prune_minutes, prune_checks, prune_signals, prune_requests, prune_history, each call a transaction of its own: a bounded number of
 * rows, or one chunk of a hypertable. A crash in between leaves the rest for the next minute; checks are counted into check_hours
 * in the very transaction in which they go, so each once.
 */
import { pruneRequests } from '../database/functions/access.ts';
import { pruneChecks, pruneHistory, pruneMinutes, pruneSignals } from '../database/functions/history.ts';
import type { WorkerContext } from './context.ts';

/** Calls of one kind in one round, so that other duties wait for a few seconds at most. */
const mostCalls = 10;

/** Answers how many rows went. */
export async function prune({ pool, config }: Pick<WorkerContext, 'pool' | 'config'>, now?: Date): Promise<number> {
	const checksLife = `${config.keepChecksHours} hours`;
	const signalsLife = `${config.keepSignalsDays} days`;
	const minutesLife = `${config.keepMinutesDays} days`;
	const checks = await repeat(() => pruneChecks(pool, { life: checksLife, signalsLife, now }));
	const signals = await repeat(() => pruneSignals(pool, { life: signalsLife, now }));
	const minutes = await repeat(() => pruneMinutes(pool, { life: minutesLife, now }));
	const requests = await pruneRequests(pool, { now });
	return checks + signals + minutes + requests + (await pruneHistory(pool, { now }));
}

async function repeat(call: () => Promise<number>): Promise<number> {
	let total = 0;
	for (let calls = 0; calls < mostCalls; calls++) {
		const rows = await call();
		if (rows === 0) break;
		total += rows;
	}
	return total;
}
