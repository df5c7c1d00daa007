/** Codes are the same everywhere they stand: reasons in SQL, code and document; errors in code and document. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { reasons } from '../../src/database/reasons.ts';
import { errorRegistry } from '../../src/errors.ts';
import { openBooks } from './books.ts';

const books = openBooks();
const root = new URL('../..', import.meta.url).pathname;

/** Cells of every table row whose first cell is a code, by that code. */
async function codeRows(path: string): Promise<Map<string, string[]>> {
	const rows = new Map<string, string[]>();
	for (const line of (await readFile(join(root, path), 'utf8')).split('\n')) {
		const cells = line.split('|').map((cell) => cell.trim());
		const code = /^`([A-Z_]+)`$/.exec(cells[1] ?? '')?.[1];
		if (code === undefined) continue;
		expect(rows.has(code), `${code} stands twice in ${path}`).toBe(false);
		rows.set(code, cells.slice(2, -1));
	}
	return rows;
}

async function sources(folder: string, ending: RegExp): Promise<{ name: string; text: string }[]> {
	const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
	const files = entries.filter((entry) => entry.isFile() && ending.test(entry.name));
	return await Promise.all(
		files.map(async ({ parentPath, name }) => ({ name, text: await readFile(join(parentPath, name), 'utf8') })),
	);
}

test('reasons are the same in the code, in the database and in the document', async () => {
	const { rows } = await books.pool.query('select code, scope, meaning from reason_codes');
	const inDatabase = Object.fromEntries(rows.map(({ code, scope, meaning }) => [code, { scope, meaning }]));
	expect(inDatabase).toEqual(reasons);
	const documented = [...(await codeRows('docs/reasons.md'))].map(([code, [meaning]]) => [code, meaning]);
	expect(Object.fromEntries(documented)).toEqual(
		Object.fromEntries(Object.entries(reasons).map(([code, { meaning }]) => [code, meaning])),
	);
});

test('the document groups reasons by their scope', async () => {
	const text = await readFile(join(root, 'docs/reasons.md'), 'utf8');
	const sections = text.split(/^## /m).slice(1);
	for (const [code, { scope }] of Object.entries(reasons)) {
		const section = sections.find((part) => part.includes(`| \`${code}\` |`));
		expect(section?.split('\n')[0], code).toBe({ CHECK: 'Checks', SIGNAL: 'Signals', TRADE: 'Trades' }[scope]);
	}
});

/** Literals in the places where a reason stands: arguments, columns, verdicts, comparisons. */
const reasonPlaces = [
	/p_reason_code => '([A-Z_]+)'/g,
	/p_reason_code (?:=|in) \(?'([A-Z_]+)'/g,
	/return row\(\s*'([A-Z_]+)', (?:jsonb|'\{\}')/g,
	/then row\(\s*'([A-Z_]+)', (?!'[A-Z])/g,
	// A decision: its outcome, then its reason.
	/then row\(\s*'[A-Z_]+', '([A-Z_]+)'/g,
	/reason_code = '([A-Z_]+)'/g,
	/coalesce\((?:p_reason_code|v_verdict\.reason_code), '([A-Z_]+)'\)/g,
	/(?:v_verdict :=|else) row\(\s*'([A-Z_]+)'/g,
	/then '([A-Z]+_[A-Z]+)'(?=[^;]* as trigger_reason)/g,
];

test('every reason that a SQL function writes is registered', async () => {
	const used = new Map<string, string>();
	for (const { name, text } of await sources('db/functions', /\.sql$/)) {
		for (const place of reasonPlaces) {
			for (const match of text.matchAll(place)) for (const code of match.slice(1)) used.set(code, name);
		}
	}
	// The expressions do find them: these stand in four different ways.
	expect([...used.keys()]).toEqual(
		expect.arrayContaining([
			...['MAX_POSITIONS', 'NO_POSITION', 'UNRESOLVED', 'TTL_EXPIRED', 'ACCEPTED', 'VOLATILITY_UNKNOWN'],
			...['STOP_LOSS', 'TRAILING_STOP', 'TAKE_PROFIT'],
		]),
	);
	const unknown = [...used].filter(([code]) => !(code in reasons));
	expect(unknown).toEqual([]);
});

test('every reason is used somewhere', async () => {
	const texts = [
		...(await sources('db/functions', /\.sql$/)),
		...(await sources('src/workers', /\.ts$/)),
		...(await sources('src/strategies', /\.ts$/)),
	].map(({ text }) => text);
	// Registered for parts that are still to come.
	const later = new Set(['CHECK_TIMED_OUT']);
	for (const code of Object.keys(reasons)) {
		// ACCOUNT_HALTED and ACCOUNT_REDUCING are put together from the account's status.
		const isUsed = texts.some((text) => text.includes(`'${code}'`)) || code === 'ACCOUNT_REDUCING';
		expect(isUsed || later.has(code), code).toBe(true);
	}
});

test('errors are the same in the code and in the document', async () => {
	const documented = [...(await codeRows('docs/errors.md'))];
	expect(
		Object.fromEntries(documented.map(([code, [status, title]]) => [code, { status: Number(status), title }])),
	).toEqual(errorRegistry);
	for (const [code, [, , advice]] of documented) expect(advice, code).toMatch(/\.$/);
	expect(Object.keys(errorRegistry)).toEqual(Object.keys(errorRegistry).toSorted());
});

test('every error code is raised somewhere', async () => {
	const texts = (await sources('src', /\.tsx?$/)).filter(({ name }) => name !== 'errors.ts').map(({ text }) => text);
	const unused = Object.keys(errorRegistry).filter((code) => !texts.some((text) => text.includes(`'${code}'`)));
	expect(unused).toEqual([]);
});
