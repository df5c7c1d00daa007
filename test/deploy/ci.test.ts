/** What CI runs on the embedded server only has to be what no other server would change. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from '../support/script.ts';

const script = readFileSync(join(repository, '.ci/run'), 'utf8');
const patterns = [...(/^once=\((.*?)^\)/ms.exec(script)?.[1] ?? '').matchAll(/'([^']+)'/g)].map(
	([, pattern]) => pattern!,
);

/** The page, and what is deployed, are the same on every server although their tests have a database. */
const known = ['test/dashboard/**', 'test/deploy/**'];

test.each(patterns)('%s names tests', (pattern) => {
	expect(globSync(pattern, { cwd: repository })).not.toEqual([]);
});

test('tests that are run once have no database of the server that is named', () => {
	const files = patterns
		.filter((pattern) => !known.includes(pattern))
		.flatMap((pattern) => globSync(pattern, { cwd: repository }));
	const tests = files.filter((file) => file.endsWith('.test.ts'));
	expect(tests.length).toBeGreaterThan(20);
	expect(tests.filter((file) => importedBy(file).has('test/support/database.ts'))).toEqual([]);
});

/** Files of the suite that `file` imports, by others too. */
function importedBy(file: string, found = new Set<string>()): ReadonlySet<string> {
	const text = readFileSync(join(repository, file), 'utf8');
	for (const [, path = ''] of text.matchAll(/from '(\.[^']+)'/g)) {
		const imported = normalize(join(dirname(file), path));
		if (!imported.startsWith('test/') || found.has(imported) || !existsSync(join(repository, imported))) continue;
		found.add(imported);
		importedBy(imported, found);
	}
	return found;
}
