/** Who may do what: tried out under each role, one statement in a transaction that is rolled back. */
import { expect, test } from 'vitest';
import { roles } from '../../src/database/migrate/grants.ts';
import { openBooks } from './books.ts';

const books = openBooks();
type Role = (typeof roles)[number];

/** SQLSTATE of the statement under that role; undefined when it is allowed. */
async function attempt(role: Role, sql: string): Promise<string | undefined> {
	const client = await books.pool.connect();
	try {
		await client.query(`begin; set local role ${role}`);
		return await client.query(sql).then(
			() => undefined,
			(error: { code?: string }) => error.code,
		);
	} finally {
		await client.query('rollback');
		client.release();
	}
}

async function names(sql: string): Promise<string[]> {
	const { rows } = await books.pool.query<{ name: string }>(sql);
	return rows.map(({ name }) => name);
}

const relations = (schema: string, kinds: string) => `
	select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where n.nspname = '${schema}' and c.relkind in (${kinds}) order by 1`;
const denied = '42501';

test('botbox_readonly reads every view of reporting', async () => {
	const views = await names(relations('reporting', `'v'`));
	expect(views.length).toBeGreaterThan(15);
	for (const view of views)
		expect(await attempt('botbox_readonly', `select * from ${view} limit 1`), view).toBeUndefined();
});

test('botbox_readonly reads nothing else, changes nothing and calls nothing', async () => {
	const tables = [...(await names(relations('botbox', `'r', 'p'`))), ...(await names(relations('pgboss', `'r', 'p'`)))];
	expect(tables.length).toBeGreaterThan(35);
	for (const table of tables)
		expect(await attempt('botbox_readonly', `select 1 from ${table} limit 1`), table).toBe(denied);
	expect(await attempt('botbox_readonly', 'select * from botbox.check_ledger()')).toBe(denied);
	expect(await attempt('botbox_readonly', `select botbox.next_grid_point(now(), 5)`)).toBe(denied);
	expect(await attempt('botbox_readonly', `update reporting.alerts set message = ''`)).toBe(denied);
	expect(await attempt('botbox_readonly', 'delete from reporting.pauses')).toBe(denied);
});

test('botbox_app reads tables and views and changes them through functions only', async () => {
	for (const table of await names(relations('botbox', `'r', 'p'`))) {
		expect(await attempt('botbox_app', `select 1 from ${table} limit 1`), table).toBeUndefined();
		expect(await attempt('botbox_app', `delete from ${table}`), table).toBe(denied);
		expect(await attempt('botbox_app', `insert into ${table} default values`), table).toBe(denied);
		expect(await attempt('botbox_app', `truncate ${table}`), table).toBe(denied);
	}
	expect(await attempt('botbox_app', `update botbox.accounts set capital = 1`)).toBe(denied);
	expect(await attempt('botbox_app', `select botbox.pause_entries('ALL', 'drill')`)).toBeUndefined();
	expect(await attempt('botbox_app', `select * from reporting.overview`)).toBeUndefined();
});

test('botbox_app may call every function of botbox', async () => {
	const closed = await names(`
		select p.proname as name from pg_proc p
		where p.pronamespace = 'botbox'::regnamespace and not has_function_privilege('botbox_app', p.oid, 'execute')`);
	expect(closed).toEqual([]);
});

test('botbox_app uses the tables of pg-boss', async () => {
	for (const table of await names(relations('pgboss', `'r', 'p'`))) {
		const allowed = await names(
			`select p as name from unnest('{select,insert,update,delete}'::text[]) p where has_table_privilege('botbox_app', '${table}', p)`,
		);
		expect(allowed, table).toHaveLength(4);
	}
});

test.each(roles)('%s creates, alters and drops nothing', async (role) => {
	for (const schema of ['botbox', 'reporting', 'pgboss', 'public']) {
		expect(await attempt(role, `create table ${schema}.mine (id integer)`), schema).toBe(denied);
		expect(await attempt(role, `create view ${schema}.mine as select 1 as one`), schema).toBe(denied);
		expect(await attempt(role, `create function ${schema}.mine() returns integer language sql return 1`), schema).toBe(
			denied,
		);
	}
	expect(await attempt(role, 'create schema mine')).toBe(denied);
	expect(await attempt(role, 'create role mine')).toBe(denied);
	for (const statement of [
		'alter table botbox.bots add column mine integer',
		'drop table botbox.bots cascade',
		'drop view reporting.overview cascade',
		'alter table botbox.fills disable trigger all',
		`create or replace function botbox.next_grid_point(p_at timestamptz, p_interval_minutes integer) returns timestamptz language sql return now()`,
	]) {
		expect(await attempt(role, statement), statement).toBe(denied);
	}
});

test('PUBLIC has nothing in any of the schemas', async () => {
	const open = await names(`
		select n.nspname as name from pg_namespace n, aclexplode(n.nspacl) a
		where n.nspname in ('botbox', 'reporting', 'pgboss') and a.grantee = 0
		union all
		select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
		where n.nspname in ('botbox', 'reporting', 'pgboss') and a.grantee = 0
		union all
		select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
		where n.nspname in ('botbox', 'reporting', 'pgboss') and a.grantee = 0`);
	expect(open).toEqual([]);
});
