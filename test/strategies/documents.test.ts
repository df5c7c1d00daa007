/** The pages in docs/strategies and the code name the same parameters, defaults, weights and history. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseParameters, prepareStrategy, strategies } from '../../src/strategies/registry.ts';

describe.each(strategies)('$name', ({ id, name }) => {
	const page = readFileSync(new URL(`../../docs/strategies/${name.replaceAll('_', '-')}.md`, import.meta.url), 'utf8');
	const { weights, ...defaults } = parseParameters(name, {}) as Record<string, unknown>;
	const rows = [...page.matchAll(/^\| `(\w+)` \| (.+?) \|(?: .*? \|)*$/gm)].map(([line, field, second]) => ({
		field,
		second: second!.replaceAll('`', ''),
		cells: line.split('|').map((cell) => cell.trim()),
	}));

	test('names its id, its history and when it loses', () => {
		expect(page).toMatch(new RegExp(`^# .*\\(${id}, \`${name}\`\\)`));
		expect(page).toContain(`It needs ${prepareStrategy(name, {}).history} candles`);
		expect(page).toContain('## When it loses');
	});

	test('lists every parameter with its default, and no other', () => {
		const documented = rows.filter(({ field }) => !(field! in (weights as object)) && field !== 'weights');
		const expected = Object.entries(defaults).map(([field, value]) => [field, [value].flat().join(', ')]);
		expect(documented.map(({ field, second }) => [field, second]).toSorted()).toEqual(expected.toSorted());
	});

	test('lists every factor with its weight', () => {
		const documented = rows.filter(({ field }) => field! in (weights as object));
		expect(Object.fromEntries(documented.map(({ field, cells }) => [field, Number(cells.at(-2))]))).toEqual(weights);
	});
});
