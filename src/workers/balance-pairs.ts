/**
 * Pairs: what one leg of a two-leg bot did alone is undone, every few seconds and at once when a trade of a pair has ended.
 *
 * Reads and writes: through balance_pairs only; idempotency keys: the hash of the close, the state of the trade. Every worker of
 * the role may run it at any time: under the account's lock a second one finds nothing left to do. A crash at any line rolls
 * that round back, and the next one does it.
 */
import { balancePairs as balance } from '../database/functions/trades.ts';
import { done, type RunResult, type WorkerContext } from './context.ts';
import { crashPoint } from './crash-points.ts';

export async function balancePairs(context: WorkerContext, now?: Date): Promise<RunResult> {
	crashPoint('pairs:before-balance');
	const count = await balance(context.pool, { now });
	crashPoint('pairs:after-balance');
	if (count > 0) context.log.warn({ trades: count }, 'legs of pairs did not match: undone');
	return done;
}
