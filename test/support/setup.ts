/** Runs in every test file. Registered before the file's own hooks, so this one comes after them. */
import { afterAll, afterEach } from 'vitest';
import { checkLedgers, disposeOfDatabases } from './database.ts';

interface Outcome {
	readonly result?: { readonly state?: string };
	readonly tasks?: readonly Outcome[];
}

afterEach(checkLedgers);

// biome-ignore lint/correctness/noEmptyPattern: vitest insists on a destructured first argument
afterAll(async ({}, suite) => {
	await disposeOfDatabases(hasFailed(suite));
});

function hasFailed(task: Outcome): boolean {
	return task.result?.state === 'fail' || (task.tasks ?? []).some(hasFailed);
}
