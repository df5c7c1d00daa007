/** docs/reporting.md: the views are those of the database, and its questions are answered, by the role of analysts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeViews, withViews } from '../../src/database/dev/reporting-document.ts';
import { recordCheckMinutes } from '../../src/database/functions/history.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { check } from '../support/factories/evaluated-checks.ts';
import { makeTradingHour } from '../support/factories/trading-hour.ts';
import { makeFeedFresh } from '../support/factories/world.ts';
import { readDocument, sectionsOf } from './markdown.ts';

const text = readDocument('docs/reporting.md');
const questions = [...sectionsOf(text, 3)].flatMap(([heading, body]) => {
	const sql = /```sql\n([\s\S]*?)```/.exec(body)?.[1];
	return sql === undefined ? [] : [[heading, sql] as const];
});
let database: TestDatabase;

beforeAll(async () => {
	database = await createTestDatabase();
	const { now, winner } = await makeTradingHour(database.pool);
	// A check of its schedule too, so that minutes are counted.
	const { rows } = await database.pool.query('select next_check_at from botbox.bots where id = $1', [winner.id]);
	await makeFeedFresh(database.pool, winner.instrumentId, now);
	await check(database.pool, winner, rows[0].next_check_at, { now });
	await recordCheckMinutes(database.pool, { now: new Date(now.getTime() + 600_000) });
	await database.pool.query(
		`insert into botbox.account_equity (account_id, at, equity, peak) select id, now(), 9000, 10000 from botbox.accounts`,
	);
});
afterAll(() => database.drop());

test('the list of views is what the database says of them, neither more nor less', async () => {
	expect(text).toBe(withViews(text, await describeViews(database.pool)));
});

test('there are ten questions', () => {
	expect(questions).toHaveLength(10);
});

test.each(questions)('%s', async (_, sql) => {
	const client = await database.pool.connect();
	try {
		await client.query('begin; set local role botbox_readonly; set local search_path to public');
		const { rows } = await client.query(sql);
		// Figures, not only an answer: a query that finds nothing would pass unseen.
		if (!sql.includes('total_pnl < 0')) expect(rows.length).toBeGreaterThan(0);
	} finally {
		await client.query('rollback');
		client.release();
	}
});

test('the views that were asked for are there', async () => {
	for (const view of [
		...['bot_status', 'check_activity_hourly', 'signals', 'rejection_reasons', 'signal_acceptance', 'queue_status'],
		...[
			'execution_latency',
			'fill_quality',
			'positions',
			'trades',
			'bot_pnl',
			'account_equity',
			'strategy_performance',
		],
		...['economics', 'exchange_usage', 'data_freshness', 'signal_capture', 'uptime', 'alerts', 'worker_status'],
	])
		expect(text).toContain(`\n### \`${view}\`\n`);
});

test('the figures of a trade that was won: what was earned, paid and lost to worse prices', async () => {
	const { rows } = await database.pool.query(
		`select e.gross_pnl, e.fees, e.funding, e.slippage, e.net_pnl, r.net_pnl as trip_net, r.is_won, r.entry_price, r.exit_price
		   from reporting.economics e join reporting.round_trips r using (position_id)`,
	);
	// 10 units bought at 100 and sold at 110, each as decided, for a fee of 1 each.
	expect(
		rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]))),
	).toEqual([
		{
			gross_pnl: 100,
			fees: 2,
			funding: 0,
			slippage: 0,
			net_pnl: 98,
			trip_net: 98,
			is_won: 1,
			entry_price: 100,
			exit_price: 110,
		},
	]);
});
