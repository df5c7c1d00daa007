/** The pages in docs/strategies and the code name the same parameters, defaults, weights, factors and history. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import * as shipped from '../../src/strategies/factors/index.ts';
import { parseParameters, prepareStrategy, strategies } from '../../src/strategies/registry.ts';
import type { Factor } from '../../src/strategies/strategy.ts';

describe.each(strategies)('$name', ({ id, name }) => {
	const page = readFileSync(new URL(`../../docs/strategies/${name.replaceAll('_', '-')}.md`, import.meta.url), 'utf8');
	const { weights = {}, ...defaults } = parseParameters(name, {}) as Record<string, unknown>;
	const rowsOf = (part: string) =>
		[...part.matchAll(/^\| `(\w+)` \| (.+?) \|(?: .*? \|)*$/gm)].map(([line, field, second]) => ({
			field,
			second: second!.replaceAll('`', ''),
			cells: line.split('|').map((cell) => cell.trim()),
		}));
	// A factor and a parameter may have one name: factors come before the table of parameters.
	const [decision, table] = page.split(/^## Parameters$/m).map(rowsOf);

	test('names its id, its history and when it loses', () => {
		expect(page).toMatch(new RegExp(`^# .*\\(${id}, \`${name}\`\\)`));
		expect(page).toContain(`It needs ${prepareStrategy(name, {}).history} candles`);
		expect(page).toContain('## When it loses');
	});

	test('lists every parameter with its default, and no other', () => {
		const documented = table!.filter(({ field }) => field !== 'weights');
		const expected = Object.entries(defaults).map(([field, value]) => [field, [value].flat().map(String).join(', ')]);
		expect(documented.map(({ field, second }) => [field, second]).toSorted()).toEqual(expected.toSorted());
	});

	test('lists every factor with its weight', () => {
		const documented = decision!.filter(({ field }) => field! in (weights as object));
		expect(Object.fromEntries(documented.map(({ field, cells }) => [field, Number(cells.at(-2))]))).toEqual(weights);
	});
});

describe('factors.md', () => {
	const page = readFileSync(new URL('../../docs/strategies/factors.md', import.meta.url), 'utf8');
	const tableUnder = (heading: string) => {
		const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
		const lines = section.split('\n').filter((line) => line.startsWith('| `'));
		return lines.map((line) => line.split(' | ').map((cell) => cell.replaceAll('`', '').replace(/^\| | \|$/g, '')));
	};
	const fieldsOf = (name: string): z.ZodRawShape => {
		const fields = Object.entries(shipped).find(([key]) => key === `${name}Fields`)?.[1];
		return (typeof fields === 'function' ? shipped.higherTimeframeFields('1h') : fields) as z.ZodRawShape;
	};
	const names = Object.keys(shipped).flatMap((key) => (key.endsWith('Fields') ? key.slice(0, -'Fields'.length) : []));
	const defaultsOf = (name: string) => z.object(fieldsOf(name)).parse({});
	const factors = names
		.filter((name) => name !== 'fadedInTrend')
		.map((name) => {
			const make = (shipped as unknown as Record<string, (parameters: object) => Factor>)[name]!;
			return make({ ...defaultsOf(name), timeframe: '1m' });
		});

	test('lists every factor with the candles that it needs', () => {
		const files = readdirSync(new URL('../../src/strategies/factors', import.meta.url));
		const others = ['index.ts', 'score.ts', 'faded-in-trend.ts'];
		expect(factors.map(({ name }) => `${name.replaceAll('_', '-')}.ts`).toSorted()).toEqual(
			files.filter((file) => !others.includes(file)).toSorted(),
		);
		const expected = factors.map(({ name, history, furtherWindows = [] }) => {
			return [name, [history, ...furtherWindows.map((need) => `${need.history} of ${need.timeframe}`)].join(', ')];
		});
		expect(
			tableUnder('The factors')
				.map((cells) => [cells[0], cells.at(-1)])
				.toSorted(),
		).toEqual(expected.toSorted());
	});

	test('lists every parameter with its default and the factors that it is of', () => {
		const expected = new Map<string, { value: string; of: string[] }>();
		for (const name of names) {
			for (const [field, value] of Object.entries(defaultsOf(name))) {
				const isSet = field === 'higher_timeframe';
				const entry = expected.get(field) ?? { value: isSet ? 'set by the strategy' : String(value), of: [] };
				const of = name === 'fadedInTrend' ? name : name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
				expected.set(field, { ...entry, of: [...entry.of, of].toSorted() });
			}
		}
		const documented = tableUnder('Their parameters').map(([field, value, of]) => {
			return [field, { value, of: of!.split(', ').toSorted() }] as const;
		});
		expect(new Map(documented)).toEqual(expected);
	});
});
