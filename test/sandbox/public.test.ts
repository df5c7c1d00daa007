/** `botbox/strategy`: the same names for a thread, for a user's own tests and in the documentation. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as shipped from '../../src/strategies/public.ts';
import { repository } from '../support/script.ts';

test('the package exports what the threads resolve, by self-reference too', async () => {
	// In a variable: the compiler reads its types from the sources, while this is about what runs.
	const specifier = 'botbox/strategy';
	const outside: Record<string, unknown> = await import(specifier);
	expect(Object.keys(outside).sort()).toEqual(Object.keys(shipped).sort());
	expect(Object.keys(outside).length).toBeGreaterThan(10);
});

test('every factor is there to be weighed', () => {
	const files = readdirSync(join(repository, 'src', 'strategies', 'factors')).filter((name) => name !== 'index.ts');
	const index = readFileSync(join(repository, 'src', 'strategies', 'factors', 'index.ts'), 'utf8');
	expect([...index.matchAll(/'\.\/(.+)'/g)].map(([, name]) => name).sort()).toEqual(files.sort());
});

test('docs/strategies/own.md shows the examples as they are', () => {
	const page = readFileSync(join(repository, 'docs', 'strategies', 'own.md'), 'utf8');
	const shown = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
	for (const name of ['channel-breakout.ts', 'weighted-trend.ts']) {
		expect(page).toContain(`docs/examples/${name}`);
		expect(shown).toContain(readFileSync(join(repository, 'docs', 'examples', name), 'utf8'));
	}
});

test('and makes its bot on the account that a new installation has', () => {
	const page = readFileSync(join(repository, 'docs', 'strategies', 'own.md'), 'utf8');
	const demo = readFileSync(join(repository, 'src', 'cli', 'up', 'demo.ts'), 'utf8');
	const accounts = [...page.matchAll(/--account (\S+)/g)].map(([, name]) => name);
	expect(accounts).not.toHaveLength(0);
	for (const name of accounts) expect(demo).toContain(`name: '${name}'`);
});

test('and names everything that the package exports', () => {
	const page = readFileSync(join(repository, 'docs', 'strategies', 'own.md'), 'utf8');
	for (const name of Object.keys(shipped)) expect(page).toContain(`\`${name}\``);
});
