/** The kill drill in short; in full it is `npm run chaos`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drillKills } from './kill-workers.ts';
import { type DrillServer, startDrillServer } from './server.ts';

const seed = 4_711;
let server: DrillServer;
let isPassed = false;
beforeAll(async () => {
	server = await startDrillServer();
});
afterAll(async () => {
	await server.close(isPassed ? undefined : `the kill drill failed with seed ${seed}`);
});

test('workers killed at random duplicate nothing and lose nothing', { timeout: 240_000 }, async () => {
	const { failures, figures } = await drillKills({
		databaseUrl: server.url,
		dir: server.dir,
		seed,
		bots: 120,
		workers: 3,
		seconds: 20,
		log: () => {},
	});
	expect(failures, `seed ${seed}, logs in ${server.dir}, figures ${JSON.stringify(figures)}`).toEqual([]);
	expect(figures.kills).toBeGreaterThan(5);
	isPassed = true;
});
