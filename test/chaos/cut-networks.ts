/**
 * The drill of cut networks: first one worker loses the database while the others go on, then all of them lose the exchange with
 * orders under way. What was under way when a cable was cut is asked for and never guessed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type DrillOptions, type DrillReport, runDrill } from './drill.ts';
import { addressOf, atPort, type CuttableProxy, startProxy } from './proxy.ts';
import { seededRandom } from './random.ts';

export async function drillCuts(options: Omit<DrillOptions, 'happen'>): Promise<DrillReport> {
	const random = seededRandom(options.seed);
	const databases: CuttableProxy[] = [];
	for (let i = 0; i < options.workers; i += 1) databases.push(await startProxy(addressOf(options.databaseUrl)));
	let exchange: CuttableProxy | undefined;
	try {
		return await runDrill({
			...options,
			databaseUrlOf: (worker) => atPort(options.databaseUrl, databases[worker]?.port ?? 0),
			exchangeBehind: async (url) => {
				exchange = await startProxy(addressOf(url));
				return atPort(url, exchange.port);
			},
			// The breaker opens, and probes after a minute.
			settleWithinMs: 180_000,
			// Reads of the exchange go on at half the limit, and that is said.
			expectedError: /^the limiter cannot be reached: reads go by the local one/,
			happen: async () => {
				const cutMs = options.seconds * 1_000;
				// Somewhere in the middle of the first round of trades.
				await sleep(random.next() * 4_000);
				const loser = random.pick(databases);
				options.log(`worker ${databases.indexOf(loser) + 1} is cut off from the database`);
				loser.cut();
				await sleep(cutMs);
				loser.mend();
				await sleep(5_000 + random.next() * 4_000);
				options.log('all are cut off from the exchange');
				exchange?.cut();
				await sleep(cutMs);
				exchange?.mend();
				return [];
			},
		});
	} finally {
		for (const proxy of databases) await proxy.close();
		await exchange?.close();
	}
}
