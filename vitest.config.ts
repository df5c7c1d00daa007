import { defineConfig } from 'vitest/config';

/** Every test runs on a real PostgreSQL: see test/support/global-setup.ts. */
export default defineConfig({
	test: {
		include: ['test/**/*.test.ts'],
		globalSetup: ['test/support/global-setup.ts'],
		setupFiles: ['test/support/setup.ts'],
		pool: 'forks',
		maxWorkers: 2,
		// A test that passes only after another one is a defect: any order, of files and within them.
		sequence: { shuffle: { files: true, tests: true } },
		testTimeout: 60_000,
		hookTimeout: 60_000,
		teardownTimeout: 60_000,
	},
});
