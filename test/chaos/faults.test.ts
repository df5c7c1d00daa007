/**
 * The faults of the simulated exchange at every call of the flow, with a real database, over HTTP, on a clock of ours: what the
 * table of outcomes in ARCHITECTURE.md says follows from each, at most one order stands for a trade, and in the end the books are
 * the exchange's truth. The same faults strike at random in the mixed drill.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setMarginMode } from '../../src/database/functions/administration.ts';
import { monitorHealth } from '../../src/database/functions/guards.ts';
import { expireTrades, retryCloses } from '../../src/database/functions/trades.ts';
import { fetchFeeds } from '../../src/market/feed.ts';
import type { FaultRequest } from '../../src/simulator/http/faults.ts';
import { faultKinds } from '../../src/simulator/state/entities.ts';
import { executeTrades } from '../../src/workers/execute-trades.ts';
import { guardPositions } from '../../src/workers/guard-positions.ts';
import { measureClocks } from '../../src/workers/monitor.ts';
import { reconcileAccounts } from '../../src/workers/reconcile.ts';
import { recordMarkets } from '../../src/workers/refresh-markets.ts';
import { settleOrders } from '../../src/workers/settle-orders.ts';
import type { Bot } from '../support/factories/world.ts';
import { type LiveAccount, openLiveAccount } from '../support/live-account.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';
import { inspect } from './invariants.ts';

let system: SimulatedSystem;
beforeAll(async () => {
	// A request that is left without an answer costs real time; everything else passes on the simulated clock.
	system = await startSimulatedSystem({ simulator: { instrumentCount: 2 }, requestTimeoutMs: 1_500 });
});
afterAll(() => system.close());
beforeEach(() => system.simulator.clearFaults());

/** What becomes of the order in the round that sends it, and of the trade, or of a close and the one that follows it. */
interface Outcome {
	readonly order: 'FILLED' | 'UNKNOWN' | 'SUBMITTING' | 'CANCELLED' | 'REJECTED';
	readonly entry: 'EXECUTED' | 'FAILED' | 'EXPIRED';
	readonly close: readonly ('EXECUTED' | 'FAILED')[];
}
const found: Outcome = { order: 'UNKNOWN', entry: 'EXECUTED', close: ['EXECUTED'] };
const sending: readonly (readonly [FaultRequest, Outcome])[] = [
	[{ kind: 'timeout_after_accept' }, found],
	[{ kind: 'drop_connection', after: true }, found],
	// Not there: sent again after the grace period, under the same name.
	[{ kind: 'timeout_before_accept' }, found],
	[{ kind: 'drop_connection' }, found],
	[{ kind: 'http_5xx', status: 500 }, found],
	[{ kind: 'http_5xx', status: 503 }, found],
	[{ kind: 'maintenance' }, found],
	[{ kind: 'rate_limited' }, { ...found, order: 'SUBMITTING' }],
	// A ban lasts for longer than an entry lives; a close waits.
	[{ kind: 'ip_ban' }, { ...found, order: 'SUBMITTING', entry: 'EXPIRED' }],
	[{ kind: 'clock_skew' }, { ...found, order: 'FILLED' }],
	[
		{ kind: 'slow', ms: 10 },
		{ ...found, order: 'FILLED' },
	],
	[{ kind: 'partial_fill' }, { order: 'CANCELLED', entry: 'EXECUTED', close: ['EXECUTED', 'EXECUTED'] }],
	[{ kind: 'no_fill' }, { order: 'CANCELLED', entry: 'FAILED', close: ['FAILED', 'EXECUTED'] }],
	[{ kind: 'insufficient_funds' }, { order: 'REJECTED', entry: 'FAILED', close: ['FAILED', 'EXECUTED'] }],
];
const strikesOrders = ['partial_fill', 'no_fill', 'insufficient_funds'];

