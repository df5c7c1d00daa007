/** The mixed drill in short; in full it is `npm run chaos -- --drill mixed`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { drillMixed } from './mixed.ts';

let database: TestDatabase;
let dir: string;
let isPassed: boolean;
beforeEach(async () => {
	isPassed = false;
	dir = mkdtempSync(join(tmpdir(), 'botbox-drill-'));
	database = await createTestDatabase();
});
afterEach(async () => {
	await database.drop();
	if (isPassed) rmSync(dir, { recursive: true });
});

const quiet = { log: () => {} };

test.each([1, 2])(
	'faults, kills, freezes, cuts and stepped clocks leave books that balance: seed %i',
	{ timeout: 600_000 },
	async (seed) => {
		const { url: databaseUrl, pool } = database;
		const { failures, figures } = await drillMixed({ databaseUrl, pool, dir, seed, ...quiet });
		expect(failures, `seed ${seed}, logs in ${dir}, figures ${JSON.stringify(figures)}`).toEqual([]);
		isPassed = true;
	},
);
