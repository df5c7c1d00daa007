/** A folder of users' files: what is loaded, what is refused and why, and that one file's fault is its own. */
import { expect, onTestFinished, test } from 'vitest';
import { type Catalogue, openCatalogue } from '../../src/sandbox/catalogue.ts';
import { defaultLimits } from '../../src/sandbox/strategy-thread.ts';
import { strategies } from '../../src/strategies/registry.ts';
import { makeFolder, strategyFile } from './folder.ts';

function open(folder: string | null, onOutput?: (file: string, line: string) => void): Catalogue {
	const catalogue = openCatalogue({
		folder,
		limits: { loadMs: 3_000 },
		...(onOutput === undefined ? {} : { onOutput }),
	});
	onTestFinished(() => catalogue.close());
	return catalogue;
}

test('an evaluation and a file have ten seconds unless told otherwise', () => {
	expect(defaultLimits).toMatchObject({ limitMs: 10_000, loadMs: 10_000 });
});

test('the documented examples are loaded from a folder outside of the project, beside what botbox ships', async () => {
	const catalogue = open(await makeFolder({}, ['channel-breakout.ts', 'weighted-trend.ts']));
	expect(await catalogue.faults()).toEqual([]);
	expect((await catalogue.list()).map(({ id, file }) => [id, file])).toEqual([
		...strategies.map(({ id }) => [id, null]),
		['MY-001', 'channel-breakout.ts'],
		['MY-002', 'weighted-trend.ts'],
	]);
	expect(await catalogue.find('channel_breakout')).toMatchObject({
		id: 'MY-001',
		defaultInterval: 5,
		legs: 1,
		defaults: { timeframe: '5m', channel_period: 20, stop_ranges: 2, allow_short: true },
		schema: { type: 'object', properties: { channel_period: { minimum: 5, maximum: 200 } } },
	});
	// Donchian of 50 and ATR of 14 with what it takes to forget its seed: the longer one counts.
	const short = await catalogue.describe('MY-001', { channel_period: 50 });
	expect(short).toMatchObject({ timeframe: '5m', maxLots: 1, readsFunding: false, furtherWindows: [] });
	expect(short.history).toBeGreaterThan(300);
	expect(await catalogue.describe('weighted_trend', {})).toMatchObject({
		timeframe: '15m',
		favourableRegimes: ['TRENDING_UP', 'TRENDING_DOWN'],
	});
});

test('wrong parameters are refused by name, as those of the shipped strategies are', async () => {
	const catalogue = open(await makeFolder({}, ['channel-breakout.ts', 'weighted-trend.ts']));
	const refused = catalogue.parse('channel_breakout', { channel_period: 2, leverage: 5 });
	await expect(refused).rejects.toMatchObject({
		code: 'VALIDATION_FAILED',
		message: expect.stringMatching(
			/^parameters of channel_breakout: leverage: unknown parameter; channel_period: .*>=5$/,
		),
		cause: { issues: [{ path: ['channel_period'] }, { code: 'unrecognized_keys', keys: ['leverage'] }] },
	});
	await expect(
		catalogue.parse('weighted_trend', { weights: { ema_cross: 1, momentum: 1, adx_direction: 0 } }),
	).rejects.toThrow(/weights: must sum to 1, not 2/);
	await expect(catalogue.describe('channel_breakout', { stop_ranges: 0 })).rejects.toThrow(/stop_ranges: /);
	await expect(catalogue.parse('trend_following', { entry_threshold: 2 })).rejects.toThrow(/entry_threshold: /);
	await expect(catalogue.parse('martingale', {})).rejects.toMatchObject({ code: 'STRATEGY_NOT_FOUND' });
	expect(await catalogue.find('martingale')).toBeNull();
});

