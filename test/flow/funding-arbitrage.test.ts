/** ST-005 on the simulated exchange: two legs in and out, funding booked, and what happens when one leg fails or a worker dies. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
	createAccount,
	createBot,
	recordOpeningBalances,
	setBotStatus,
} from '../../src/database/functions/administration.ts';
import { checkLedger } from '../../src/database/functions/guards.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { claimTrades, submitOrder } from '../../src/database/functions/trades.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { createVenues } from '../../src/exchange/registry.ts';
import { fetchFeeds } from '../../src/market/feed.ts';
import { reEvaluateSignal } from '../../src/market/re-evaluate.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { CandleWindows } from '../../src/market/windows.ts';
import type { FaultRequest } from '../../src/simulator/http/faults.ts';
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
import { credentials, masterKey, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

const hourMs = 3_600_000;
let system: SimulatedSystem;
let accountId: number;
let spotId: number;
let perpetualId: number;
let symbol: string;

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 1 } });
	const { pool } = system.database;
	accountId = await createAccount(pool, {
		name: 'live',
		exchangeId: 'sim',
		settleAsset: 'USDT',
		mode: 'LIVE',
		capital: 10_000,
		credentials: encryptCredentials(credentials, masterKey),
		now: system.now(),
	});
	const venue = await system.context.venues.tradingVenue(accountId);
	await recordOpeningBalances(pool, { accountId, balances: await venue.balances(), now: system.now() });
	const instruments = await findInstruments(pool, { exchangeId: 'sim' });
	const spot = instruments.find(({ marketType }) => marketType === 'SPOT')!;
	const perpetual = instruments.find(({ marketType }) => marketType === 'LINEAR')!;
	[spotId, perpetualId, symbol] = [spot.id, perpetual.id, perpetual.exchangeSymbol];
}, 60_000);
afterAll(() => system.close());

const rows = async (sql: string, ...values: unknown[]) => (await system.database.pool.query(sql, values)).rows;

/** Every settlement from the next one on pays `rate`; time moves past that one. */
async function payFunding(rate: number): Promise<void> {
	system.simulator.setFunding(symbol, rate);
	const next = (Math.floor(system.now().getTime() / (8 * hourMs)) + 1) * 8 * hourMs;
	system.skip(next - 60_000 - system.now().getTime());
	await system.minute();
}

/** One that judges the pair by the last settlement, every minute; that settlement does not pay yet, whatever was before. */
async function makePair(name: string): Promise<number> {
	const { pool } = system.database;
	const botId = await createBot(pool, {
		name,
		strategyVersionId: await ensureStrategyVersion(pool, 'funding_arbitrage', {
			timeframe: '1m',
			// More than any rate of the market's own pays.
			entry_net_rate: 0.05,
			mean_settlements: 1,
			sign_settlements: 1,
			exit_settlements: 1,
			basis_stop: null,
		}),
		accountId,
		instrumentId: spotId,
		furtherInstrumentIds: [perpetualId],
		intervalMinutes: 1,
		sizing: 'FIXED_NOTIONAL',
		sizingValue: 3_000,
		now: system.now(),
	});
	await setBotStatus(pool, { botId, status: 'PAUSED', now: system.now() });
	await payFunding(-0.0005);
	await setBotStatus(pool, { botId, status: 'ACTIVE', now: system.now() });
	return botId;
}

async function minutesUntil(holds: () => Promise<boolean>, most = 15): Promise<void> {
	for (let minute = 0; minute < most && !(await holds()); minute++) await system.minute();
	expect(await holds(), await lastChecks()).toBe(true);
}

/** For the message of a test that waited in vain. */
async function lastChecks(): Promise<string> {
	const checks = await rows(
		`select due_at, outcome, reason_code, error, factors from botbox.checks order by recorded_at desc limit 5`,
	);
	return `the last checks: ${JSON.stringify(checks)}`;
}

interface Leg {
	readonly market: 'spot' | 'linear';
	readonly direction: string;
	readonly side: string;
	readonly quantity: number;
	readonly status: string;
	readonly reason: string | null;
	readonly trigger: string;
	readonly client_order_id: string | null;
}

/** Trades of the bot with their orders, entries first, spot before linear. */
async function tradesOf(bot: number): Promise<Leg[]> {
	return await rows(
		`select case i.market_type when 'SPOT' then 'spot' else 'linear' end as market, t.direction, t.side,
		        t.quantity::float8 as quantity, t.status, t.reason_code as reason, t.trigger_reason as trigger, o.client_order_id
		   from botbox.trade_queue t
		   join botbox.instruments i on i.id = t.instrument_id
		   left join botbox.orders o on o.trade_id = t.id
		  where t.bot_id = $1
		  order by t.direction = 'CLOSE', t.queued_at, i.market_type`,
		bot,
	);
}

