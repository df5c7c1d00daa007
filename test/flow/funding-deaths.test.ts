/** ST-005 when a worker dies: whatever it left, another one completes or undoes from the tables alone. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { setBotStatus } from '../../src/database/functions/administration.ts';
import { claimTrades, submitOrder } from '../../src/database/functions/trades.ts';
import { createVenues } from '../../src/exchange/registry.ts';
import { fetchFeeds } from '../../src/market/feed.ts';
import { CandleWindows } from '../../src/market/windows.ts';
import { balancePairs } from '../../src/workers/balance-pairs.ts';
import { CheckCache } from '../../src/workers/check-cache.ts';
import { deriveClientOrderId } from '../../src/workers/client-order-id.ts';
import type { WorkerContext } from '../../src/workers/context.ts';
import { executeTrades } from '../../src/workers/execute-trades.ts';
import { keepHistory } from '../../src/workers/keep-history.ts';
import { reconcileAccounts } from '../../src/workers/reconcile.ts';
import { runChecks } from '../../src/workers/run-checks.ts';
import { settleOrders } from '../../src/workers/settle-orders.ts';
import { runTick } from '../../src/workers/tick.ts';
import {
	booksAreTheExchanges,
	lastChecks,
	makePair,
	minutesUntil,
	openOf,
	payFunding,
	perpetualId,
	removeBots,
	spotId,
	startFundingSystem,
	system,
	tradesOf,
} from '../support/funding-system.ts';
import { masterKey } from '../support/simulated-system.ts';

beforeAll(startFundingSystem, 60_000);
afterEach(removeBots);
afterAll(() => system.close());

/** A worker that knows nothing of the one before: only the tables are left. */
function anotherWorker(workerId: string): WorkerContext {
	const { context } = system;
	const { pool, log, sleep } = context;
	const clock = () => system.now().getTime();
	return {
		...context,
		workerId,
		venues: createVenues({ pool, workerId, log, masterKey, liveAccounts: [], clock, sleep }),
		windows: new CandleWindows(),
		checkCache: new CheckCache(),
		startedAt: system.now(),
	};
}

/** Runs checks only, until the bot's two entries are queued. */
async function untilQueued(bot: number): Promise<void> {
	const { context } = system;
	for (let minute = 0; minute < 15 && (await tradesOf(bot)).length === 0; minute++) {
		system.skip(60_000 - (system.now().getTime() % 60_000) + 1_000);
		const { pool, workerId } = context;
		await fetchFeeds({ pool, workerId, marketData: (id) => context.venues.marketData(id) }, { now: system.now() });
		await keepHistory(context, system.now());
		await runTick(context, system.now());
		while ((await runChecks(context, system.now())).again);
	}
	expect(await tradesOf(bot), await lastChecks()).toHaveLength(2);
}

async function claimOne(market: 'spot' | 'linear'): Promise<string> {
	const instrumentId = market === 'spot' ? spotId : perpetualId;
	const claimed = await claimTrades(system.database.pool, { workerId: 'dead', leaseMs: 20_000, now: system.now() });
	const trade = claimed.find((row) => row.instrumentId === instrumentId)!;
	return trade.tradeId;
}

/** Where the first worker dies. */
const deaths = {
	'before anything was claimed': async () => undefined,
	'with both legs claimed and nothing written': async () => {
		await claimOne('spot');
	},
	'with the order of one leg written and never sent': async () => {
		const tradeId = await claimOne('spot');
		const clientOrderId = deriveClientOrderId(system.context.installationId, tradeId);
		await submitOrder(system.database.pool, { tradeId, workerId: 'dead', clientOrderId, now: system.now() });
	},
	'after both were sent, before anything was balanced': async () => {
		await executeTrades(system.context, system.now());
	},
};

test.each(Object.entries(deaths))(
	'a worker that dies %s leaves a pair that another completes',
	async (when, die) => {
		const bot = await makePair(`death ${when}`);
		await payFunding(0.0008);
		await untilQueued(bot);
		const before = system.simulator.orders().length;
		await die();
		const heir = anotherWorker(`heir ${when}`);
		await reconcileAccounts(heir, { all: true, now: system.now() });
		for (let round = 0; round < 60; round++) {
			await executeTrades(heir, system.now());
			await settleOrders(heir, { now: system.now() });
			await balancePairs(heir, system.now());
			system.skip(2_000);
		}
		const open = await openOf(bot);
		const [entry] = await tradesOf(bot);
		expect(open).toEqual({ 'SPOT LONG': entry!.quantity, 'LINEAR SHORT': entry!.quantity });
		expect(await tradesOf(bot)).toHaveLength(2);
		expect(system.simulator.orders()).toHaveLength(before + 2);
		await booksAreTheExchanges();
		await payFunding(-0.0005);
		await minutesUntil(async () => Object.keys(await openOf(bot)).length === 0);
		await booksAreTheExchanges();
	},
	120_000,
);

test('a worker that dies between a leg’s failure and its undoing: another undoes it, once', async () => {
	const bot = await makePair('death before undoing');
	await payFunding(0.0008);
	await untilQueued(bot);
	system.simulator.addFault({ kind: 'no_fill', category: 'linear' });
	await executeTrades(system.context, system.now());
	expect(Object.keys(await openOf(bot))).toEqual(['SPOT LONG']);
	await setBotStatus(system.database.pool, { botId: bot, status: 'PAUSED', now: system.now() });
	const heirs = [anotherWorker('heir 1'), anotherWorker('heir 2')];
	for (const heir of heirs) await reconcileAccounts(heir, { all: true, now: system.now() });
	for (let round = 0; round < 10; round++) {
		await Promise.all(heirs.map((heir) => balancePairs(heir, system.now())));
		await Promise.all(heirs.map((heir) => executeTrades(heir, system.now())));
		system.skip(2_000);
	}
	expect(await openOf(bot)).toEqual({});
	expect((await tradesOf(bot)).filter(({ direction }) => direction === 'CLOSE')).toMatchObject([
		{ market: 'spot', trigger: 'LEG_IMBALANCE', status: 'EXECUTED' },
	]);
	await booksAreTheExchanges();
}, 120_000);
