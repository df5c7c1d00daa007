/** The mixed drill in short; in full it is `npm run chaos -- --drill mixed`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { drillMixed } from './mixed.ts';
import { dismissSpares } from './warm-processes.ts';

const seed = 4;
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(async () => {
	dismissSpares();
	await database.drop();
});

test('workers that die, stand still and are cut off duplicate nothing and lose nothing', {
	timeout: 600_000,
}, async () => {
	const dir = await mkdtemp(join(tmpdir(), 'botbox-drill-'));
	const log: string[] = [];
	const { failures, figures } = await drillMixed({
		databaseUrl: database.url,
		pool: database.pool,
		dir,
		seed,
		bots: 12,
		trades: 12,
		log: (line) => log.push(line),
	});
	expect(failures, `seed ${seed}, logs in ${dir}, figures ${JSON.stringify(figures)}, ${log.join('; ')}`).toEqual([]);
	expect(figures.freezes).toBeGreaterThan(0);
	expect(figures.deaths_with_an_order_on_its_way).toBe(1);
	await rm(dir, { recursive: true });
});
