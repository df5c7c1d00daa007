/** `migrate` on small schemas of the test's own: what it applies, drops, grants and refuses. */
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { startEmbedded } from '../../src/database/embedded/server.ts';
import { dbmateUrl } from '../../src/database/migrate/dbmate.ts';
import { migrate, requireMatchingSchema } from '../../src/database/migrate/migrate.ts';
import { packagedDirectory, readSources } from '../../src/database/migrate/sources.ts';
import { createPool } from '../../src/database/pool.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { startScript } from '../support/script.ts';

const installation = `-- migrate:up
create schema if not exists botbox;
create schema if not exists reporting;
create table botbox.installation (
	singleton boolean primary key default true check (singleton),
	installation_id text not null,
	schema_fingerprint text,
	migrated_at timestamptz,
	timescaledb text
);
create table botbox.things (id bigint generated always as identity primary key, name text not null);
create view reporting.thing_names as select name from botbox.things;
`;

let database: TestDatabase;
let directory: string;
let lines: string[];
beforeEach(async () => {
	database = await createEmptyDatabase();
	directory = await mkdtemp(join(tmpdir(), 'botbox-migrate-'));
	lines = [];
	await mkdir(join(directory, 'migrations'));
	await mkdir(join(directory, 'functions'));
	await migration('20260101000001_installation', installation);
});
afterEach(async () => {
	await database.drop();
	await rm(directory, { recursive: true, force: true });
});

const migration = (name: string, sql: string) =>
	writeFile(
		join(directory, 'migrations', `${name}.sql`),
		`${sql}
-- migrate:down
`,
	);
const sqlFunction = (name: string, sql: string) => writeFile(join(directory, 'functions', `${name}.sql`), sql);
const run = () => migrate({ url: database.url, directory, log: (line) => lines.push(line) });

async function names(): Promise<string[]> {
	const { rows } = await database.pool.query<{ name: string }>(
		`select p.oid::regprocedure::text as name from pg_proc p where p.pronamespace = 'botbox'::regnamespace order by 1`,
	);
	return rows.map((row) => row.name);
}

describe('a run', () => {
	test('applies everything once; the second says that there is nothing to do', async () => {
		await sqlFunction(
			'add_thing',
			'create or replace function botbox.add_thing(p_name text) returns bigint language sql as $$ insert into things (name) values (p_name) returning id $$;',
		);
		const first = await run();
		expect(first).toMatchObject({ changed: true, migrations: ['20260101000001_installation.sql'], functions: 1 });
		const id = (await database.pool.query('select installation_id from installation')).rows[0].installation_id;
		expect(id).toMatch(/^[a-z0-9]{6}$/);

		lines.length = 0;
		const second = await run();
		expect(second).toMatchObject({ changed: false, migrations: [], functions: 0, fingerprint: first.fingerprint });
		expect(lines).toEqual(['nothing to do: the schema is that of this version']);

		await migration('20260101000002_more', '-- migrate:up\ncreate table botbox.more ();');
		const third = await run();
		expect(third.migrations).toEqual(['20260101000002_more.sql']);
		expect(third.fingerprint).not.toBe(first.fingerprint);
		expect((await database.pool.query('select installation_id from installation')).rows[0].installation_id).toBe(id);
	});

	test('that fails in a migration applies nothing of that file, says where, and the repaired one goes on', async () => {
		await migration(
			'20260101000002_half',
			'-- migrate:up\ncreate table botbox.half ();\ncreate table nowhere.at_all ();',
		);
		await expect(run()).rejects.toThrow(/migration failed: .*nowhere/);
		const found = await database.pool.query(
			`select to_regclass('botbox.half') as half, to_regclass('botbox.things') as things`,
		);
		expect(found.rows).toEqual([{ half: null, things: 'things' }]);
		await migration('20260101000002_half', '-- migrate:up\ncreate table botbox.half ();');
		expect((await run()).migrations).toEqual(['20260101000002_half.sql']);
	});

	test('of an older version is refused', async () => {
		await migration('20260101000002_newer', '-- migrate:up\ncreate table botbox.newer ();');
		await run();
		await rm(join(directory, 'migrations', '20260101000002_newer.sql'));
		await expect(run()).rejects.toMatchObject({
			code: 'SCHEMA_MISMATCH',
			message: expect.stringContaining('(20260101000002)'),
		});
	});

	test('never shows the password', async () => {
		const url = new URL(database.url);
		await migration('20260101000002_bad', '-- migrate:up\nselect broken;');
		const error = await run().catch((caught: Error) => caught);
		expect(`${error} ${lines.join()}`).not.toContain(decodeURIComponent(url.password) || 'no password');
	});
});

