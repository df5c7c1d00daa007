/** docs/alerts.md, table alert_rules and what the code raises are the same alerts. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { channelKinds } from '../../src/alerts/channels.ts';
import { buildProgram } from '../../src/cli.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { repository } from '../support/script.ts';
import { readDocument, sectionsOf, tableOf } from './markdown.ts';

interface Rule {
	readonly code: string;
	readonly severity: string;
	readonly meaning: string;
	readonly unit: string | null;
	readonly threshold: string | null;
	readonly quiet_minutes: number | null;
}

let database: TestDatabase;
let rules: Rule[];
beforeAll(async () => {
	database = await createTestDatabase();
	({ rows: rules } = await database.pool.query<Rule>('select * from reporting.alert_rules order by code'));
});
afterAll(() => database.drop());

const text = readDocument('docs/alerts.md');
const runbook = sectionsOf(text, 3);

test('the runbook has an entry for every alert, and no other', () => {
	expect([...runbook.keys()].toSorted()).toEqual(rules.map(({ code }) => code));
});

test('an entry says severity, threshold and meaning as the rule has them, and then what to do', () => {
	for (const { code, severity, meaning, unit, threshold } of rules) {
		const [first = '', ...rest] = (runbook.get(code) ?? '').trim().split('\n');
		const limit =
			unit === null
				? ''
				: unit === 'share'
					? `, above ${Number(threshold) * 100}%`
					: `(, (above|after) ${threshold} ${unit})`;
		expect(first).toMatch(new RegExp(`^\\*\\*${severity}\\*\\*${limit}\\. `));
		expect(first.endsWith(` ${meaning}.`), code).toBe(true);
		expect(rest.join(' ').trim().length, code).toBeGreaterThan(40);
	}
});

test('every alert that functions and code raise has a rule, and every rule is raised by something', () => {
	const raised = new Set<string>();
	for (const file of readdirSync(join(repository, 'db/functions'))) {
		const source = readFileSync(join(repository, 'db/functions', file), 'utf8');
		if (/(raise_alert|sync_alerts)\(/.test(source) && file !== 'raise_alert.sql' && file !== 'sync_alerts.sql') {
			for (const [, code = ''] of source.matchAll(/p_code => '([A-Z_]+)'/g)) raised.add(code);
			for (const [, one = '', other = ''] of source.matchAll(
				/p_code => case when \w+ then '([A-Z_]+)' else '([A-Z_]+)'/g,
			))
				raised.add(one).add(other);
			for (const [, codes = ''] of source.matchAll(/p_codes => array\[([^\]]*)\]/g))
				for (const [, code = ''] of codes.matchAll(/'([A-Z_]+)'/g)) raised.add(code);
		}
	}
	for (const path of readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })) {
		if (!path.endsWith('.ts')) continue;
		const source = readFileSync(join(repository, 'src', path), 'utf8');
		for (const [, code = ''] of source.matchAll(/refuse\(account, '([A-Z_]+)'/g)) raised.add(code);
		for (const [, code = ''] of source.matchAll(/raiseAlert\([^)]*?code: '([A-Z_]+)'/gs)) raised.add(code);
	}
	// Reconciliation makes the code from the kind of difference.
	raised.delete('RECONCILIATION_');
	const differences = readFileSync(join(repository, 'db/functions/reconcile_account.sql'), 'utf8');
	for (const [, kind = ''] of differences.matchAll(/\b(?:select|then|else) '([A-Z_]+)'/g))
		if (!['CRITICAL', 'WARNING'].includes(kind)) raised.add(`RECONCILIATION_${kind}`);
	expect([...raised].toSorted()).toEqual(rules.map(({ code }) => code));
});

test('what is an event says when it ends', () => {
	for (const { code, quiet_minutes: minutes } of rules)
		if (minutes !== null && minutes < 1_440) expect(runbook.get(code)).toMatch(/ends (ten|two) minutes after|It ends/);
});

test('the kinds of channels are those of the code', () => {
	const kinds = tableOf(text, 'kind', '`ALERT_CHANNEL_URL`').map(([kind]) => kind?.replaceAll('`', '').toUpperCase());
	expect(kinds).toEqual(channelKinds);
});

test('every command that the runbook names exists, with these options', () => {
	const commands = leavesOf(buildProgram());
	const named = [...text.matchAll(/`(botbox [^`]+)`/g)].map((match) => match[1] ?? '');
	expect(named.length).toBeGreaterThan(15);
	for (const line of named) {
		const command = commands.find((known) => `${line} `.startsWith(`${pathOf(known)} `));
		// Or a whole group, such as `botbox strategies`.
		const isGroup = commands.some((known) => pathOf(known).startsWith(`${line} `));
		expect(command !== undefined || isGroup, line).toBe(true);
		for (const [flag] of line.matchAll(/--[a-z-]+/g))
			expect(
				command?.options.map((option) => option.long),
				line,
			).toContain(flag);
	}
});

function leavesOf(command: Command): Command[] {
	return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

function pathOf(command: Command): string {
	return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
