/** The walking skeleton: one bot, from a candle to a booked position and back to none, on both kinds of account. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
	createAccount,
	createBot,
	recordOpeningBalances,
	setBotStatus,
} from '../../src/database/functions/administration.ts';
import { checkLedger, pauseEntries, resumeEntries } from '../../src/database/functions/guards.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import {
	checkCpuSeconds,
	checkLateSeconds,
	checkSeconds,
	checksTotal,
	exchangeCallSeconds,
	ordersSentTotal,
	signalsTotal,
	signalToOrderSeconds,
} from '../../src/metrics.ts';
import { credentials, masterKey, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let paper: number;
let live: number;
let instrumentId: number;

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 2 } });
	const { pool } = system.database;
	const base = { exchangeId: 'sim', settleAsset: 'USDT', capital: 10_000, now: system.now() };
	paper = await createAccount(pool, { ...base, name: 'paper', mode: 'PAPER' });
	live = await createAccount(pool, {
		...base,
		name: 'live',
		mode: 'LIVE',
		credentials: encryptCredentials(credentials, masterKey),
	});
	const venue = await system.context.venues.tradingVenue(live);
	await recordOpeningBalances(pool, { accountId: live, balances: await venue.balances(), now: system.now() });
	const [instrument] = (await findInstruments(pool, { exchangeId: 'sim' })).filter(
		({ marketType }) => marketType === 'LINEAR',
	);
	instrumentId = instrument!.id;
});
afterAll(() => system.close());

/** A bot that enters at the slightest inclination in any regime, and leaves as easily: what it does is not the point here. */
async function eagerBot(name: string, accountId: number): Promise<number> {
	const { pool } = system.database;
	return await createBot(pool, {
		name,
		strategyVersionId: await ensureStrategyVersion(pool, 'trend_following', {
			timeframe: '1m',
			entry_threshold: 0.02,
			exit_threshold: 0,
			favourable_regimes: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
		}),
		accountId,
		instrumentId,
		intervalMinutes: 1,
		sizing: 'FIXED_NOTIONAL',
		sizingValue: 500,
		isDueAtOnce: true,
		now: system.now(),
	});
}

const rows = async (sql: string, ...values: unknown[]) => (await system.database.pool.query(sql, values)).rows;

/** Counters of the process, and what the database has of the same. */
async function counted(): Promise<{ metrics: Record<string, number>; stored: Record<string, number> }> {
	const sum = async (metric: { get(): Promise<{ values: { value: number; metricName?: string }[] }> }) => {
		const { values } = await metric.get();
		// Of a histogram its count alone.
		const own = values.filter(({ metricName }) => metricName === undefined || !/_(bucket|sum)$/.test(metricName));
		return own.reduce((total, { value }) => total + value, 0);
	};
	const [stored] = await rows(`
		select (select count(*) from botbox.checks) as checks, (select count(*) from botbox.checks) as durations,
		       (select count(*) from botbox.checks where kind = 'SCHEDULED') as lateness,
		       (select count(*) from botbox.checks where signal_id is not null) as signals,
		       (select count(*) from botbox.orders where send_count > 0) as orders,
		       (select count(*) from botbox.trade_queue where acknowledged_at is not null) as acknowledged`);
	return {
		stored,
		metrics: {
			checks: await sum(checksTotal),
			durations: await sum(checkSeconds),
			lateness: await sum(checkLateSeconds),
			signals: await sum(signalsTotal),
			orders: await sum(ordersSentTotal),
			acknowledged: await sum(signalToOrderSeconds),
			cpu: await sum(checkCpuSeconds),
			calls: await sum(exchangeCallSeconds),
		},
	};
}

test.each([
	['PAPER', () => paper],
	['LIVE', () => live],
])(
	'a %s bot trades on its own and its books balance',
	async (mode, account) => {
		const before = await counted();
		const bot = await eagerBot(`eager ${mode}`, account());
		for (let minute = 0; minute < 90; minute++) {
			await system.minute();
			const [closed] = await rows(`select from botbox.positions where bot_id = $1 and status = 'CLOSED'`, bot);
			if (closed !== undefined) break;
		}
		const [position] = await rows(
			`select * from botbox.positions where bot_id = $1 and status = 'CLOSED' order by id limit 1`,
			bot,
		);
		expect(position).toBeDefined();
		// Entry and exit, each: a signal with its factors, a trade, an order, fills.
		const signals = await rows(
			`select * from botbox.signals where bot_id = $1 and status = 'QUEUED' order by id limit 2`,
			bot,
		);
		expect(signals.map((signal) => signal.direction === 'CLOSE')).toEqual([false, true]);
		expect(signals[0].factors).toEqual(
			expect.arrayContaining([expect.objectContaining({ weight: expect.any(Number) })]),
		);
		const trades = await rows(
			`select t.status, o.status as order_status, o.filled_quantity = t.quantity as whole
	                             from botbox.trade_queue t join botbox.orders o on o.trade_id = t.id
	                            where t.bot_id = $1 order by t.queued_at limit 2`,
			bot,
		);
		expect(trades).toEqual([
			{ status: 'EXECUTED', order_status: 'FILLED', whole: true },
			{ status: 'EXECUTED', order_status: 'FILLED', whole: true },
		]);
		// Profit is what the fills say, fees apart.
		const [sums] = await rows(
			`select sum(f.realised_pnl) = (select realised_pnl from botbox.positions where id = $1) as pnl,
		        sum(f.fee) = (select fees from botbox.positions where id = $1) as fees
		   from botbox.fills f where f.position_id = $1`,
			position.id,
		);
		expect(sums).toEqual({ pnl: true, fees: true });
		expect(await checkLedger(system.database.pool, {})).toEqual([]);
		// What the process counted for Prometheus is what the tables have.
		const after = await counted();
		for (const [counter, stored] of Object.entries(after.stored))
			expect(after.metrics[counter], counter).toBe(
				(before.metrics[counter] ?? 0) + stored - (before.stored[counter] ?? 0),
			);
		expect(after.metrics.cpu).toBeGreaterThan(before.metrics.cpu ?? 0);
		expect(after.metrics.calls).toBeGreaterThan(before.metrics.calls ?? 0);
		await setBotStatus(system.database.pool, { botId: bot, status: 'DELETED', now: system.now() });
	},
	120_000,
);

