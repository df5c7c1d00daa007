/** The overview's figures are the views' figures are what SQL counts in the tables. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordTick } from '../../src/database/functions/checks.ts';
import { recordOrderResult, recoverOrders } from '../../src/database/functions/trades.ts';
import type { Pool } from '../../src/database/pool.ts';
import { findRow } from '../../src/database/views/define.ts';
import { overview } from '../../src/database/views/operation.ts';
import { makeApi, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeManualCheck } from '../support/factories/checks.ts';
import { check } from '../support/factories/evaluated-checks.ts';
import { acknowledge, openPosition, queueTrade, submitTrade, workerId } from '../support/factories/trading.ts';
import { makeTradingHour } from '../support/factories/trading-hour.ts';
import { type Bot, makeBot, makeFeedFresh, makeInstrument, makeWorld } from '../support/factories/world.ts';

let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
	database = await createTestDatabase();
	await makeTradingHour(database.pool);
	await makeTrouble(database.pool);
	api = await makeApi(database.pool);
});
afterAll(async () => {
	await api.app.close();
	await database.drop();
});

/** What a trading hour without trouble lacks: checks that came late, trades in every state, and something that is older than the hour. */
async function makeTrouble(pool: Pool): Promise<void> {
	const before = (minutes: number, ms = 0): Date => new Date(Date.now() - minutes * 60_000 + ms);
	const world = await makeWorld(pool);
	const newBot = async (): Promise<Bot> =>
		await makeBot(pool, world, { instrument: await makeInstrument(pool), now: before(700) });
	const sent = async (minutes: number) => {
		const now = before(minutes);
		return await submitTrade(pool, await queueTrade(pool, await newBot(), { now }), { now });
	};
	await openPosition(pool, await newBot(), { now: before(600), fee: 0.25 });
	await makeManualCheck(pool, (await newBot()).id, { at: before(90) });
	for (const lateMs of [1_500, 4_000]) {
		const due = await makeBot(pool, world, {
			instrument: await makeInstrument(pool),
			isDueAtOnce: true,
			now: before(30),
		});
		const { rows } = await pool.query<{ at: Date }>('select next_check_at as at from botbox.bots where id = $1', [
			due.id,
		]);
		await makeFeedFresh(pool, due.instrumentId, before(5));
		await check(pool, due, rows[0]!.at, { now: new Date(rows[0]!.at.getTime() + lateMs) });
	}
	const unknown = await sent(25);
	await recordOrderResult(pool, { orderId: unknown.orderId, workerId, result: 'UNKNOWN', now: before(25) });
	const refused = await sent(20);
	await recordOrderResult(pool, {
		orderId: refused.orderId,
		workerId,
		result: 'REFUSED',
		code: '110007',
		now: before(20),
	});
	await acknowledge(pool, await sent(15), before(15, 1_750));
	await recoverOrders(pool, { now: new Date() });
	// Since nobody claims any more it stays as it is.
	await queueTrade(pool, await newBot(), { now: before(1) });
	await recordTick(pool, { workerId, dueBots: 2, durationMs: 3, now: before(0) });
}

const day = `> now() - interval '24 hours'`;
const hour = `> now() - interval '1 hour'`;
/** What open positions would bring at the last price. */
function unrealised(mode: string): string {
	return `select coalesce(sum((k.last - p.average_entry_price) * p.quantity * i.contract_size * case p.direction when 'LONG' then 1 else -1 end), 0)
		from botbox.positions p
		join botbox.accounts a on a.id = p.account_id
		join botbox.instruments i on i.id = p.instrument_id
		join botbox.tickers k on k.instrument_id = p.instrument_id
		where p.status = 'OPEN' and a.mode = '${mode}'`;
}

