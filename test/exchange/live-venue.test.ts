/** The live gateway against the simulated exchange. */
import { afterAll, beforeAll } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Harness, startHarness } from './harness.ts';
import { describeVenue } from './venue-contract.ts';

let database: TestDatabase;
let harness: Harness;
beforeAll(async () => {
	database = await createTestDatabase();
	harness = await startHarness(database.pool);
});
afterAll(async () => {
	await harness.close();
	await database.drop();
});

describeVenue('the live gateway', () => harness, 'LIVE');
