/** The database goes away under working workers; in full it is `npm run chaos -- --drill database` and `--drill crash`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drillDatabaseRestart } from './restart-database.ts';
import { type DrillServer, startDrillServer } from './server.ts';

const seed = 815;
let server: DrillServer;
let isPassed = false;
beforeAll(async () => {
	server = await startDrillServer();
});
afterAll(async () => {
	await server.close(isPassed ? undefined : `the database drill failed with seed ${seed}`);
});

test('workers wait for a database that was killed, say so once, and lose nothing', { timeout: 240_000 }, async () => {
	const { failures, figures } = await drillDatabaseRestart({
		server,
		dir: server.dir,
		seed,
		bots: 100,
		workers: 2,
		seconds: 5,
		isCrash: true,
		log: () => {},
	});
	expect(failures, `seed ${seed}, logs in ${server.dir}, figures ${JSON.stringify(figures)}`).toEqual([]);
	isPassed = true;
});