async function openOf(bot: number): Promise<Record<string, number>> {
	const open = await rows(
		`select i.market_type, p.direction, p.entered_quantity - p.exited_quantity as base
		   from botbox.positions p join botbox.instruments i on i.id = p.instrument_id
		  where p.bot_id = $1 and p.status = 'OPEN'`,
		bot,
	);
	return Object.fromEntries(open.map((row) => [`${row.market_type} ${row.direction}`, Number(row.base)]));
}

/** Orders, fills, positions, balances and ledger against the exchange's own word, fill by fill. */
async function booksAreTheExchanges(): Promise<void> {
	await reconcileAccounts(system.context, { all: true, now: system.now() });
	const orders = await rows(
		`select o.client_order_id, o.side, o.filled_quantity::float8 as filled,
		        case i.market_type when 'SPOT' then 'spot' else 'linear' end as category,
		        (select coalesce(array_agg(f.exchange_fill_id order by f.exchange_fill_id), '{}') from botbox.fills f where f.order_id = o.id) as fills
		   from botbox.orders o join botbox.instruments i on i.id = o.instrument_id
		  where o.exchange_order_id is not null order by o.client_order_id`,
	);
	const theirs = system.simulator.orders().map((order) => ({
		client_order_id: order.orderLinkId,
		side: order.side.toUpperCase(),
		filled: Number(order.cumExecQty),
		category: order.category,
		fills: order.fills.map(({ execId }) => execId).toSorted(),
	}));
	expect(orders).toEqual(theirs.toSorted((a, b) => (a.client_order_id < b.client_order_id ? -1 : 1)));
	expect(await checkLedger(system.database.pool, {})).toEqual([]);
	expect(
		await rows(
			`select code, subject, message from botbox.alerts
			  where resolved_at is null and (code like 'RECONCILIATION%' or code like 'FOREIGN%' or code = 'PAIR_UNBALANCED')`,
		),
	).toEqual([]);
}

/** Each test begins flat, with no bot but its own. */
afterEach(async () => {
	system.simulator.clearFaults();
	const bots = await rows(`select id from botbox.bots where status <> 'DELETED'`);
	for (const { id } of bots)
		await setBotStatus(system.database.pool, { botId: id, status: 'DELETED', now: system.now() });
});

test('enters both legs, earns funding, leaves when it turns; every fill is the one of the exchange', async () => {
	const before = system.simulator.orders().length;
	const bot = await makePair('round trip');
	await payFunding(0.0008);
	await minutesUntil(async () => Object.keys(await openOf(bot)).length === 2);
	const entries = await tradesOf(bot);
	expect(entries).toMatchObject([
		{ market: 'spot', direction: 'LONG', side: 'BUY', status: 'EXECUTED', trigger: 'FUNDING_ENTRY' },
		{ market: 'linear', direction: 'SHORT', side: 'SELL', status: 'EXECUTED', trigger: 'FUNDING_ENTRY' },
	]);
	expect(entries[0]!.quantity).toBe(entries[1]!.quantity);
	const base = entries[0]!.quantity;
	expect(await openOf(bot)).toEqual({ 'SPOT LONG': base, 'LINEAR SHORT': base });
	const signals = await rows(
		'select id, group_id, factors from botbox.signals where bot_id = $1 order by instrument_id',
		bot,
	);
	expect(signals).toHaveLength(2);
	expect(signals[0].group_id).toBe(signals[1].group_id);
	expect(signals[0].factors).toMatchObject([{ name: 'funding_rate', value: 0.0008 }, { name: 'basis' }]);

	for (const { id } of signals) {
		const again = await reEvaluateSignal(system.database.pool, id);
		expect(again).toMatchObject({ isEqual: true, difference: 0, missing: [] });
	}

	// Held over a settlement: the short receives, in position, ledger and wallet alike.
	await payFunding(0.0008);
	await system.minute();
	const [payment] = await rows(
		`select l.amount, p.funding, i.market_type from botbox.ledger_entries l
		   join botbox.positions p on p.id = l.position_id join botbox.instruments i on i.id = p.instrument_id
		  where l.kind = 'FUNDING' and p.bot_id = $1`,
		bot,
	);
	expect(payment.market_type).toBe('LINEAR');
	expect(Number(payment.amount)).toBeGreaterThan(0);
	expect(Number(payment.funding)).toBe(Number(payment.amount));
	expect(Object.keys(await openOf(bot))).toHaveLength(2);
	await booksAreTheExchanges();

	await payFunding(-0.0005);
	await minutesUntil(async () => Object.keys(await openOf(bot)).length === 0);
	const trades = await tradesOf(bot);
	expect(trades).toHaveLength(4);
	expect(trades.slice(2)).toMatchObject([
		{ market: 'spot', direction: 'CLOSE', side: 'SELL', status: 'EXECUTED', trigger: 'FUNDING_EXIT' },
		{ market: 'linear', direction: 'CLOSE', side: 'BUY', status: 'EXECUTED', trigger: 'FUNDING_EXIT', quantity: base },
	]);
	const accepted = system.simulator.orders().slice(before);
	expect(
		accepted.map(({ category, side, orderStatus, reduceOnly }) => [category, side, orderStatus, reduceOnly]),
	).toEqual(
		expect.arrayContaining([
			['spot', 'Buy', 'Filled', false],
			['linear', 'Sell', 'Filled', false],
			['spot', 'Sell', 'Filled', false],
			['linear', 'Buy', 'Filled', true],
		]),
	);
	expect(accepted).toHaveLength(4);
	await booksAreTheExchanges();
}, 120_000);