test('a pause stops entries, not closes; resuming lets them through again', async () => {
	const { pool } = system.database;
	const bot = await eagerBot('paused', paper);
	for (let minute = 0; minute < 60; minute++) {
		await system.minute();
		if ((await rows(`select from botbox.positions where bot_id = $1 and status = 'OPEN'`, bot)).length > 0) break;
	}
	await pauseEntries(pool, { scope: 'ALL', reason: 'test', now: system.now() });
	for (let minute = 0; minute < 120; minute++) {
		await system.minute();
		if ((await rows(`select from botbox.positions where bot_id = $1 and status = 'OPEN'`, bot)).length === 0) break;
	}
	const before = await rows(`select id from botbox.positions where bot_id = $1`, bot);
	expect(await rows(`select from botbox.positions where bot_id = $1 and status = 'OPEN'`, bot)).toHaveLength(0);
	for (let minute = 0; minute < 15; minute++) await system.minute();
	expect(await rows(`select id from botbox.positions where bot_id = $1`, bot)).toEqual(before);
	expect(
		(await rows(`select from botbox.signals where bot_id = $1 and reason_code = 'PAUSED'`, bot)).length,
	).toBeGreaterThan(0);
	expect(await resumeEntries(pool, { scope: 'ALL', now: system.now() })).toBe(1);
	for (let minute = 0; minute < 60; minute++) {
		await system.minute();
		if ((await rows(`select from botbox.positions where bot_id = $1`, bot)).length > before.length) break;
	}
	expect((await rows(`select from botbox.positions where bot_id = $1`, bot)).length).toBeGreaterThan(before.length);
	await setBotStatus(pool, { botId: bot, status: 'DELETED', now: system.now() });
}, 180_000);

test('data older than two minutes is refused once the live attempt fails too', async () => {
	const bot = await eagerBot('blind', paper);
	await system.minute();
	system.simulator.addFault({ kind: 'maintenance', count: 100_000, endpoint: '/v5/market/kline' });
	for (let minute = 0; minute < 5; minute++) await system.minute();
	const [last] = await rows(
		`select outcome, reason_code, data_age_ms, signal_id from botbox.checks where bot_id = $1 order by due_at desc limit 1`,
		bot,
	);
	// The breaker may rest the exchange's checks first: then there is no check at all, and no signal either.
	if (last?.outcome === 'STALE_DATA') expect(last.data_age_ms).toBeGreaterThan(120_000);
	const signals = await rows(`select from botbox.signals where bot_id = $1 and data_age_ms > 120000`, bot);
	expect(signals).toHaveLength(0);
	const [breaker] = await rows(`select state from botbox.circuit_breakers where exchange_id = 'sim'`);
	expect(last?.outcome === 'STALE_DATA' || breaker?.state !== 'CLOSED').toBe(true);
	system.simulator.clearFaults();
	for (let minute = 0; minute < 5; minute++) await system.minute();
	const [recovered] = await rows(
		`select outcome from botbox.checks where bot_id = $1 order by due_at desc limit 1`,
		bot,
	);
	expect(recovered.outcome).not.toBe('STALE_DATA');
	expect(await rows(`select from botbox.circuit_breakers where exchange_id = 'sim' and state = 'CLOSED'`)).toHaveLength(
		1,
	);
	await setBotStatus(system.database.pool, { botId: bot, status: 'DELETED', now: system.now() });
}, 120_000);

test("the exchange's own stop closes the position in our books, and is not taken for a foreign order", async () => {
	const { pool } = system.database;
	const bot = await eagerBot('stopped out', live);
	for (let minute = 0; minute < 60; minute++) {
		await system.minute();
		if ((await rows(`select from botbox.positions where bot_id = $1 and status = 'OPEN'`, bot)).length > 0) break;
	}
	const [position] = await rows(`select * from botbox.positions where bot_id = $1 and status = 'OPEN'`, bot);
	expect(position.protection).toBe('EXCHANGE');
	await setBotStatus(pool, { botId: bot, status: 'PAUSED', now: system.now() });
	const [instrument] = await rows('select exchange_symbol from botbox.instruments where id = $1', instrumentId);
	const beyond = position.direction === 'LONG' ? 0.98 : 1.02;
	system.simulator.movePrice(instrument.exchange_symbol, Number(position.stop_loss_price) * beyond, 'linear');
	await system.minute();
	await system.minute();
	const [closed] = await rows(
		'select status, quantity = 0 as is_flat, realised_pnl < 0 as lost from botbox.positions where id = $1',
		position.id,
	);
	expect(closed).toEqual({ status: 'CLOSED', is_flat: true, lost: true });
	expect(
		await rows(
			`select purpose, status from botbox.orders where position_id = $1 and client_order_id is null`,
			position.id,
		),
	).toEqual([{ purpose: 'STOP_LOSS', status: 'FILLED' }]);
	expect(
		await rows(`select code from botbox.alerts where code like 'FOREIGN%' or code like 'RECONCILIATION%'`),
	).toEqual([]);
	expect(await checkLedger(pool, {})).toEqual([]);
	await setBotStatus(pool, { botId: bot, status: 'DELETED', now: system.now() });
}, 120_000);
