/** The limiter drill in short; in full it is `npm run chaos -- --drill limiter`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { measureLimiter } from './limiter.ts';

let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

test('processes that ask at once never send more than 80% in a window', { timeout: 120_000 }, async () => {
	const figures = await measureLimiter({ databaseUrl: database.url, workers: 4, seconds: 3, log: () => {} });
	// How much of the rate they use, and how soon, depends on the machine: that is for the drill, and for test/db/limiter-crowd.
	expect(figures.worstWindow, JSON.stringify(figures)).toBeLessThanOrEqual(figures.allowedInWindow);
	expect(figures.granted + figures.lapsed, JSON.stringify(figures)).toBeLessThanOrEqual(figures.possible);
	expect(figures.granted).toBeGreaterThan(0);
	expect(figures.closes).toBeGreaterThan(0);
});
