/** The guides: every command they show exists with these arguments and options, and what they name is there. */
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli.ts';
import { environmentNames } from '../../src/config.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readDocument } from './markdown.ts';

const guides = [
	'docs/getting-started.md',
	'docs/concepts.md',
	'docs/going-live.md',
	'docs/operations.md',
	'docs/risk.md',
];
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const joined = (text: string) => text.replaceAll(/ \\\n\s*/g, ' ');
/** Whole command lines of code blocks, without what stands behind them; not a synopsis, nor one with an ellipsis. */
const examplesIn = (text: string) =>
	[...joined(text).matchAll(/^ {4,}(?:[A-Z_]+=\S+ )*(botbox .+)$/gm)]
		.map(([, line = '']) => line.replace(/ {2,}.*$/, ''))
		.filter((line) => !/[|[<…]/.test(line));
/** Commands by name, some with a few of their arguments. */
const namedIn = (text: string) => [...joined(text).matchAll(/`(botbox [^`]+)`/g)].map(([, line = '']) => line);

/** Words as a shell takes them. */
const wordsOf = (line: string) =>
	[...line.matchAll(/"[^"]*"|'[^']*'|\S+/g)].map(([word]) => word.replaceAll(/^["']|["']$/g, ''));

/** Throws what is wrong with a line, without running it. */
function parse(line: string): void {
	const program = buildProgram();
	const quiet = (command: Command): void => {
		command
			.exitOverride()
			.configureOutput({ writeErr: () => {} })
			.action(() => {});
		command.commands.forEach(quiet);
	};
	quiet(program);
	program.parse(wordsOf(line).slice(1), { from: 'user' });
}

/** Throws where there is no such command, or not with these options. */
function find(line: string): void {
	const [, ...words] = wordsOf(line);
	let command: Command = buildProgram();
	for (const word of words) {
		const child = command.commands.find((known) => known.name() === word);
		if (child === undefined) break;
		command = child;
	}
	if (command.parent === null) throw new Error(`there is no such command: ${line}`);
	for (const [flag] of line.matchAll(/--[a-z-]+/g))
		if (!command.options.some(({ long }) => long === flag)) throw new Error(`${command.name()} has no ${flag}`);
}

describe.each(guides)('%s', (guide) => {
	const text = readDocument(guide);

	test('its commands are taken by the program', () => {
		expect(examplesIn(text).length + namedIn(text).length).toBeGreaterThan(0);
		for (const line of examplesIn(text)) expect(() => parse(line), line).not.toThrow();
		for (const line of namedIn(text))
			if (line !== 'botbox ready' && !line.includes('…')) expect(() => find(line), line).not.toThrow();
	});

	test('settings and views that it names are there', async () => {
		const { rows } = await database.pool.query<{ name: string }>(
			`select viewname::text as name from pg_views where schemaname = 'reporting'`,
		);
		const views = new Set(rows.map(({ name }) => name));
		for (const [, view = ''] of text.matchAll(/reporting\.([a-z_]+)(?![a-z_]*\.md)/g))
			if (view !== 'md') expect(views, view).toContain(view);
		for (const [name] of text.matchAll(/\bBOTBOX_[A-Z_]+\b/g)) expect(environmentNames, name).toContain(name);
	});

	test('alerts that it names have an entry in the runbook', async () => {
		const { rows } = await database.pool.query<{ code: string }>('select code from reporting.alert_rules');
		const known = new Set(rows.map(({ code }) => code));
		const others = await database.pool.query<{ code: string }>(
			`select code from botbox.reason_codes
			union select e.enumlabel from pg_enum e join pg_type t on t.oid = e.enumtypid where t.typnamespace = 'botbox'::regnamespace`,
		);
		for (const { code } of others.rows) known.add(code);
		const settings = new Set<string>([
			...environmentNames,
			'EXCHANGE_API_KEY',
			'EXCHANGE_API_SECRET',
			'ALERT_CHANNEL_URL',
		]);
		const named = [...text.matchAll(/(?<![A-Z_`-])[A-Z]+(?:_[A-Z]+)+\b/g)]
			.map(([word]) => word)
			.filter((word) => !settings.has(word));
		expect(
			named.filter((word) => !known.has(word) && !/^(GRAFANA|PROMETHEUS|POSTGRES)_|^MASTER_KEY$/.test(word)),
		).toEqual([]);
	});
});

test('a command that does not exist would be found', () => {
	expect(() => parse('botbox rollout begin live-1')).toThrow();
	expect(() => parse('botbox rollout plan live-1 --step 10')).toThrow();
	expect(() => parse('botbox rollout plan live-1 --steps tomorrow')).toThrow();
	expect(() => find('botbox rollouts')).toThrow();
	expect(() => find('botbox rollout plan --step 10')).toThrow();
});
