/** Work that one worker does for all: whoever claims a duty first does it, and it is due again after its interval. */
import { claimDuties } from '../database/functions/guards.ts';
import type { WorkerContext } from './context.ts';

/** Of `items`, those whose duty is due and is now this worker's. */
export async function claimDue<T>(
	context: WorkerContext,
	items: readonly T[],
	nameOf: (item: T) => string,
	intervalMs: number,
	now?: Date,
): Promise<readonly T[]> {
	if (items.length === 0) return [];
	const duties = items.map((item) => ({ name: nameOf(item), interval_ms: intervalMs }));
	const claimed = await claimDuties(context.pool, { duties, workerId: context.workerId, now });
	const names = new Set(claimed.map((row) => row.claimDuties));
	return items.filter((item) => names.has(nameOf(item)));
}
