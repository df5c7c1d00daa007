/**
 * `npm run catalogue`: the code and the database agree. Each check returns what is wrong, one line each; nothing is
 * changed. Exit 1 if anything is.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pool } from '../pool.ts';
import { findFunctionDrift } from './function-drift.ts';
import { generateTypes, withMigratedDatabase } from './generate.ts';

type Check = (database: { url: string; pool: Pool }) => Promise<string[]>;

const checks: Readonly<Record<string, Check>> = {
	'generated types': findTypeDrift,
	functions: findFunctionDrift,
};

const problems = await withMigratedDatabase(async (database) => {
	const found: string[] = [];
	for (const [name, check] of Object.entries(checks)) {
		for (const problem of await check(database)) found.push(`${name}: ${problem}`);
	}
	return found;
});
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

/** src/database/zapatos is what `npm run generate` would write now. */
async function findTypeDrift(database: { url: string; pool: Pool }): Promise<string[]> {
	const present = fileURLToPath(new URL('../zapatos', import.meta.url));
	const outDir = await mkdtemp(join(tmpdir(), 'botbox-types-'));
	try {
		await generateTypes(database, outDir);
		const [expected, found] = await Promise.all([readTree(join(outDir, 'zapatos')), readTree(present)]);
		return [...new Set([...expected.keys(), ...found.keys()])]
			.filter((name) => expected.get(name) !== found.get(name))
			.sort()
			.map((name) => `src/database/zapatos/${name} is not up to date: run npm run generate`);
	} finally {
		await rm(outDir, { recursive: true, force: true });
	}
}

async function readTree(folder: string): Promise<Map<string, string>> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
	const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
	return new Map(
		await Promise.all(
			files.map(async (path) => [path.slice(folder.length + 1), await readFile(path, 'utf8')] as const),
		),
	);
}
