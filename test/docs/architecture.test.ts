import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkLeaseSeconds } from '../../src/database/migrate/job-queues.ts';
import { maxDataAgeMs } from '../../src/workers/evaluate.ts';
import { tradeLeaseMs } from '../../src/workers/execute-trades.ts';
import { checkLeaseMs } from '../../src/workers/run-checks.ts';
import { graceMs } from '../../src/workers/settle-orders.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { repository } from '../support/script.ts';
import { codeWordsOf, readDocument, sectionsOf, tableOf } from './markdown.ts';

const text = readDocument('ARCHITECTURE.md');
let database: TestDatabase;

beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

/** Diagrams by the heading that they stand under, and where their states come from. */
const enums: Readonly<Record<string, string>> = {
	'Account: `accounts.status`': 'account_status',
	'Bot: `bots.status`': 'bot_status',
	'Check: `checks.outcome`': 'check_outcome',
	'Signal: `signals.status`': 'signal_status',
	'Trade: `trade_queue.status`': 'trade_status',
	'Order: `orders.status`': 'order_status',
	'Breaker: `circuit_breakers.state`': 'breaker_state',
};

test.each(Object.entries(enums))('the states of “%s” are those of enum %s', async (heading, type) => {
	const { rows } = await database.pool.query<{ states: string[] }>(
		'select array_agg(enumlabel::text order by enumlabel) as states from pg_enum where enumtypid = $1::regtype',
		[`botbox.${type}`],
	);
	expect(statesUnder(heading)).toEqual([...(rows[0]?.states ?? [])].sort());
});

test('the verdicts on claims are those of claim_checks', async () => {
	const { rows } = await database.pool.query<{ source: string }>(
		`select prosrc as source from pg_proc where oid = 'botbox.claim_checks'::regproc`,
	);
	const verdicts = [...(rows[0]?.source ?? '').matchAll(/(?:then|else) '([A-Z_]+)'/g)].map((match) => match[1] ?? '');
	expect(statesUnder('Claim of a check: the verdicts of `claim_checks`')).toEqual([...new Set(verdicts)].sort());
});

test('the moves of an order are those of order_transitions', async () => {
	const { rows } = await database.pool.query<{ move: string }>(
		`select coalesce(from_status::text, '[*]') || ' ' || to_status as move from botbox.order_transitions`,
	);
	const drawn = movesUnder('Order: `orders.status`').filter(([, to]) => to !== '[*]');
	expect(drawn.map((move) => move.join(' ')).sort()).toEqual(rows.map(({ move }) => move).sort());
});

test('every diagram is held to something', () => {
	const headings = [...sectionsOf(text, 3)]
		.filter(([, body]) => body.includes('```mermaid'))
		.map(([heading]) => heading);
	expect(headings.sort()).toEqual([...Object.keys(enums), 'Claim of a check: the verdicts of `claim_checks`'].sort());
});

test('every name with underscores in code font is in the database', async () => {
	const { rows } = await database.pool.query<{ name: string }>(`
		select proname::text as name from pg_proc
		union select relname::text from pg_class
		union select attname::text from pg_attribute
		union select conname::text from pg_constraint
		union select rolname::text from pg_roles`);
	const known = new Set(rows.map(({ name }) => name));
	const named = codeWordsOf(text).filter((word) => /^[a-z]+(_[a-z0-9]+)+$/.test(word));
	// A queue and a channel, a setting, a parameter, a folder.
	const elsewhere = ['check_manual', 'botbox_trades', 'search_path', 'p_now', 'node_modules'];
	expect(named.filter((word) => !known.has(word) && !elsewhere.includes(word))).toEqual([]);
	expect(named.length).toBeGreaterThan(40);
});

