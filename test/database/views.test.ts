/** The described views are those of the database, and their pages neither repeat nor lose a row. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { botStatus } from '../../src/database/views/bots.ts';
import '../../src/database/views/alerting.ts';
import '../../src/database/views/activity.ts';
import '../../src/database/views/market.ts';
import '../../src/database/views/operation.ts';
import '../../src/database/views/rollouts.ts';
import { baseType, enumerations } from '../../src/database/views/columns.ts';
import { definedViews, findRow, listRows } from '../../src/database/views/define.ts';
import { positions, trades } from '../../src/database/views/execution.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { queueTrade } from '../support/factories/trading.ts';
import { makeBot, makeInstrument, makeWorld, start, type World } from '../support/factories/world.ts';

let database: TestDatabase;
let world: World;
beforeAll(async () => {
	database = await createTestDatabase();
	world = await makeWorld(database.pool);
	for (let i = 0; i < 7; i++) {
		const bot = await makeBot(database.pool, world, { instrument: await makeInstrument(database.pool), notional: 100 });
		// Within one microsecond of each other, so that a key of milliseconds would lose some.
		await queueTrade(database.pool, bot, { now: start });
		await database.pool.query(
			`update botbox.trade_queue set queued_at = queued_at + make_interval(secs => $2) where bot_id = $1`,
			[bot.id, Math.floor(i / 2) * 0.000001],
		);
	}
});
afterAll(() => database.drop());

test('every view of schema reporting is described, with its columns and their types', async () => {
	const { rows } = await database.pool.query<{ view: string; column: string; type: string }>(
		`select c.table_name as view, c.column_name as column,
		        case when c.data_type = 'ARRAY' then substr(c.udt_name, 2) || '[]'
		             when c.data_type = 'USER-DEFINED' then c.udt_name
		             when c.data_type = 'timestamp with time zone' then 'timestamptz'
		             else c.data_type end as type
		   from information_schema.columns c
		  where c.table_schema = 'reporting'
		  order by c.table_name, c.ordinal_position`,
	);
	const found: Record<string, Record<string, string>> = {};
	for (const { view, column, type } of rows) {
		found[view] ??= {};
		found[view][column] = type;
	}
	const described = Object.fromEntries(
		definedViews.map(({ name, columns }) => [
			name,
			Object.fromEntries(Object.entries(columns).map(([column, type]) => [column, baseType(type)])),
		]),
	);
	expect(described).toEqual(found);
});

test('the enumerations have the labels of the database', async () => {
	const { rows } = await database.pool.query<{ name: string; labels: string[] }>(
		`select t.typname as name, array_agg(e.enumlabel::text order by e.enumsortorder) as labels
		   from pg_type t
		   join pg_enum e on e.enumtypid = t.oid
		  where t.typnamespace = 'botbox'::regnamespace and t.typname = any ($1)
		  group by t.typname`,
		[Object.keys(enumerations)],
	);
	expect(Object.fromEntries(rows.map(({ name, labels }) => [name, labels]))).toEqual(enumerations);
});

test.each([1, 2, 3, 7, 100])('pages of %i give every row once, in order', async (limit) => {
	const seen: string[] = [];
	let after: string | undefined;
	for (let pages = 0; pages < 20; pages++) {
		const page = await listRows(database.pool, trades, { limit, after });
		expect(page.items.length).toBeLessThanOrEqual(limit);
		seen.push(...page.items.map((trade) => trade.trade_id));
		if (page.next === null) break;
		after = page.next;
	}
	const { rows } = await database.pool.query<{ id: string }>(
		'select id from botbox.trade_queue order by queued_at desc, id desc',
	);
	expect(seen).toEqual(rows.map(({ id }) => id));
});

test('filters by equality and searches without regard to case or to what like means', async () => {
	const all = await listRows(database.pool, botStatus, { limit: 100 });
	expect(all.items).toHaveLength(7);
	const [first] = all.items;
	const found = await listRows(database.pool, botStatus, {
		limit: 100,
		where: { bot_id: first!.bot_id, status: 'ACTIVE' },
	});
	expect(found.items).toEqual([first]);
	expect(
		(await listRows(database.pool, botStatus, { limit: 100, search: first!.name.toUpperCase() })).items,
	).toContainEqual(first);
	for (const search of ['%', '_', '\\', "'"]) {
		expect((await listRows(database.pool, botStatus, { limit: 100, search })).items).toEqual([]);
	}
	expect(await findRow(database.pool, botStatus, { bot_id: 999_999 })).toBeNull();
});

test('numbers of money are text, times are dates, counts are numbers', async () => {
	const bot = await findRow(database.pool, botStatus, {});
	expect(bot).toMatchObject({ sizing_value: '100', closed_positions: 0, net_pnl: '0' });
	expect(bot?.created_at).toBeInstanceOf(Date);
});

test.each([
	['garbage', 'x'],
	['another list', cursor('signals', '2026-03-02 12:00:00+00', '1')],
	['too few values', cursor('trades', '2026-03-02 12:00:00+00')],
	[
		'a time that is none',
		cursor('trades', '2026-99-99 12:00:00+00; drop table x', '00000000-0000-0000-0000-000000000000'),
	],
	['an id that is none', cursor('trades', '2026-03-02 12:00:00+00', '1 or true')],
	['numbers for text', Buffer.from('["trades",1,2]').toString('base64url')],
])('a cursor of %s is refused', async (_, after) => {
	await expect(listRows(database.pool, trades, { limit: 1, after })).rejects.toMatchObject({
		code: 'VALIDATION_FAILED',
	});
});

test('a list without rows has no next page', async () => {
	expect(await listRows(database.pool, positions, { limit: 1 })).toEqual({ items: [], next: null });
});

function cursor(...parts: string[]): string {
	return Buffer.from(JSON.stringify(parts)).toString('base64url');
}
