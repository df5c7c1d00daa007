import { setImmediate as immediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool, waitForDatabase, withStartupSettings } from '../../src/database/pool.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

describe('values', () => {
	test('numeric stays text, bigint becomes a number, timestamptz a Date, date text', async () => {
		const { rows } = await database.pool.query(
			`select 0.10::numeric(10,2) as money, 9007199254740991::bigint as id, array[1, null]::bigint[] as ids,
				timestamptz '2026-01-02 03:04:05+00' as at, date '2026-01-02' as day, count(*) as n`,
		);
		expect(rows[0]).toEqual({
			money: '0.10',
			id: Number.MAX_SAFE_INTEGER,
			ids: [1, null],
			at: new Date('2026-01-02T03:04:05Z'),
			day: '2026-01-02',
			n: 1,
		});
	});

	test('a bigint that a number cannot hold is refused', async () => {
		await expect(database.pool.query('select 9007199254740992::bigint as id')).rejects.toThrow(/does not fit/);
		// The connection is fit for use afterwards.
		await expect(database.pool.query('select 1')).resolves.toBeDefined();
	});
});

describe('connections', () => {
	test('work in schema botbox, in UTC, with their statement timeout and role', async () => {
		const pool = createPool({
			url: database.url,
			applicationName: 'pool test',
			statementTimeoutMs: 1_234,
			role: 'botbox_app',
		});
		try {
			const { rows } = await pool.query(
				`select current_setting('search_path') as path, current_setting('timezone') as zone, current_user as role,
					current_setting('statement_timeout') as timeout, current_setting('application_name') as name`,
			);
			expect(rows[0]).toEqual({
				path: 'botbox',
				zone: 'UTC',
				role: 'botbox_app',
				timeout: '1234ms',
				name: 'pool test',
			});
		} finally {
			await pool.end();
		}
	});

	test('options of the URL are kept beside ours', () => {
		const url = withStartupSettings('postgres://u:p%40@h:1/d?options=-c%20work_mem%3D1MB', { timezone: 'A B' });
		expect(new URL(url).searchParams.get('options')).toBe('-c work_mem=1MB -c timezone=A\\ B');
		expect(url).not.toContain('+');
	});

	test('a URL of something else is refused without being repeated', () => {
		expect(() => createPool({ url: 'mysql://root:secret@h/d', applicationName: 'x' })).toThrow(
			/^DATABASE_URL must look like postgres:/,
		);
	});

	test('the death of connections, idle or checked out, fails queries and not the process', async () => {
		const pool = createPool({ url: database.url, applicationName: 'doomed' });
		try {
			const held = await pool.connect();
			await pool.query('select 1');
			await database.pool.query(
				`select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'doomed'`,
			);
			await expect(held.query('select 1')).rejects.toThrow();
			held.release(true);
			await waitForDatabase(pool, { signal: AbortSignal.timeout(10_000), log: () => {} });
			await expect(pool.query('select 1')).resolves.toBeDefined();
		} finally {
			await pool.end();
		}
	});
});

describe('waitForDatabase', () => {
	test('says nothing when the database answers', async () => {
		const lines: string[] = [];
		await waitForDatabase(database.pool, { signal: AbortSignal.timeout(5_000), log: (line) => lines.push(line) });
		expect(lines).toEqual([]);
	});

	test('tells the loss once and the return once, whoever waits', async () => {
		const lines: string[] = [];
		let answering = false;
		const pool = createPool({ url: database.url, applicationName: 'outage' });
		const query = pool.query.bind(pool);
		pool.query = ((...args: Parameters<typeof query>) =>
			answering ? query(...args) : Promise.reject(new Error('connection refused'))) as typeof pool.query;
		try {
			const said = Promise.withResolvers<void>();
			const log = (line: string) => {
				lines.push(line);
				said.resolve();
			};
			const options = { signal: AbortSignal.timeout(10_000), log };
			const waiting = Promise.all([waitForDatabase(pool, options), waitForDatabase(pool, options)]);
			await said.promise;
			answering = true;
			await waiting;
			expect(lines).toHaveLength(2);
			expect(lines[0]).toBe('database lost, waiting for it: connection refused');
			expect(lines[1]).toMatch(/^database is back after \d+ s$/);
		} finally {
			await pool.end();
		}
	});

	test('ends when aborted, and another caller goes on waiting', async () => {
		const pool = createPool({ url: 'postgres://nobody@127.0.0.1:1/none', applicationName: 'nowhere' });
		try {
			const first = new AbortController();
			const second = new AbortController();
			const waits = [first, second].map(({ signal }) => waitForDatabase(pool, { signal, log: () => {} }));
			const outcomes = waits.map((wait) => wait.then(() => 'done').catch((error: Error) => error.message));
			first.abort(new Error('first gives up'));
			expect(await outcomes[0]).toBe('first gives up');
			expect(await Promise.race([outcomes[1], immediate('still waiting')])).toBe('still waiting');
			second.abort(new Error('second gives up'));
			expect(await outcomes[1]).toBe('second gives up');
		} finally {
			await pool.end();
		}
	});
});
