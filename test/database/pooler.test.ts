/** What is told where a pooler lies between: what needs a session and gets none, and settings that do not arrive. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi } from '../../src/api/server.ts';
import { readConfig } from '../../src/config.ts';
import { migrate } from '../../src/database/migrate/migrate.ts';
import { createPool } from '../../src/database/pool.ts';
import { findPooling, hearsNotifications, requireSettings } from '../../src/database/pooler.ts';
import { createLogger } from '../../src/logger.ts';
import { startWorker } from '../../src/workers/main.ts';
import { runCommand } from '../cli/command.ts';
import { readDocument } from '../docs/markdown.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
	administerPooler,
	createPooledUser,
	documentedSettings,
	type PooledUser,
	poolerUrl,
	whySkipped,
} from '../support/pooler.ts';

let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

interface Finding {
	readonly ok: boolean;
	readonly says: string;
	readonly mend?: string;
}

/** Findings of `botbox doctor` with these addresses. */
async function examine(env: Readonly<Record<string, string>>): Promise<Readonly<Record<string, Finding>>> {
	const { stdout } = await runCommand(['doctor', '--json'], {
		BOTBOX_DATA_DIR: '/nowhere',
		BOTBOX_MASTER_KEY: '',
		...env,
	});
	const all = JSON.parse(stdout) as (Finding & { name: string })[];
	return Object.fromEntries(all.map((finding) => [finding.name, finding]));
}

describe('straight to the server', () => {
	test('nothing lies between, notifications arrive, and settings are there', async () => {
		expect(await findPooling(database.url)).toBe('none');
		expect(await hearsNotifications(database.pool, database.url, 30_000)).toBe(true);
		const { sessions, settings, pooler } = await examine({ DATABASE_URL: database.url });
		expect(sessions).toMatchObject({ ok: true, says: expect.stringMatching(/straight to the server/) });
		expect(settings).toMatchObject({ ok: true });
		expect(pooler).toBeUndefined();
	});

	test.each([
		['search_path', 'public', /search_path is public instead of botbox/],
		['timezone', 'Asia/Tokyo', /timezone is Asia\/Tokyo instead of UTC/],
		['statement_timeout', '0', /statement_timeout is 0 instead of 30s/],
	])('a process without %s is refused, and told what to run', async (name, value, says) => {
		const pool = createPool({ url: database.url, max: 1, applicationName: 'test settings', statementTimeoutMs: 1_000 });
		try {
			await expect(requireSettings(pool)).resolves.toBeUndefined();
			await pool.query(`set ${name} = '${value}'`);
			const refused = expect(requireSettings(pool)).rejects;
			await refused.toMatchObject({ code: 'CONFIGURATION_INVALID', message: expect.stringMatching(says) });
			await expect(requireSettings(pool)).rejects.toThrow(
				/alter role "?\w+"? in database \S+ set search_path = botbox/,
			);
		} finally {
			await pool.end();
		}
	});

	test('the guide gives a user the settings that are asked for', () => {
		const guide = readDocument('docs/operations.md');
		for (const setting of documentedSettings)
			expect(guide).toContain(`alter role botbox_pooled in database botbox set ${setting};`);
	});
});