test('every file in code font exists', () => {
	const named = codeWordsOf(text).filter((word) => /^(src|db|test|docs|bin)\/|^\.[a-z-]+\.cjs$/.test(word));
	expect(named.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
	expect(named.length).toBeGreaterThan(15);
});

test('every function and constant in code font is in the source', () => {
	const source = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })
		.filter((path) => path.endsWith('.ts'))
		.map((path) => readFileSync(join(repository, 'src', path), 'utf8'))
		.join('\n');
	const named = codeWordsOf(text)
		.map((word) => word.split('.')[0] ?? '')
		.filter((word) => /^[a-z]+([A-Z][a-z]+)+$/.test(word));
	expect(named.filter((word) => !new RegExp(`\\b${word}\\b`).test(source))).toEqual([]);
	expect(named.length).toBeGreaterThan(20);
});

test('the times are those of the code, and the grace period covers the rest', () => {
	const times = new Map(
		tableOf(text, 'what', 'how long', 'where').map(([what = '', howLong = '']) => [what, ms(howLong)]),
	);
	expect(times.get('lease of a check')).toBe(checkLeaseMs);
	expect(times.get('expiry of its pg-boss job')).toBe(checkLeaseSeconds * 1_000);
	expect(times.get('data too old to decide on')).toBe(maxDataAgeMs);
	expect(times.get('lease of a trade')).toBe(tradeLeaseMs);
	expect(times.get('grace period of an unknown order')).toBe(graceMs);
	const longest = ['lease of a trade', 'receive window', 'timeout of a request'].reduce(
		(sum, what) => sum + (times.get(what) ?? Number.NaN),
		0,
	);
	expect(graceMs).toBeGreaterThan(longest);
});

test.each([
	'README.md',
	'ARCHITECTURE.md',
	'CONTRIBUTING.md',
	'CHANGELOG.md',
	'docs/configuration.md',
	'docs/cli.md',
	'docs/alerts.md',
	'docs/approvals.md',
	'docs/metrics.md',
	'docs/operations.md',
	'docs/getting-started.md',
	'docs/concepts.md',
	'docs/going-live.md',
	'docs/reporting.md',
	'docs/risk.md',
	'docs/failure-drills.md',
	'docs/api.md',
])('the links of %s lead somewhere', (path) => {
	const targets = [...readDocument(path).matchAll(/(?<!!)\[[^\]]*\]\(([^)]+)\)/g)].map((match) => match[1] ?? '');
	for (const target of targets.filter((link) => !link.startsWith('http'))) {
		const [file = '', anchor] = target.split('#');
		const linked = file === '' ? path : join(dirname(path), file);
		expect(existsSync(join(repository, linked)), target).toBe(true);
		if (anchor !== undefined) expect(anchorsOf(readDocument(linked)), target).toContain(anchor);
	}
});

function statesUnder(heading: string): string[] {
	const states = movesUnder(heading)
		.flat()
		.filter((state) => state !== '[*]');
	return [...new Set(states)].sort();
}

function movesUnder(heading: string): [from: string, to: string][] {
	const diagram = /```mermaid\nstateDiagram-v2\n([\s\S]*?)```/.exec(sectionsOf(text, 3).get(heading) ?? '')?.[1] ?? '';
	return diagram.split('\n').flatMap((line): [string, string][] => {
		const [, from, to] = /^\s*(\S+) --> (\S+?)(?::|$)/.exec(line) ?? [];
		return from === undefined || to === undefined ? [] : [[from, to]];
	});
}

/** The first time in a cell, such as `20 s, nothing is sent in the last 2 s`. */
function ms(cell: string): number {
	const match = /^(\d+) (s|min)\b/.exec(cell);
	return Number(match?.[1]) * (match?.[2] === 'min' ? 60_000 : 1_000);
}

/** As GitHub makes them. */
function anchorsOf(document: string): string[] {
	return [...document.matchAll(/^#+ (.+)$/gm)].map((match) =>
		(match[1] ?? '')
			.toLowerCase()
			.replaceAll(/[^\w -]/g, '')
			.replaceAll(' ', '-'),
	);
}
