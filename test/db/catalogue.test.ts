/** What the database's own catalogue must say of every object that botbox makes. */
import { expect, test } from 'vitest';
import { compareFunctions, findFunctionDrift } from '../../src/database/dev/function-drift.ts';
import { readSources } from '../../src/database/migrate/sources.ts';
import { openBooks } from './books.ts';

const books = openBooks();

/** Rows of one text column: the objects that break a rule. */
async function offenders(sql: string): Promise<string[]> {
	const { rows } = await books.pool.query<{ name: string }>(sql);
	return rows.map(({ name }) => name);
}

const ownFunctions = `
	pg_proc p where p.pronamespace = 'botbox'::regnamespace
	and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')`;

test('every function has exactly its wrapper, or is called by other functions only', async () => {
	expect(await findFunctionDrift(books)).toEqual([]);
});

test('the comparison sees a difference in either direction', () => {
	const wrapper = { name: 'f', args: { botId: 'bigint', now: 'timestamptz?' }, returns: { id: 'bigint' } } as const;
	const found = {
		name: 'f',
		source: '',
		returns: 'record',
		returns_set: true,
		args: [
			{ name: 'p_bot_id', type: 'bigint', optional: false },
			{ name: 'p_now', type: 'timestamp with time zone', optional: true },
		],
		columns: [{ name: 'id', type: 'bigint' }],
	};
	expect(compareFunctions([wrapper], [], [found])).toEqual([]);
	expect(compareFunctions([], [], [found])).toHaveLength(1);
	expect(compareFunctions([wrapper], [], [])).toHaveLength(1);
	expect(compareFunctions([wrapper], ['f'], [found])).not.toEqual([]);
	expect(compareFunctions([], ['f'], [found])).toEqual(['f is listed as internal and no function calls it']);
	const changes = [
		{ args: found.args.slice(0, 1) },
		{ args: found.args.map((arg) => ({ ...arg, optional: true })) },
		{ args: [...found.args, { name: 'p_more', type: 'text', optional: true }] },
		{ columns: [{ name: 'id', type: 'text' }] },
		{ columns: [...found.columns, { name: 'more', type: 'text' }] },
	];
	for (const change of changes) expect(compareFunctions([wrapper], [], [{ ...found, ...change }])).not.toEqual([]);
});

test('every function says what it is for and pins its search path, or had its names bound when it was made', async () => {
	const sloppy = await offenders(`
		select p.proname as name from ${ownFunctions}
		and (obj_description(p.oid, 'pg_proc') is null
			or p.prosqlbody is null and not coalesce('search_path=botbox, pg_temp' = any (p.proconfig), false))`);
	expect(sloppy).toEqual([]);
});

