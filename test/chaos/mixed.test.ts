/** The mixed drill in short, and every crash point once; in full they are `npm run chaos -- --drill mixed` and `--drill points`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { crashPoints } from '../../src/workers/crash-points.ts';
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

test.each([1, 2, 3])(
	'faults, kills, freezes, cuts and stepped clocks leave books that balance: seed %i',
	{ timeout: 600_000 },
	async (seed) => {
		const { url: databaseUrl, pool } = database;
		const { failures, figures } = await drillMixed({ databaseUrl, pool, dir, seed, ...quiet });
		expect(failures, `seed ${seed}, logs in ${dir}, figures ${JSON.stringify(figures)}`).toEqual([]);
		isPassed = true;
	},
);

test('a worker killed at any crash point duplicates nothing and loses nothing', { timeout: 600_000 }, async () => {
	const { url: databaseUrl, pool } = database;
	const drill = { databaseUrl, pool, dir, seed: 11, everyCrashPoint: true, ...quiet };
	const { failures, figures, struck } = await drillMixed(drill);
	expect(failures, `logs in ${dir}, figures ${JSON.stringify(figures)}`).toEqual([]);
	expect([...struck].sort()).toEqual([...crashPoints].sort());
	isPassed = true;
});
