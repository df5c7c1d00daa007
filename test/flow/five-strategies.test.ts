/**
 * All five strategies with their own defaults over ten simulated hours of one fixed market: each opens and closes positions on the
 * simulated exchange, and the books agree with it. Only funding is steered, since a settlement comes every eight hours.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccount, createBot, recordOpeningBalances } from '../../src/database/functions/administration.ts';
import { checkLedger } from '../../src/database/functions/guards.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { strategies } from '../../src/strategies/registry.ts';
import { credentials, masterKey, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

const hours = 10;
/** An hour before a settlement, so that ten hours hold two. */
const startAt = Date.UTC(2025, 5, 12, 7);

let system: SimulatedSystem;
beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 4 }, startAt });
	const { pool } = system.database;
	const accountId = await createAccount(pool, {
		name: 'live',
		exchangeId: 'sim',
		settleAsset: 'USDT',
		mode: 'LIVE',
		capital: 10_000,
		limits: { max_positions: 50, max_correlated_positions: 50 },
		credentials: encryptCredentials(credentials, masterKey),
		now: system.now(),
	});
	const venue = await system.context.venues.tradingVenue(accountId);
	await recordOpeningBalances(pool, { accountId, balances: await venue.balances(), now: system.now() });
	const instruments = await findInstruments(pool, { exchangeId: 'sim' });
	const perpetuals = instruments.filter(({ marketType, settleAsset }) => {
		return marketType === 'LINEAR' && settleAsset === 'USDT';
	});
	for (const { name, defaultInterval, legs = 1 } of strategies) {
		// Judged by one settlement, since more than two do not happen here.
		const parameters = legs === 2 ? { mean_settlements: 1, sign_settlements: 1, exit_settlements: 1 } : {};
		const strategyVersionId = await ensureStrategyVersion(pool, name, parameters);
		for (const perpetual of perpetuals) {
			const spot = instruments.find(({ marketType, exchangeSymbol }) => {
				return marketType === 'SPOT' && exchangeSymbol === perpetual.exchangeSymbol;
			});
			if (legs === 2 && spot === undefined) continue;
			await createBot(pool, {
				name: `${name} ${perpetual.exchangeSymbol}`,
				strategyVersionId,
				accountId,
				instrumentId: legs === 2 ? spot!.id : perpetual.id,
				furtherInstrumentIds: legs === 2 ? [perpetual.id] : [],
				intervalMinutes: defaultInterval,
				sizing: 'FIXED_NOTIONAL',
				sizingValue: 300,
				now: system.now(),
			});
		}
	}
	for (const { exchangeSymbol } of perpetuals) system.simulator.setFunding(exchangeSymbol, 0.0008);
	for (let minute = 0; minute < hours * 60; minute++) {
		if (minute === 2 * 60)
			for (const { exchangeSymbol } of perpetuals) system.simulator.setFunding(exchangeSymbol, -0.0008);
		await system.minute({ housekeepingEvery: 5 });
	}
}, 600_000);
afterAll(() => system.close());

const rows = async (sql: string) => (await system.database.pool.query(sql)).rows;

test('each strategy opens and closes positions', async () => {
	const traded = await rows(`
		select st.name,
		       count(*) filter (where p.status = 'CLOSED')::integer as closed,
		       count(distinct t.trigger_reason) filter (where t.direction <> 'CLOSE')::integer as entries,
		       count(distinct t.trigger_reason) filter (where t.direction = 'CLOSE')::integer as exits
		  from botbox.strategies st
		  join botbox.strategy_versions v on v.strategy_id = st.id
		  join botbox.bots b on b.strategy_version_id = v.id
		  left join botbox.trade_queue t on t.bot_id = b.id and t.status = 'EXECUTED'
		  left join botbox.positions p on p.id = t.position_id
		 group by st.name
		 order by st.name`);
	if (process.env.BOTBOX_TEST_LOG) {
		console.table(traded);
		console.table(
			await rows(`select st.name, t.direction, t.trigger_reason, t.status, t.reason_code, count(*) from botbox.trade_queue t
				join botbox.bots b on b.id = t.bot_id join botbox.strategy_versions v on v.id = b.strategy_version_id
				join botbox.strategies st on st.id = v.strategy_id group by 1, 2, 3, 4, 5 order by 1, 2, 3`),
		);
		console.table(
			await rows(`select st.name, s.status, s.reason_code, count(*) from botbox.signals s
				join botbox.bots b on b.id = s.bot_id join botbox.strategy_versions v on v.id = b.strategy_version_id
				join botbox.strategies st on st.id = v.strategy_id group by 1, 2, 3 order by 1, 2, 3`),
		);
	}
	expect(traded.map(({ name }) => name)).toEqual(strategies.map(({ name }) => name).toSorted());
	for (const { name, closed, entries, exits } of traded) {
		expect(closed, `${name} closed`).toBeGreaterThan(0);
		expect(entries, `${name} entered`).toBeGreaterThan(0);
		expect(exits, `${name} left`).toBeGreaterThan(0);
	}
});

test('no signal and no order twice, and every signal was explained', async () => {
	const [counts] = await rows(`
		select (select count(*) - count(distinct hash) from botbox.signals)::integer as signals,
		       (select count(*) - count(distinct client_order_id) from botbox.orders where client_order_id is not null)::integer as orders,
		       (select count(*) from botbox.signals s where s.trigger_reason in ('ENTRY_THRESHOLD', 'EXIT_THRESHOLD') and s.factors is null)::integer as unexplained,
		       (select count(*) from botbox.checks where outcome in ('FAILED', 'TIMED_OUT', 'STALE_DATA'))::integer as failed`);
	expect(counts).toEqual({ signals: 0, orders: 0, unexplained: 0, failed: 0 });
});

test('the books agree with the exchange, order by order and to the last digit', async () => {
	await system.settle();
	expect(await checkLedger(system.database.pool, {})).toEqual([]);
	const theirs = system.simulator
		.orders({ apiKey: credentials.apiKey })
		.filter((order) => order.orderStatus !== 'Untriggered' && order.orderStatus !== 'Deactivated')
		.map((order) => `${order.orderId} ${order.orderLinkId} ${order.fills.length}`)
		.sort();
	const ours = await rows(`
		select o.exchange_order_id || ' ' || coalesce(o.client_order_id, '') || ' '
		       || (select count(*) from botbox.fills f where f.order_id = o.id) as line
		  from botbox.orders o
		 where o.status <> 'REJECTED'`);
	expect(ours.map(({ line }) => line as string).sort()).toEqual(theirs);
	expect(
		await rows(`select code, subject, message from botbox.alerts where resolved_at is null and severity = 'CRITICAL'`),
	).toEqual([]);
});