test('every file of db/functions holds one function, named after it, with its search path written down or its names bound', async () => {
	const { functions } = await readSources();
	expect(functions.length).toBeGreaterThan(80);
	for (const { name, sql } of functions) {
		const made = [...sql.matchAll(/^create (?:or replace )?function botbox\.(\w+)\(/gm)].map(
			(match) => `${match[1]}.sql`,
		);
		expect(made).toEqual([name]);
		expect(sql.match(/^(set search_path = botbox, pg_temp|begin atomic)$/gm), name).toHaveLength(1);
		expect(sql.match(/^comment on function botbox\./gm), name).toHaveLength(1);
	}
});

test('functions that read and write act for their caller; immutable ones stay plain, so that they can be inlined', async () => {
	const wrong = await offenders(`
		select p.proname as name from ${ownFunctions} and p.prosecdef = (p.provolatile = 'i')`);
	expect(wrong).toEqual([]);
	// A setting of its own would keep a function of SQL from being inlined as much as other rights would.
	const called = await offenders(`
		select p.proname as name from ${ownFunctions} and p.provolatile = 'i'
		and p.prolang = (select l.oid from pg_language l where l.lanname = 'sql') and p.proconfig is not null`);
	expect(called).toEqual([]);
	const { rows } = await books.pool.query<Record<'QUERY PLAN', string>>(
		`explain (verbose, costs off) select next_grid_point(b.next_check_at, b.interval_minutes) from bots b`,
	);
	expect(rows.map((row) => row['QUERY PLAN']).join('\n')).not.toContain('next_grid_point');
});

test('a function that writes is volatile, one that only reads is not', async () => {
	const { rows } = await books.pool.query<{ name: string; volatility: string; source: string }>(
		`select p.proname as name, p.provolatile as volatility, p.prosrc as source from ${ownFunctions}`,
	);
	const volatile = new Set(rows.filter(({ volatility }) => volatility === 'v').map(({ name }) => name));
	// Writes itself, takes locks, notifies, or calls a function that does.
	const writes = (source: string) =>
		/\b(insert into|update \w+|delete from|for (?:no key )?update|pg_notify|create temporary|drop table|pg_advisory|raise exception)\b/.test(
			source.replace(/--.*$/gm, ''),
		) || [...volatile].some((name) => new RegExp(`\\b${name}\\(`).test(source));
	const wrong = rows
		.filter(({ volatility, source }) => (volatility === 'v') !== writes(source))
		.map(({ name }) => name);
	expect(wrong).toEqual([]);
});

test('every schema, table, view, column, type and domain has a comment', async () => {
	const silent = await offenders(`
		select n.nspname::text as name from pg_namespace n
		where n.nspname in ('botbox', 'reporting') and obj_description(n.oid, 'pg_namespace') is null
		union all
		select c.oid::regclass::text from pg_class c
		where c.relnamespace in ('botbox'::regnamespace, 'reporting'::regnamespace) and c.relkind in ('r', 'p', 'v')
		and obj_description(c.oid, 'pg_class') is null
		union all
		select c.oid::regclass || '.' || a.attname from pg_class c
		join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where c.relnamespace in ('botbox'::regnamespace, 'reporting'::regnamespace) and c.relkind in ('r', 'p', 'v')
		and col_description(c.oid, a.attnum) is null
		union all
		select t.oid::regtype::text from pg_type t
		where t.typnamespace = 'botbox'::regnamespace
		and (t.typtype in ('e', 'd') or t.typtype = 'c' and (select relkind from pg_class where oid = t.typrelid) = 'c')
		and obj_description(t.oid, 'pg_type') is null`);
	expect(silent).toEqual([]);
});

test('comments of columns are sentences', async () => {
	const { rows } = await books.pool.query<{ name: string; meaning: string }>(`
		select c.oid::regclass || '.' || a.attname as name, col_description(c.oid, a.attnum) as meaning from pg_class c
		join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where c.relnamespace in ('botbox'::regnamespace, 'reporting'::regnamespace) and c.relkind in ('r', 'v')`);
	expect(rows.length).toBeGreaterThan(500);
	expect(rows.filter(({ meaning }) => !/^[\p{Lu}\d'"c].+\.$/u.test(meaning))).toEqual([]);
});

test('every foreign key says what a deletion does and has an index', async () => {
	const wrong = await offenders(`
		select f.conrelid::regclass || ' ' || f.conname as name from pg_constraint f
		where f.contype = 'f' and f.connamespace = 'botbox'::regnamespace
		and (f.confdeltype = 'a' or not exists (
			select from pg_index i
			where i.indrelid = f.conrelid
			-- Rows that refer to nothing need not be in it.
			and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = format('(%s IS NOT NULL)', (
				select a.attname from pg_attribute a where a.attrelid = f.conrelid and array[a.attnum] = f.conkey)))
			and (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey))`);
	expect(wrong).toEqual([]);
});

test('times are timestamptz, money and quantities are numeric domains', async () => {
	const columns = await offenders(`
		select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, null) as name
		from pg_class c
		join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where c.relnamespace = 'botbox'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'schema_migrations'`);
	expect(columns.length).toBeGreaterThan(250);
	const times = columns.filter((column) => /(_at|_until|_since|_deadline|_to)\b/.test(column.split(' ')[0] ?? ''));
	expect(times.filter((column) => !column.endsWith('timestamp with time zone'))).toEqual([]);
	expect(columns.filter((column) => /timestamp without|\bmoney$/.test(column))).toEqual([]);
	const floats = columns
		.filter((column) => /(real|double precision)$/.test(column))
		.map((column) => column.split(' ')[0]);
	// Scores and statistics are floats, and so are durations; nothing that is bought, sold or owed.
	expect(floats.toSorted()).toEqual([
		'check_hours.duration_ms_max',
		'check_hours.duration_ms_total',
		'check_hours.late_ms_max',
		'check_minutes.duration_ms_max',
		'check_minutes.duration_ms_total',
		'check_minutes.late_ms_max',
		'checks.duration_ms',
		'checks.score',
		'correlations.rho',
		'exchanges.clock_offset_ms',
		'signals.score',
		'ticks.duration_ms',
	]);
	const money =
		/\.(\w*(price|quantity|notional|capital|pnl|fee|fees|funding|amount|booked|volume)|open|high|low|close|bid|ask|last|mark)$/;
	const plain = columns.filter(
		(column) => money.test(column.split(' ')[0] ?? '') && !/ (price|quantity|amount)$/.test(column),
	);
	expect(plain).toEqual([]);
});

test('constraints and indexes have names that somebody chose', async () => {
	const generated = await offenders(`
		select conname as name from pg_constraint
		where connamespace = 'botbox'::regnamespace and contype = 'c' and conname ~ ('^' || conrelid::regclass || '_.*check\\d*$')
		union all
		select c.relname from pg_class c where c.relnamespace = 'botbox'::regnamespace and c.relkind = 'i' and c.relname ~ '_idx\\d*$'`);
	expect(generated).toEqual([]);
});