describe('functions', () => {
	test('renamed, removed and retyped ones leave nothing stale; their order does not matter', async () => {
		await sqlFunction(
			'a_first',
			'create function botbox.a_first() returns int language sql as $$ select b_second(1) $$;',
		);
		await sqlFunction(
			'b_second',
			'create function botbox.b_second(p_n int) returns int language sql as $$ select p_n $$;',
		);
		await run();
		expect(await names()).toEqual(['a_first()', 'b_second(integer)']);
		await rm(join(directory, 'functions', 'a_first.sql'));
		await sqlFunction(
			'b_second',
			'create function botbox.b_second(p_n bigint) returns text language sql as $$ select p_n::text $$;',
		);
		await run();
		expect(await names()).toEqual(['b_second(bigint)']);
	});

	test('one that a trigger needs is replaced in place, and one that a constraint needs stays', async () => {
		await migration(
			'20260101000002_guarded',
			`-- migrate:up
			create function botbox.is_short(p_name text) returns boolean immutable language sql as $$ select length(p_name) < 5 $$;
			create function botbox.stamp() returns trigger language plpgsql as $$ begin new.name := 'old'; return new; end $$;
			alter table botbox.things add constraint name_is_short check (botbox.is_short(name));
			create trigger stamp before insert on botbox.things for each row execute function botbox.stamp();`,
		);
		await sqlFunction(
			'stamp',
			`create or replace function botbox.stamp() returns trigger language plpgsql as $$ begin new.name := 'new'; return new; end $$;`,
		);
		await run();
		expect(await names()).toEqual(['is_short(text)', 'stamp()']);
		expect((await database.pool.query(`insert into things (name) values ('x') returning name`)).rows).toEqual([
			{ name: 'new' },
		]);
	});

	test('a broken body fails the run, names the function, and leaves the old set in place', async () => {
		await sqlFunction('good', 'create or replace function botbox.good() returns int language sql as $$ select 1 $$;');
		await run();
		await sqlFunction(
			'bad',
			'create or replace function botbox.bad() returns int language sql as $$ select missing from things $$;',
		);
		await sqlFunction('good', 'create or replace function botbox.good() returns int language sql as $$ select 2 $$;');
		await expect(run()).rejects.toThrow(/function botbox\.bad\(\): column "missing" does not exist/);
		expect((await database.pool.query('select good()')).rows).toEqual([{ good: 1 }]);
		await sqlFunction('bad', 'create or replace function botbox.bad() returns int\nlanguage nonsense as $$ $$;');
		await expect(run()).rejects.toThrow(/db\/functions\/bad\.sql.*: language "nonsense" does not exist/);
	});
});

describe('roles', () => {
	test('botbox_app writes through functions only and changes no schema; botbox_readonly sees reporting only', async () => {
		await sqlFunction(
			'add_thing',
			'create or replace function botbox.add_thing(p_name text) returns bigint language sql as $$ insert into things (name) values (p_name) returning id $$;',
		);
		await sqlFunction(
			'double',
			'create or replace function botbox.double(p_n int) returns int immutable language sql as $$ select 2 * p_n $$;',
		);
		await run();
		const app = createPool({ url: database.url, applicationName: 'app', role: 'botbox_app' });
		const reader = createPool({ url: database.url, applicationName: 'reader', role: 'botbox_readonly' });
		const denied = { code: '42501' };
		try {
			expect((await app.query(`select add_thing('x') as id, double(2)`)).rows).toEqual([{ id: 1, double: 4 }]);
			expect((await app.query('select name from things')).rows).toEqual([{ name: 'x' }]);
			expect((await app.query('select name from reporting.thing_names')).rows).toEqual([{ name: 'x' }]);
			for (const statement of [
				`insert into things (name) values ('y')`,
				`update things set name = 'y'`,
				'delete from things',
				'truncate things',
				'drop table things',
				'create table botbox.mine ()',
				'create table reporting.mine ()',
				'create table pgboss.mine ()',
				'create or replace function botbox.double(p_n int) returns int language sql as $$ select 0 $$',
				`update installation set schema_fingerprint = 'x'`,
			]) {
				await expect(app.query(statement), statement).rejects.toMatchObject(denied);
			}
			expect((await reader.query('select name from reporting.thing_names')).rows).toEqual([{ name: 'x' }]);
			for (const statement of [
				'select * from botbox.things',
				'select botbox.double(1)',
				`select botbox.add_thing('z')`,
				'select * from pgboss.queue',
				'create table reporting.mine ()',
				'update reporting.thing_names set name = null',
			]) {
				await expect(reader.query(statement), statement).rejects.toMatchObject(denied);
			}
		} finally {
			await app.end();
			await reader.end();
		}
	});

	test('a user who may not create roles is warned, and everything else is done', async () => {
		// A server of its own: the group roles belong to the whole server, and the shared one has them.
		await chmod(directory, 0o711);
		const server = await startEmbedded({ dataDir: join(directory, 'data') });
		const admin = createPool({ url: server.url, applicationName: 'admin' });
		try {
			await admin.query(`create role plain login password 'secret'`);
			await admin.query('grant all on database botbox to plain');
			const url = new URL(server.url);
			url.username = 'plain';
			url.password = 'secret';
			const migrateAsPlain = () => migrate({ url: url.href, directory, log: (line) => lines.push(line) });
			expect((await migrateAsPlain()).changed).toBe(true);
			const warning = 'warning: this user may not create roles, so botbox_app and botbox_readonly do not exist';
			expect(lines.filter((line) => line.startsWith(warning))).toHaveLength(1);
			expect((await migrateAsPlain()).changed).toBe(false);
			// As soon as he may, the next run makes up for it.
			await admin.query('alter role plain createrole');
			expect((await migrateAsPlain()).changed).toBe(true);
			expect((await admin.query(`select from pg_roles where rolname like 'botbox\\_%'`)).rowCount).toBe(2);
			expect((await migrateAsPlain()).changed).toBe(false);
		} finally {
			await admin.end();
			await server.stop();
		}
	});
});

