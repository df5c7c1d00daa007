/** Limits that act after the decision, on the whole system: what the executor does not send, and the account that the monitor reduces. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
	createAccount,
	createBot,
	recordOpeningBalances,
	setAccountLimits,
} from '../../src/database/functions/administration.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { guardPositions } from '../../src/workers/guard-positions.ts';
import { runMonitor } from '../../src/workers/monitor.ts';
import { reconcileAccounts } from '../../src/workers/reconcile.ts';
import { decide } from '../support/factories/trading.ts';
import type { Bot } from '../support/factories/world.ts';
import { credentials, masterKey, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let accountId: number;
let bot: Bot;

// Each test begins with an account that is ACTIVE and has traded nothing.
beforeEach(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 2 } });
	const { pool } = system.database;
	const now = system.now();
	accountId = await createAccount(pool, {
		name: 'live',
		exchangeId: 'sim',
		mode: 'LIVE',
		settleAsset: 'USDT',
		capital: 10_000,
		credentials: encryptCredentials(credentials, masterKey),
		now,
	});
	const venue = await system.context.venues.tradingVenue(accountId);
	await recordOpeningBalances(pool, { accountId, balances: await venue.balances(), now });
	const instrument = (await findInstruments(pool, { exchangeId: 'sim' })).find((row) => row.marketType === 'LINEAR')!;
	const versionId = await ensureStrategyVersion(pool, 'trend_following', {
		favourable_regimes: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
	});
	const id = await createBot(pool, {
		name: 'one',
		strategyVersionId: versionId,
		accountId,
		instrumentId: instrument.id,
		intervalMinutes: 60,
		sizing: 'FIXED_NOTIONAL',
		sizingValue: 5_000,
		now,
	});
	bot = { id, accountId, instrumentId: instrument.id, versionId };
	await reconcileAccounts(system.context, { all: true, now });
});
afterEach(() => system.close());

/** Decides an entry at the present price times `factor`, lets the executor act, and answers what became of the trade. */
async function enter(factor: number) {
	const { pool } = system.database;
	system.skip(60_000);
	await guardPositions(system.context, system.now());
	const { rows } = await pool.query('select last::float8 as last from botbox.tickers where instrument_id = $1', [
		bot.instrumentId,
	]);
	const { tradeId } = await decide(pool, bot, { price: rows[0].last * factor, now: system.now() });
	await system.settle();
	const trade = await pool.query(
		`select t.status, t.reason_code, (select count(*) from botbox.orders o where o.trade_id = t.id)::int as orders
		from botbox.trade_queue t where t.id = $1`,
		[tradeId],
	);
	return trade.rows[0];
}

test('an entry whose price has gone is not sent; one whose price stands is', async () => {
	await setAccountLimits(system.database.pool, { accountId, limits: { max_price_deviation: 0.02 } });
	expect(await enter(1.05)).toEqual({ status: 'CANCELLED', reason_code: 'PRICE_DEVIATION', orders: 0 });
	expect(await enter(0.95)).toEqual({ status: 'CANCELLED', reason_code: 'PRICE_DEVIATION', orders: 0 });
	expect(await enter(1)).toEqual({ status: 'EXECUTED', reason_code: null, orders: 1 });
});

test('fees and prices that cost more than a day may: the monitor reduces the account, and its position is still closed', async () => {
	const { pool } = system.database;
	const status = async () =>
		(await pool.query('select status from botbox.accounts where id = $1', [accountId])).rows[0].status;
	expect(await enter(1)).toMatchObject({ status: 'EXECUTED' });
	system.skip(60_000);
	await runMonitor(system.context, system.now());
	expect(await status()).toBe('ACTIVE');
	await setAccountLimits(pool, { accountId, limits: { daily_loss_limit: 0.01 } });
	system.skip(60_000);
	await runMonitor(system.context, system.now());
	expect(await status()).toBe('REDUCING');
	expect(
		(await pool.query(`select severity from botbox.alerts where code = 'ACCOUNT_REDUCING' and resolved_at is null`))
			.rows,
	).toEqual([{ severity: 'CRITICAL' }]);
	expect(await decide(pool, bot, { direction: 'CLOSE', now: system.now() })).toMatchObject({ outcome: 'QUEUED' });
	await system.settle();
	expect((await pool.query(`select status from botbox.positions where bot_id = $1`, [bot.id])).rows).toEqual([
		{ status: 'CLOSED' },
	]);
});