interface Undone {
	readonly what: string;
	readonly fault: FaultRequest;
	/** What stands of either leg, as a share of what was asked for. */
	readonly stands: number;
	readonly closes: readonly ('spot' | 'linear')[];
}

test.each<Undone>([
	{
		what: 'the perpetual is not filled',
		fault: { kind: 'no_fill', category: 'linear' },
		stands: 0,
		closes: ['spot'],
	},
	{
		what: 'spot is not filled',
		fault: { kind: 'no_fill', category: 'spot' },
		stands: 0,
		closes: ['linear'],
	},
	{
		what: 'spot is refused',
		fault: { kind: 'insufficient_funds', category: 'spot' },
		stands: 0,
		closes: ['linear'],
	},
	{
		what: 'the perpetual is refused',
		fault: { kind: 'insufficient_funds', category: 'linear' },
		stands: 0,
		closes: ['spot'],
	},
	{
		what: 'the perpetual is filled in part',
		fault: { kind: 'partial_fill', category: 'linear', ratio: 0.5 },
		stands: 0.5,
		closes: ['spot'],
	},
	{
		what: 'the answer about the perpetual is lost',
		fault: { kind: 'timeout_after_accept', category: 'linear', endpoint: '/v5/order/create' },
		stands: 1,
		closes: [],
	},
])(
	'when $what, the legs match in the end and the books are the exchange’s',
	async ({ what, fault, stands, closes }) => {
		const bot = await makePair(what);
		system.simulator.addFault(fault);
		await payFunding(0.0008);
		await minutesUntil(async () => (await tradesOf(bot)).length > 0);
		await setBotStatus(system.database.pool, { botId: bot, status: 'PAUSED', now: system.now() });
		await system.minute();
		await system.minute();
		expect(system.simulator.faults()).toEqual([]);
		const trades = await tradesOf(bot);
		const entries = trades.filter(({ direction }) => direction !== 'CLOSE');
		expect(entries).toHaveLength(2);
		const asked = entries[0]!.quantity;
		const open = await openOf(bot);
		if (stands === 0) expect(open).toEqual({});
		else {
			expect(open['SPOT LONG']).toBe(open['LINEAR SHORT']);
			expect(open['SPOT LONG']! / asked).toBeCloseTo(stands, 1);
		}
		expect(trades.filter(({ direction }) => direction === 'CLOSE')).toMatchObject(
			closes.map((market) => ({ market, trigger: 'LEG_IMBALANCE', status: 'EXECUTED' })),
		);
		await booksAreTheExchanges();

		// What stands is left as any pair is.
		if (stands > 0) {
			await setBotStatus(system.database.pool, { botId: bot, status: 'ACTIVE', now: system.now() });
			await payFunding(-0.0005);
			await minutesUntil(async () => Object.keys(await openOf(bot)).length === 0);
			await booksAreTheExchanges();
		}
	},
	120_000,
);

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

test('a leg that the exchange liquidates or a stop closes takes the other with it', async () => {
	const bot = await makePair('stopped leg');
	await payFunding(0.0008);
	await minutesUntil(async () => Object.keys(await openOf(bot)).length === 2);
	await setBotStatus(system.database.pool, { botId: bot, status: 'PAUSED', now: system.now() });
	// A guarded stop of the short leg: the price has passed it.
	const { pool } = system.database;
	await pool.query(
		`update botbox.positions set stop_loss_price = average_entry_price * 0.9, protection = 'GUARD'
		  where bot_id = $1 and status = 'OPEN' and direction = 'SHORT'`,
		[bot],
	);
	await system.minute();
	await minutesUntil(async () => Object.keys(await openOf(bot)).length === 0, 3);
	const closes = (await tradesOf(bot)).slice(2).map(({ market, trigger }) => `${market} ${trigger}`);
	expect(closes.toSorted()).toEqual(['linear STOP_LOSS', 'spot LEG_IMBALANCE']);
	await booksAreTheExchanges();
}, 120_000);
