/**
 * The history beside the live candles: funding rates after each funding time, gaps found and refetched. A loop of its own, since a
 * long gap is many calls, for which nothing else should wait.
 *
 * Writes: through src/market/funding.ts and src/market/gaps.ts. A crash at any line leaves what is due for the next round.
 */
import { errorMessage } from '../errors.ts';
import type { FeedContext } from '../market/feed.ts';
import { fetchFunding } from '../market/funding.ts';
import { findGaps, refetchGaps } from '../market/gaps.ts';
import { done, type RunResult, type WorkerContext } from './context.ts';
import { claimDue } from './duties.ts';

interface Failure {
	readonly symbol: string;
	readonly error: string;
}

interface Duty {
	readonly name: string;
	readonly everyMs: number;
	run(context: WorkerContext, feed: FeedContext, now?: Date): Promise<readonly Failure[]>;
}

/** What is looked at every few minutes; older gaps are found once in six hours. */
const recentDays = 0.125;

const duties: readonly Duty[] = [
	{ name: 'funding', everyMs: 60_000, run: async (_, feed, now) => (await fetchFunding(feed, { now })).failed },
	{
		name: 'old gaps',
		everyMs: 21_600_000,
		run: async ({ pool, config }, _, now) => {
			await findGaps(pool, { days: config.keepMinutesDays, now });
			return [];
		},
	},
	{
		name: 'gaps',
		everyMs: 300_000,
		run: async ({ pool }, feed, now) => {
			await findGaps(pool, { days: recentDays, now });
			return (await refetchGaps(feed, { now })).failed;
		},
	},
];

export async function keepHistory(context: WorkerContext, now?: Date): Promise<RunResult> {
	const feed: FeedContext = {
		pool: context.pool,
		workerId: context.workerId,
		marketData: (id) => context.venues.marketData(id),
	};
	for (const duty of duties) {
		if ((await claimDue(context, [duty], ({ name }) => name, duty.everyMs, now)).length === 0) continue;
		try {
			for (const failure of await duty.run(context, feed, now))
				context.log.debug(failure, `${duty.name}: not fetched yet`);
		} catch (error) {
			context.log.error({ duty: duty.name, error: errorMessage(error) }, 'duty failed');
		}
	}
	return done;
}