test('what cannot be loaded is named with its reason, and the others serve', async () => {
	const strategy = (id: string) => `defineStrategy({ ...common, id: '${id}', name: '${id.toLowerCase()}' })`;
	const common = `import { defineStrategy, z } from 'botbox/strategy';
		const common = { title: 'x', defaultInterval: 5, parameters: z.strictObject({}), needs: () => ({ timeframe: '5m' }), decide: () => null };`;
	const catalogue = open(
		await makeFolder({
			'async.ts': 'await new Promise(() => {});',
			'exits.ts': 'process.exit(7);',
			'good.mts': `${common} export const mine: unknown = ${strategy('GOOD')};`,
			'hangs.mjs': 'while (true) {}',
			'javascript.js': `${common} export default ${strategy('JS')};`,
			'missing.ts': `import 'no-such-package';`,
			'nameless.js': `${common} export default defineStrategy({ ...common, id: 'X-1', name: 'Not Snake' });`,
			'none.ts': 'export const answer = 42;',
			'odd-interval.js': `${common} export default defineStrategy({ ...common, id: 'X-2', name: 'x', defaultInterval: 7 });`,
			'shipped.js': `${common} export default defineStrategy({ ...common, id: 'X-3', name: 'trend_following' });`,
			'shipped-id.js': `${common} export default defineStrategy({ ...common, id: 'ST-003', name: 'x_4' });`,
			'syntax.ts': 'const x: = 1;',
			'throws.ts': `throw new RangeError('no luck today');`,
			'twice.js': `${common} export const a = ${strategy('A')}; export const b = ${strategy('B')};`,
			'same-1.js': `${common} export default ${strategy('SAME')};`,
			'same-2.js': `${common} export default defineStrategy({ ...common, id: 'OTHER', name: 'same' });`,
			// None of these is taken for a strategy.
			'types.d.ts': 'export {};',
			'good.test.ts': `throw new Error('a test');`,
			'.hidden.ts': `throw new Error('hidden');`,
			'notes.md': '#',
		}),
	);
	expect((await catalogue.list()).slice(strategies.length).map(({ name, file }) => [name, file])).toEqual([
		['good', 'good.mts'],
		['js', 'javascript.js'],
	]);
	const reasons = Object.fromEntries((await catalogue.faults()).map(({ file, message }) => [file, message]));
	expect(reasons).toEqual({
		'async.ts': 'its thread ended while it was loaded: it awaits what never comes',
		'exits.ts': 'it ended its thread with exit code 7',
		'hangs.mjs': 'hangs.mjs did not load within 3 s and was ended',
		'missing.ts': expect.stringContaining(`Cannot find package 'no-such-package'`),
		'nameless.js': 'TypeError: defineStrategy: name must be in snake case, such as channel_breakout',
		'none.ts': 'Error: it must export one strategy, made by defineStrategy; it exports 0',
		'odd-interval.js': 'TypeError: defineStrategy: defaultInterval must be one of 1, 5, 15, 60',
		'same-1.js': 'its id SAME or name same is also that of same-2.js',
		'same-2.js': 'its id OTHER or name same is also that of same-1.js',
		'shipped.js': `its id X-3 or name trend_following is that of botbox's own Trend Following`,
		'shipped-id.js': 'its id ST-003 is of the kind that botbox keeps for its own strategies',
		'syntax.ts': expect.stringMatching(/^SyntaxError: /),
		'throws.ts': 'RangeError: no luck today',
		'twice.js': 'Error: it must export one strategy, made by defineStrategy; it exports 2',
	});
	await expect(catalogue.parse('x_4', {})).rejects.toThrow(/botbox strategies list says why.*shipped-id\.js/);
});

test('a folder that is not there is a fault, not an end; no folder is none', async () => {
	const catalogue = open('/no/such/folder');
	expect(await catalogue.faults()).toMatchObject([
		{ file: '/no/such/folder', message: expect.stringContaining('ENOENT') },
	]);
	expect(await catalogue.find('trend_following')).toMatchObject({ id: 'ST-003', file: null });
	expect(await open(null).list()).toHaveLength(strategies.length);
});

test('a strategy sees no environment, and what it prints goes where it is told', async () => {
	process.env.BOTBOX_TEST_SECRET = 'hush';
	onTestFinished(() => {
		delete process.env.BOTBOX_TEST_SECRET;
	});
	const lines: string[] = [];
	const text = `console.log('secret:', process.env.BOTBOX_TEST_SECRET, Object.keys(process.env).length);`;
	const catalogue = open(
		await makeFolder({ 'nosy.ts': strategyFile('nosy', 'return null', '{}', text) }),
		(file, line) => {
			lines.push(`${file} ${line}`);
		},
	);
	expect(await catalogue.find('nosy')).not.toBeNull();
	await catalogue.close();
	expect(lines).toEqual(['nosy.ts secret: undefined 0']);
});

test('parameters that do not survive being stored are refused before a bot is made of them', async () => {
	const folder = await makeFolder({
		'doubles.ts': strategyFile(
			'doubles',
			'return null',
			'{ size: z.number().default(1).transform((size) => size * 2) }',
		),
		'plain.ts': strategyFile('plain', 'return null', '{ level: z.number() }'),
	});
	const catalogue = open(folder);
	await expect(catalogue.parse('doubles', {})).rejects.toThrow(/do not survive being stored as JSON/);
	// Not every parameter has to have a default.
	expect(await catalogue.find('plain')).toMatchObject({ defaults: null });
	await expect(catalogue.parse('plain', {})).rejects.toThrow(/level: /);
	expect(await catalogue.parse('plain', { level: 2 })).toEqual({ level: 2 });
});