describe('at the sending of', () => {
	let account: LiveAccount;
	let bot: Bot;
	beforeAll(async () => {
		account = await openLiveAccount(system);
		bot = await account.makeBot(account.perpetuals[0] ?? { id: 0 });
	});
	// Whatever a test that failed has left.
	beforeEach(async () => {
		if (await holds(bot)) await account.trade(bot, { direction: 'CLOSE' });
	});

	test.each(sending)('an entry: %o', async (fault, outcome) => {
		strike(fault);
		const { tradeId } = await account.decide(bot, { stopLossFraction: 0.05 });
		await executeTrades(system.context, system.now());
		expect(system.simulator.faults()).toEqual([]);
		expect(await orderOf(tradeId)).toBe(outcome.order);
		await untilSettled();
		expect(await tradesSince(tradeId)).toEqual([outcome.entry]);
		expect(await holds(bot)).toBe(outcome.entry === 'EXECUTED');
		if (await holds(bot)) await account.trade(bot, { direction: 'CLOSE' });
		await expectTruth(account);
	});

	test.each(sending)('a close: %o', async (fault, outcome) => {
		await account.trade(bot, { stopLossFraction: 0.05 });
		strike(fault);
		const { tradeId } = await account.decide(bot, { direction: 'CLOSE' });
		await executeTrades(system.context, system.now());
		expect(system.simulator.faults()).toEqual([]);
		expect(await orderOf(tradeId)).toBe(outcome.order);
		await untilSettled(async () => (await unfinished()) === 0 && !(await holds(bot)));
		expect(await tradesSince(tradeId)).toEqual(outcome.close);
		await expectTruth(account);
	});

	async function tradesSince(tradeId: string | null): Promise<string[]> {
		const { rows } = await system.database.pool.query<{ status: string }>(
			`select status from botbox.trade_queue where bot_id = $1
				and queued_at >= (select queued_at from botbox.trade_queue where id = $2) order by queued_at`,
			[bot.id, tradeId],
		);
		return rows.map(({ status }) => status);
	}
});

/** Every other call. These are made for an entry whose own request does not arrive: faults of all of them stand from the start. */
const ofEntry = [
	...['position/switch-mode', 'account/info', 'account/set-margin-mode', 'position/set-leverage', 'order/history'],
];
/** These are made again and again: one fault at a time, until it has struck. Five failures in a row are the breaker's matter. */
const repeated = [
	...['market/time', 'market/instruments-info', 'market/tickers', 'market/kline', 'order/realtime', 'execution/list'],
	...['position/list', 'account/wallet-balance', 'position/trading-stop'],
];
/**
 * To a read an answer that is lost is one, whether the request arrived or not, and whether it is the connection or the time that is
 * lost.
 */
const faults: readonly FaultRequest[] = [
	...([{ kind: 'drop_connection', after: true }, { kind: 'http_5xx' }] as const),
	...([{ kind: 'rate_limited' }, { kind: 'clock_skew' }] as const),
	// It lasts as long as an order may be unknown: one that could not be asked for meanwhile is PARKED under its alert, and found after it.
	{ kind: 'ip_ban' },
];

test.each(faults)('at every other call of the flow, one after the other: %o', { timeout: 180_000 }, async (fault) => {
	const account = await openLiveAccount(system);
	const [instrument] = account.perpetuals as [LiveAccount['perpetuals'][0]];
	const bot = await account.makeBot(instrument, { leverage: 3 });
	await setMarginMode(system.database.pool, { accountId: account.id, marginMode: 'ISOLATED', now: system.now() });
	for (const endpoint of ofEntry) system.simulator.addFault({ ...fault, endpoint });
	system.simulator.addFault({ kind: 'drop_connection', endpoint: 'order/create' });
	const left = [...repeated];
	await untilSettled(async () => {
		if ((await unfinished()) > 0) return false;
		// One entry may expire meanwhile, as during a ban.
		if (!(await holds(bot))) await account.decide(bot, { stopLossFraction: 0.05 });
		else if (system.simulator.faults().length === 0) {
			const endpoint = left.shift();
			if (endpoint === undefined) return true;
			if (endpoint === 'position/trading-stop') await removeStops(account, instrument.exchangeSymbol);
			system.simulator.addFault({ ...fault, endpoint });
		}
		return false;
	});
	expect(system.simulator.faults()).toEqual([]);
	if (await holds(bot)) await account.trade(bot, { direction: 'CLOSE' });
	await expectTruth(account);
});

