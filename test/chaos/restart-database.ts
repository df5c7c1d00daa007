/** The drill of a database that goes away and comes back: workers wait, say so once, and go on. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Finding } from './books.ts';
import { type DrillOptions, type DrillReport, runDrill } from './drill.ts';
import { readComplaints } from './processes.ts';
import { seededRandom } from './random.ts';
import type { DrillServer } from './server.ts';

/** Complaints that a worker may make beside `lost` and `back`, for work that was under way. */
const mostOtherComplaints = 12;

export async function drillDatabaseRestart(
	options: Omit<DrillOptions, 'happen' | 'databaseUrl'> & { readonly server: DrillServer; readonly isCrash: boolean },
): Promise<DrillReport> {
	const { server, seconds, isCrash } = options;
	const random = seededRandom(options.seed);
	return await runDrill({
		...options,
		databaseUrl: server.url,
		// Reads of the exchange go on at half the limit, and that is said.
		expectedError: /^the limiter cannot be reached: reads go by the local one/,
		happen: async (crew) => {
			// Somewhere in the middle of the first round of trades.
			await sleep(random.next() * 4_000);
			options.log(isCrash ? 'database killed' : 'database stopped');
			await (isCrash ? server.crash() : server.stop());
			await sleep(seconds * 1_000);
			await server.start();
			options.log('database started');
			await sleep(5_000);
			return crew.present.flatMap(({ name, logPath }) =>
				judgeLog(
					name,
					readComplaints(logPath).map(({ text }) => text),
				),
			);
		},
	});
}

function judgeLog(name: string, complaints: readonly string[]): Finding[] {
	const lost = complaints.filter((text) => text.startsWith('database lost'));
	const back = complaints.filter((text) => text.startsWith('database is back'));
	const others = complaints.filter((text) => !lost.includes(text) && !back.includes(text));
	const findings: Finding[] = [];
	if (lost.length !== 1 || back.length !== 1) {
		findings.push({
			rule: `${name} says once that the database is lost and once that it is back`,
			rows: 1,
			samples: [...lost, ...back],
		});
	}
	if (others.length > mostOtherComplaints) {
		findings.push({
			rule: `${name} does not fill its log meanwhile`,
			rows: others.length,
			samples: [...new Set(others)].slice(0, 8),
		});
	}
	return findings;
}