describe.skipIf(poolerUrl === '')(`through PgBouncer in transaction mode${whySkipped}`, () => {
	let user: PooledUser;
	beforeAll(async () => {
		user = await createPooledUser(database);
	});
	afterAll(() => user.drop());

	test('the mode is recognised, and so is a notification that does not arrive', async () => {
		expect(await findPooling(user.url)).toBe('transaction');
		expect(await hearsNotifications(database.pool, user.url, 500)).toBe(false);
	});

	test('migrate refuses it', async () => {
		const { code, stderr } = await runCommand(['migrate'], { DATABASE_URL: user.url });
		expect([code, stderr]).toEqual([
			1,
			expect.stringMatching(/^botbox: DATABASE_URL leads to a pooler .*DATABASE_DIRECT_URL/),
		]);
	});

	test('a command without the direct address says what is missing, and with it goes past the pooler', async () => {
		const without = await runCommand(['bots', 'list'], { DATABASE_URL: user.url });
		expect(without.stderr).toMatch(
			/^botbox: DATABASE_URL leads to a pooler \(unsupported startup parameter.*DATABASE_DIRECT_URL/,
		);
		expect(without.stderr.trim().split('\n')).toHaveLength(1);
		const both = { DATABASE_URL: user.url, DATABASE_DIRECT_URL: database.url };
		expect(await runCommand(['bots', 'list'], both)).toMatchObject({ code: 0, stderr: '' });
		expect(await runCommand(['migrate'], both)).toMatchObject({ code: 0, stdout: 'nothing to do\n' });
	});

	test('doctor is content with the guide', async () => {
		const { sessions, pooler, settings } = await examine({ DATABASE_URL: user.url, DATABASE_DIRECT_URL: database.url });
		expect(sessions).toMatchObject({ ok: true });
		expect(pooler).toMatchObject({ ok: true, says: expect.stringContaining(`in transaction mode, as ${user.name}`) });
		expect(pooler!.says).not.toContain(new URL(user.url).password);
		expect(settings).toBeUndefined();
	});

	test('doctor tells a direct address that is the pooler too', async () => {
		const both = { DATABASE_URL: user.url, DATABASE_DIRECT_URL: user.url };
		const { database: refused } = await examine(both);
		expect(refused).toMatchObject({ ok: false, says: expect.stringMatching(/^DATABASE_DIRECT_URL leads to a pooler/) });
		await withIgnoredOptions(async () => {
			const { sessions, pooler } = await examine(both);
			const mend = expect.stringMatching(/set DATABASE_DIRECT_URL to the server's own address/);
			expect(sessions).toMatchObject({
				ok: false,
				says: expect.stringMatching(/transaction mode, where notifications/),
				mend,
			});
			expect(pooler).toMatchObject({ ok: true });
			await expect(migrate({ url: user.url })).rejects.toThrow(/pooler in transaction mode.*set DATABASE_DIRECT_URL/);
		});
	});

	test('settings that a pooler takes and drops are told by doctor, and by whoever starts', async () => {
		const bare = await createPooledUser(database, []);
		try {
			await withIgnoredOptions(async () => {
				const { settings, sessions } = await examine({ DATABASE_URL: bare.url });
				expect(sessions).toMatchObject({ ok: false, mend: expect.stringMatching(/set DATABASE_DIRECT_URL/) });
				const says = expect.stringMatching(/search_path is .* instead of botbox, .*statement_timeout is 0/);
				const mend = expect.stringContaining(
					`alter role "${bare.name}" in database "${database.name}" set search_path = botbox;`,
				);
				expect(settings).toMatchObject({ ok: false, says, mend });
				const options = {
					databaseUrl: bare.url,
					config: readConfig({}),
					log: createLogger({ level: 'silent', name: 'test' }),
				};
				const start = startWorker({ ...options, version: '0', masterKey: '', roles: ['monitor'] });
				await expect(start).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
			});
		} finally {
			await bare.drop();
		}
	});

	test('a user who may change the schema is told', async () => {
		const { pooler } = await examine({ DATABASE_URL: poolerUrlOf(database), DATABASE_DIRECT_URL: database.url });
		expect(pooler).toMatchObject({ ok: false, says: expect.stringMatching(/search_path is .*may change the schema/) });
	});

	test('workers and API do not start without the settings', async () => {
		const bare = await createPooledUser(database, documentedSettings.slice(0, 2));
		try {
			const options = {
				databaseUrl: bare.url,
				config: Object.freeze({ ...readConfig({}), port: 0, databaseDirectUrl: database.url }),
				...{ log: createLogger({ level: 'silent', name: 'test' }), version: '0.0.0-test' },
			};
			const lacks = {
				code: 'CONFIGURATION_INVALID',
				message: expect.stringMatching(/lack settings \(statement_timeout is 0/),
			};
			await expect(startWorker({ ...options, masterKey: '', roles: ['monitor'] })).rejects.toMatchObject(lacks);
			await expect(startApi({ ...options, pageDir: null })).rejects.toMatchObject(lacks);
		} finally {
			await bare.drop();
		}
	});
});

/** The pooler accepts start-up options for so long, and does nothing about them. */
async function withIgnoredOptions(work: () => Promise<void>): Promise<void> {
	await administerPooler(`set ignore_startup_parameters = 'options'`);
	try {
		await work();
	} finally {
		await administerPooler(`set ignore_startup_parameters = ''`);
	}
}

/** Through the pooler as the administrator of the server. */
function poolerUrlOf({ name }: TestDatabase): string {
	const url = new URL(poolerUrl);
	url.pathname = `/${name}`;
	return url.href;
}
