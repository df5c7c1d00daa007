/** The demonstration's own bots and defaults over 48 simulated hours: nothing is rigged, everything happens. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDemo } from '../../src/cli/up/demo.ts';
import { checkLedger } from '../../src/database/functions/guards.ts';
import { credentials, masterKey, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
const hours = Number(process.env.BOTBOX_TEST_FLOW_HOURS ?? 48);

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 3 } });
	const { pool } = system.database;
	await createDemo(pool, {
		exchangeId: 'sim',
		actor: 'test',
		live: { ...credentials, masterKey },
		balancesOf: async (id) => await (await system.context.venues.tradingVenue(id)).balances(),
		now: system.now(),
	});
	const began = Date.now();
	for (let minute = 0; minute < hours * 60; minute++) {
		// Housekeeping each minute would double the test's time and change nothing that it looks at.
		await system.minute({ housekeepingEvery: 5 });
		if (process.env.BOTBOX_TEST_LOG && minute % 60 === 0) console.log(minute, Date.now() - began);
	}
}, 900_000);
afterAll(() => system.close());

const one = async <T>(sql: string): Promise<T> => {
	const result = await system.database.pool.query(sql);
	return Object.values(result.rows[0])[0] as T;
};

test('there are signals, rejections, losses and idle bots, and no duplicate', async () => {
	const { pool } = system.database;
	if (process.env.BOTBOX_TEST_LOG) {
		for (const sql of [
			'select outcome, reason_code, count(*), max(error) from botbox.checks group by 1,2',
			"select * from botbox.circuit_breakers where state <> 'CLOSED'",
			'select direction, status, reason_code, count(*), sum(repeat_count) r from botbox.signals group by 1,2,3 order by 4 desc',
			'select status, reason_code, direction, count(*) from botbox.trade_queue group by 1,2,3',
			'select account, status, protection, count(*), sum(net_pnl) pnl, sum(funding) f from reporting.positions group by 1,2,3',
			'select code, severity, subject, message, occurrences, resolved_at from botbox.alerts',
			'select purpose, status, count(*) from botbox.orders group by 1,2',
		])
			console.table((await pool.query(sql)).rows);
	}
	expect(await one<number>('select count(*) from botbox.signals')).toBeGreaterThanOrEqual(50);
	expect(await one<number>(`select count(*) from botbox.signals where status = 'REJECTED'`)).toBeGreaterThan(0);
	expect(
		await one<number>(`select count(*) from botbox.positions where status = 'CLOSED' and realised_pnl - fees < 0`),
	).toBeGreaterThan(0);
	expect(
		await one<number>(`select count(*) from botbox.positions where status = 'CLOSED' and realised_pnl - fees > 0`),
	).toBeGreaterThan(0);
	expect(await one<number>('select count(*) - count(distinct hash) from botbox.signals')).toBe(0);
	expect(
		await one<number>(
			'select count(*) - count(distinct client_order_id) from botbox.orders where client_order_id is not null',
		),
	).toBe(0);
	const idle = await pool.query(
		`select b.id from botbox.bots b where exists (select from botbox.checks c where c.bot_id = b.id and c.outcome = 'NO_SIGNAL')`,
	);
	expect(idle.rowCount).toBeGreaterThan(0);
});

test('the books agree with the exchange, order by order and to the last digit', async () => {
	const { pool } = system.database;
	await system.settle();
	expect(await checkLedger(pool, {})).toEqual([]);
	const alerts = await pool.query(
		`select code, subject, message from botbox.alerts where resolved_at is null and severity = 'CRITICAL'`,
	);
	expect(alerts.rows).toEqual([]);

	const theirs = system.simulator
		.orders({ apiKey: credentials.apiKey })
		.filter((order) => order.orderStatus !== 'Untriggered' && order.orderStatus !== 'Deactivated')
		.map((order) => `${order.orderId} ${order.orderLinkId} ${order.fills.length}`)
		.sort();
	const ours = await pool.query(
		`select o.exchange_order_id || ' ' || coalesce(o.client_order_id, '') || ' ' || (select count(*) from botbox.fills f where f.order_id = o.id) as line
		   from botbox.orders o join botbox.accounts a on a.id = o.account_id
		  where a.mode = 'LIVE' and o.status <> 'REJECTED'`,
	);
	expect(ours.rows.map((row) => row.line as string).sort()).toEqual(theirs);
});