describe('the schema fingerprint', () => {
	test('does not depend on the working directory, and on every name and content', async () => {
		const { fingerprint } = await readSources(directory);
		await sqlFunction('f', 'select 1;');
		const withFunction = (await readSources(directory)).fingerprint;
		await rm(join(directory, 'functions', 'f.sql'));
		await sqlFunction('g', 'select 1;');
		const renamed = (await readSources(directory)).fingerprint;
		expect(new Set([fingerprint, withFunction, renamed]).size).toBe(3);
		await rm(join(directory, 'functions', 'g.sql'));
		expect((await readSources(directory)).fingerprint).toBe(fingerprint);
	});

	test('a process refuses an empty database and one of another version, and says what to run', async () => {
		await expect(requireMatchingSchema(database.pool)).rejects.toMatchObject({
			code: 'SCHEMA_MISMATCH',
			message: 'the database has no botbox schema yet: run botbox migrate',
		});
		await run();
		await expect(requireMatchingSchema(database.pool)).rejects.toMatchObject({
			code: 'SCHEMA_MISMATCH',
			message: expect.stringMatching(/another version of botbox: run botbox migrate/),
		});
	});
});

describe('the schema of this version', () => {
	test('is made once by four processes that start at once, from any working directory', async () => {
		const script = `
			import { migrate } from 'botbox:src/database/migrate/migrate.ts';
			process.stdin.once('data', async () => {
				const report = await migrate({ url: process.env.URL });
				console.log('answer', report.changed, report.migrations.length);
			});
			console.log('ready');
		`;
		const scripts = Array.from({ length: 4 }, () => startScript(script, { URL: database.url }, { cwd: '/' }));
		await Promise.all(scripts.map((each) => each.line('ready')));
		for (const each of scripts) each.child.stdin.end('go\n');
		const answers = await Promise.all(scripts.map((each) => each.line(/^answer /)));
		const exits = await Promise.all(scripts.map((each) => each.exit));
		expect(exits.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
		const { migrations } = await readSources(packagedDirectory);
		expect(answers.sort()).toEqual([
			...Array.from({ length: 3 }, () => 'answer false 0'),
			`answer true ${migrations.length}`,
		]);
		await requireMatchingSchema(database.pool);
	});

	test('survives a function added by a later version', async () => {
		await rm(directory, { recursive: true });
		await cp(packagedDirectory, directory, { recursive: true });
		await run();
		const before = await names();
		await sqlFunction(
			'zz_later',
			'create or replace function botbox.zz_later() returns int language sql as $$ select 1 $$;',
		);
		await run();
		expect(await names()).toEqual([...before, 'zz_later()'].sort());
	});
});

describe('the URL for dbmate', () => {
	test.each([
		['postgres://u:p@h/d', false, 'disable'],
		['postgres://u:p@h/d?sslmode=no-verify', true, 'require'],
		['postgres://u:p@h/d?sslmode=verify-full&sslrootcert=/ca.pem', true, 'verify-full'],
		['postgres://u:p@h/d?sslmode=prefer&uselibpqcompat=true', false, 'disable'],
	])('%s', (url, encrypted, mode) => {
		const parsed = new URL(dbmateUrl(url, encrypted));
		expect(parsed.searchParams.get('sslmode')).toBe(mode);
		expect(parsed.searchParams.has('uselibpqcompat')).toBe(false);
		expect(parsed.searchParams.get('sslrootcert')).toBe(url.includes('ca.pem') ? '/ca.pem' : null);
		expect(parsed.searchParams.get('search_path')).toBe('botbox,public');
	});
});

test('a server that is away is said to be, in one line', async () => {
	await expect(migrate({ url: 'postgres://u:secret@127.0.0.1:1/d', directory })).rejects.toMatchObject({
		code: 'DATABASE_UNAVAILABLE',
		message: expect.stringMatching(/^the database cannot be reached: .*ECONNREFUSED/),
	});
});

afterAll(async () => {
	// Connections that the runs above left open would show here; a closed one is seen until its server process has ended.
	const client = new pg.Client({ connectionString: inject('adminUrl') });
	await client.connect();
	try {
		await vi.waitFor(
			async () => {
				const { rows } = await client.query(
					`select application_name, state, query from pg_stat_activity where datname = $1`,
					[database.name],
				);
				expect(rows).toEqual([]);
			},
			{ timeout: 20_000, interval: 50 },
		);
	} finally {
		await client.end();
	}
});
