/** Flattening the whole system: positions on PAPER and LIVE, an account HALTED, an order that nobody knows of; then nothing is left. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FlattenReport, flatten } from '../../src/cli/flatten.ts';
import {
	createAccount,
	createBot,
	recordOpeningBalances,
	setAccountStatus,
} from '../../src/database/functions/administration.ts';
import { checkLedger, recordHeartbeat } from '../../src/database/functions/guards.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { executeTrades } from '../../src/workers/execute-trades.ts';
import { guardPositions } from '../../src/workers/guard-positions.ts';
import { runMonitor } from '../../src/workers/monitor.ts';
import { reconcileAccounts } from '../../src/workers/reconcile.ts';
import { decide } from '../support/factories/trading.ts';
import type { Bot } from '../support/factories/world.ts';
import { credentials, masterKey, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let paper: number;
let live: number;
let versionId: number;
const instruments: { id: number; symbol: string; marketType: string }[] = [];
let made = 0;

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 4 } });
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
	instruments.push(
		...(await findInstruments(pool, { exchangeId: 'sim' })).sort((a, b) => a.symbol.localeCompare(b.symbol)),
	);
	versionId = await ensureStrategyVersion(pool, 'trend_following', {
		favourable_regimes: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
	});
	await reconcileAccounts(system.context, { all: true, now: system.now() });
});
afterAll(() => system.close());

const market = (marketType: string, index = 0) => instruments.filter((row) => row.marketType === marketType)[index]!;

/** A bot and its entry, decided and queued but not yet sent. */
async function enter(
	accountId: number,
	instrument: { id: number },
	direction: 'LONG' | 'SHORT' = 'LONG',
	notional = 500,
): Promise<Bot> {
	const { pool } = system.database;
	made += 1;
	const id = await createBot(pool, {
		name: `flat ${made}`,
		strategyVersionId: versionId,
		accountId,
		instrumentId: instrument.id,
		intervalMinutes: 60,
		sizing: 'FIXED_NOTIONAL',
		sizingValue: notional,
		now: system.now(),
	});
	const bot = { id, accountId, instrumentId: instrument.id, versionId };
	// The feed of prices follows instruments of bots.
	system.skip(5_000);
	await guardPositions(system.context, system.now());
	const { rows } = await pool.query('select last::float8 as last from botbox.tickers where instrument_id = $1', [
		instrument.id,
	]);
	expect(await decide(pool, bot, { direction, price: rows[0].last, now: system.now() })).toMatchObject({
		outcome: 'QUEUED',
		reasonCode: 'ACCEPTED',
	});
	return bot;
}

const flattenAll = async (waitMs: number): Promise<FlattenReport> => {
	const { pool } = system.database;
	// Workers are heard by the real clock, whatever time it is in this system.
	await recordHeartbeat(pool, {
		workerId: 'flow-worker',
		host: 'here',
		processId: 1,
		roles: ['execute', 'monitor'],
		version: '0',
		startedAt: new Date(),
	});
	return await flatten(
		pool,
		{ scope: 'ALL' },
		{
			reason: 'the market is on fire',
			actor: 'tester',
			waitMs,
			now: system.now,
			sleep: async () => {
				system.skip(1_000);
				await system.settle();
				await reconcileAccounts(system.context, { now: system.now() });
				await runMonitor(system.context, system.now());
			},
		},
	);
};

test('all is closed on every account, also what was under way, and the exchange holds nothing', async () => {
	const { pool } = system.database;
	const venue = await system.context.venues.tradingVenue(live);
	const [linear, spot] = [market('LINEAR'), market('SPOT')];
	// Two bots against each other in one market of the LIVE account, of which the exchange knows the net only.
	const holders = [
		await enter(paper, linear),
		await enter(paper, spot),
		await enter(live, linear, 'LONG', 500),
		await enter(live, linear, 'SHORT', 300),
		await enter(live, spot),
	];
	await system.settle();
	const held = await pool.query(`select bot_id from botbox.positions where status = 'OPEN' order by bot_id`);
	expect(held.rows.map(({ bot_id }) => bot_id)).toEqual(holders.map(({ id }) => id));
	expect(await venue.positions()).toHaveLength(1);

	// An entry whose answer is lost, and one that waits.
	system.simulator.addFault({ kind: 'timeout_after_accept', count: 1, endpoint: '/v5/order/create' });
	const lost = await enter(live, market('LINEAR', 1));
	await executeTrades(system.context, system.now());
	const [unknown] = (await pool.query('select status from botbox.orders where bot_id = $1', [lost.id])).rows;
	expect(unknown.status).toBe('UNKNOWN');
	const waiting = await enter(paper, market('LINEAR', 1));
	await setAccountStatus(pool, { accountId: live, status: 'HALTED', reason: 'test', now: system.now() });

	const report = await flattenAll(300_000);
	expect(report.entries.map(({ bot_id, state }) => [bot_id, state]).sort()).toEqual([
		[lost.id, 'SETTLED'],
		[waiting.id, 'CANCELLED'],
	]);
	expect(report.positions.map(({ bot_id, state }) => [bot_id, state]).sort()).toEqual(
		holders.map(({ id }) => [id, 'CLOSED']),
	);
	expect(report.accounts).toEqual([
		{ account_id: paper, account: 'paper', is_compared: true, differences: [] },
		{ account_id: live, account: 'live', is_compared: true, differences: [] },
	]);
	expect(report.is_flat).toBe(true);

	expect((await pool.query(`select from botbox.positions where status = 'OPEN'`)).rowCount).toBe(0);
	expect((await pool.query('select from botbox.trade_queue where finished_at is null')).rowCount).toBe(0);
	// The entry whose answer was lost had been filled: its position was opened, and closed.
	const [settled] = (await pool.query('select status from botbox.positions where bot_id = $1', [lost.id])).rows;
	expect(settled.status).toBe('CLOSED');
	// The exchange's own word, not ours.
	expect(await venue.positions()).toEqual([]);
	expect(await checkLedger(pool, {})).toEqual([]);

	// Again: nothing to do, and it is compared once more.
	expect(await flattenAll(60_000)).toMatchObject({ positions: [], entries: [], is_flat: true });

	// A person buys by hand: that is told and not touched, and nothing is called flat while it stands.
	const { symbol, id } = linear;
	const bought = await venue.createOrder(
		{
			instrumentId: id,
			symbol,
			marketType: 'LINEAR',
			side: 'BUY',
			quantity: '0.1',
			clientOrderId: 'by-hand',
			stopLossPrice: null,
			takeProfitPrice: null,
		},
		async () => ({ reduceOnly: false, mustSendBefore: performance.now() + 5_000 }),
	);
	expect(bought.kind).toBe('ACKNOWLEDGED');
	const differing = await flattenAll(30_000);
	expect(differing.is_flat).toBe(false);
	const [, account] = differing.accounts;
	expect(account).toMatchObject({ account: 'live', is_compared: true });
	expect(account?.differences.join()).toMatch(
		new RegExp(`position of ${symbol.replace('/', '\\/')}: booked 0, exchange says`),
	);
	expect(await venue.positions()).toHaveLength(1);
}, 120_000);
