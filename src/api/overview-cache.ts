/**
 * The overview, read at most once at a time for everybody who asks. It sums over an hour of checks, so that with 100,000 bots
 * it costs seconds: whatever it costs, no more than a tenth of one connection's time is spent on it.
 */
import type { Pool } from '../database/pool.ts';
import { type OverviewRow, readOverview } from '../database/views/operation.ts';

const shortestMs = 1_000;
const longestMs = 60_000;

export function createOverviewCache(pool: Pool): () => Promise<OverviewRow> {
	let current: Promise<OverviewRow> | null = null;
	let validUntil = 0;
	return async () => {
		if (current !== null && performance.now() < validUntil) return await current;
		const startedAt = performance.now();
		validUntil = Number.POSITIVE_INFINITY;
		current = readOverview(pool);
		try {
			return await current;
		} catch (error) {
			current = null;
			throw error;
		} finally {
			const now = performance.now();
			validUntil = now + Math.min(Math.max((now - startedAt) * 10, shortestMs), longestMs);
		}
	};
}