/** Each figure counted in the tables themselves. */
const counts: Readonly<Record<string, string>> = {
	active_bots: `select count(*) from botbox.bots where status = 'ACTIVE'`,
	bots: `select count(*) from botbox.bots where status <> 'DELETED'`,
	checks_hour: `select count(*) from botbox.checks where recorded_at ${hour}`,
	checks_failed_hour: `select count(*) from botbox.checks where recorded_at ${hour} and outcome in ('FAILED', 'TIMED_OUT')`,
	signals_hour: `select count(*) from botbox.signals where created_at ${hour}`,
	signals_day: `select count(*) from botbox.signals where created_at ${day}`,
	accepted_day: `select count(*) from botbox.signals where created_at ${day} and status = 'QUEUED'`,
	rejected_day: `select count(*) from botbox.signals where created_at ${day} and status = 'REJECTED'`,
	trades_hour: `select count(*) from botbox.trade_queue where queued_at ${hour}`,
	trades_day: `select count(*) from botbox.trade_queue where queued_at ${day}`,
	executed_day: `select count(*) from botbox.trade_queue where queued_at ${day} and status = 'EXECUTED'`,
	failed_day: `select count(*) from botbox.trade_queue where queued_at ${day} and status = 'FAILED'`,
	queue_depth: `select count(*) from botbox.trade_queue where status = 'PENDING'`,
	executing: `select count(*) from botbox.trade_queue where status = 'EXECUTING'`,
	parked: `select count(*) from botbox.trade_queue where status = 'PARKED'`,
	open_positions: `select count(*) from botbox.positions where status = 'OPEN'`,
	open_alerts: `select count(*) from botbox.alerts where resolved_at is null`,
	running_workers: `select count(*) from botbox.workers where stopped_at is null and heartbeat_at > now() - interval '30 seconds'`,
	pauses_in_force: `select count(*) from botbox.pauses where lifted_at is null and (lifts_at is null or lifts_at > now())`,
	net_pnl_paper: `select coalesce(sum(p.realised_pnl - p.fees + p.funding), 0) from botbox.positions p
		join botbox.accounts a on a.id = p.account_id where a.mode = 'PAPER'`,
	net_pnl_live: `select coalesce(sum(p.realised_pnl - p.fees + p.funding), 0) from botbox.positions p
		join botbox.accounts a on a.id = p.account_id where a.mode = 'LIVE'`,
	unrealised_pnl_paper: unrealised('PAPER'),
	unrealised_pnl_live: unrealised('LIVE'),
	check_late_ms_p95: `select percentile_cont(0.95) within group (order by extract(epoch from c.recorded_at - greatest(c.due_at, b.created_at)) * 1000)
		from botbox.checks c join botbox.bots b on b.id = c.bot_id where c.kind = 'SCHEDULED' and c.recorded_at ${hour}`,
	acknowledged_ms_p95_day: `select percentile_cont(0.95) within group (order by extract(epoch from acknowledged_at - queued_at) * 1000)
		from botbox.trade_queue where queued_at ${day}`,
	acceptance_rate_day: `select count(*) filter (where status = 'QUEUED')::numeric / count(*) from botbox.signals where created_at ${day}`,
};
/** Figures that no count gives: words, and moments that pass while one counts. */
const others = ['settle_asset', 'data_lag_seconds_max', 'last_tick_at', 'as_of'];

test('every figure, by HTTP, by the view and by SQL', async () => {
	const shown = (await api.call('GET', '/api/v1/overview')).json();
	const view = await findRow(database.pool, overview, {});
	for (const [figure, sql] of Object.entries(counts)) {
		const { rows } = await database.pool.query(`select trim_scale((${sql})::numeric)::text as counted`);
		const counted = Number(rows[0].counted);
		expect(Number(shown[figure]), figure).toBeCloseTo(counted, 6);
		expect(Number(view?.[figure as keyof typeof view]), figure).toBeCloseTo(counted, 6);
	}
	// No figure of the overview is left out.
	expect([...Object.keys(counts), ...others].toSorted()).toEqual(Object.keys(overview.columns).toSorted());
	const words = await database.pool.query(
		`select (select max(tick_at) from botbox.ticks) as last_tick_at,
		        (select string_agg(distinct settle_asset, ',') from botbox.accounts) as settle_asset,
		        (select min(f.fetched_at) from botbox.feeds f
		          where f.instrument_id in (select instrument_id from botbox.bots where status = 'ACTIVE')) as oldest_fetch`,
	);
	const { last_tick_at: tick, settle_asset: asset, oldest_fetch: fetched } = words.rows[0];
	expect(shown.settle_asset).toBe(asset);
	// Times arrive in milliseconds, and the lag is of the answer's own moment.
	expect(Math.abs(shown.data_lag_seconds_max - (Date.parse(shown.as_of) - fetched.getTime()) / 1_000)).toBeLessThan(
		0.003,
	);
	expect(shown.last_tick_at).toBe(tick.toISOString());
	// Figures that nothing happened to would agree whatever was counted; and the hour is not the day.
	expect(
		Object.keys(overview.columns).filter((figure) => shown[figure] === null || Number(shown[figure]) === 0),
	).toEqual([]);
	for (const [hourly, daily] of [
		['signals_hour', 'signals_day'],
		['trades_hour', 'trades_day'],
	] as const) {
		expect(shown[hourly], hourly).toBeLessThan(shown[daily]);
	}
});

test('the lists that the overview sums over have as many rows', async () => {
	const shown = (await api.call('GET', '/api/v1/overview')).json();
	const rowsOf = async (path: string) => (await api.call('GET', `/api/v1/${path}`)).json().items.length;
	expect(await rowsOf('bots?status=ACTIVE')).toBe(shown.active_bots);
	expect(await rowsOf('signals')).toBe(shown.signals_day);
	expect(await rowsOf('signals?status=REJECTED')).toBe(shown.rejected_day);
	expect(await rowsOf('trades?status=EXECUTED')).toBe(shown.executed_day);
	expect(await rowsOf('positions?status=OPEN')).toBe(shown.open_positions);
	expect(await rowsOf('alerts?is_open=true')).toBe(shown.open_alerts);
	expect(await rowsOf('workers?status=RUNNING')).toBe(shown.running_workers);
	expect(await rowsOf('pauses?is_in_force=true')).toBe(shown.pauses_in_force);
});