test('no kind of fault is left out where orders are sent', () => {
	expect(new Set(sending.map(([{ kind }]) => kind))).toEqual(new Set(faultKinds));
});

function strike(fault: FaultRequest): void {
	system.simulator.addFault(strikesOrders.includes(fault.kind) ? fault : { ...fault, endpoint: 'order/create' });
}

/** Lets every job that could have part in it run, minute after minute, until no trade is under way and the exchange is trusted again. */
async function untilSettled(isDone: () => Promise<boolean> = async () => (await unfinished()) === 0): Promise<void> {
	const { context, database } = system;
	const feed = { workerId: 'flow-worker', marketData: (id: string) => context.venues.marketData(id) };
	for (let round = 0; round < 300; round += 1) {
		system.skip(round < 12 ? 5_000 : 30_000);
		const now = system.now();
		// Costly, and of no matter to trades: made where a fault waits for them.
		const isAwaited = (endpoint: string) => system.simulator.faults().some((fault) => fault.endpoint === endpoint);
		if (isAwaited('market/time')) await measureClocks(context);
		if (isAwaited('market/instruments-info')) await recordMarkets(context, 'sim', now).catch(() => undefined);
		if (isAwaited('market/kline')) await fetchFeeds({ ...feed, pool: database.pool }, { now });
		await guardPositions(context, system.now());
		await executeTrades(context, system.now());
		await settleOrders(context, { now: system.now() });
		await reconcileAccounts(context, { now: system.now() });
		await expireTrades(database.pool, { now: system.now() });
		await retryCloses(database.pool, { now: system.now() });
		const { rowCount } = await database.pool.query(
			`select from botbox.circuit_breakers where exchange_id = 'sim' and state <> 'CLOSED'`,
		);
		if (rowCount !== 0) system.skip(570_000);
		else if (await isDone()) return;
	}
	throw new Error(`it did not settle: ${JSON.stringify(system.simulator.faults())}`);
}

async function unfinished(): Promise<number> {
	const { rowCount } = await system.database.pool.query(
		'select from botbox.trade_queue where finished_at is null union all select from botbox.orders where finished_at is null',
	);
	return rowCount ?? 0;
}

async function removeStops(account: LiveAccount, symbol: string): Promise<void> {
	await account.person.privatePostV5PositionTradingStop({
		...{ category: 'linear', symbol, positionIdx: 0, tpslMode: 'Full', stopLoss: '0', takeProfit: '0' },
	});
}

async function orderOf(tradeId: string | null): Promise<string | undefined> {
	const { rows } = await system.database.pool.query('select status from botbox.orders where trade_id = $1', [tradeId]);
	return rows[0]?.status;
}

async function holds(bot: Bot): Promise<boolean> {
	const { rowCount } = await system.database.pool.query(
		`select from botbox.positions where bot_id = $1 and status = 'OPEN'`,
		[bot.id],
	);
	return rowCount === 1;
}

async function expectTruth(account: LiveAccount): Promise<void> {
	await account.reconcile();
	// The monitor's part: what was told of an order that is known by now is over.
	await monitorHealth(system.database.pool, { now: system.now() });
	const { findings } = await inspect({
		...{ pool: system.database.pool, simulatorUrl: system.simulator.url, key: account.credentials },
		...{ liveAccountId: account.id, clock: () => system.now().getTime() },
	});
	expect(findings).toEqual([]);
}
