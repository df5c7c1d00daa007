/** Kill -9 of a random worker every two seconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type DrillOptions, type DrillReport, runDrill } from './drill.ts';
import { seededRandom } from './random.ts';

const killEveryMs = 2_000;

export async function drillKills(options: Omit<DrillOptions, 'happen'>): Promise<DrillReport> {
	const random = seededRandom(options.seed);
	return await runDrill({
		...options,
		happen: async (crew) => {
			const endsAt = Date.now() + options.seconds * 1_000;
			while (Date.now() < endsAt) {
				// Never in step with the minute, the leases or the pauses of the loops.
				await sleep(killEveryMs * (0.5 + random.next()));
				crew.killOne(random);
			}
			return [];
		},
	});
}
