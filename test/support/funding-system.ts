/** A LIVE account on the simulated exchange, one coin's spot market and perpetual, and funding that tests steer. */
import { expect } from 'vitest';
import {
	createAccount,
	createBot,
	recordOpeningBalances,
	setBotStatus,
} from '../../src/database/functions/administration.ts';
import { checkLedger } from '../../src/database/functions/guards.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { reconcileAccounts } from '../../src/workers/reconcile.ts';
import { credentials, masterKey, type SimulatedSystem, startSimulatedSystem } from './simulated-system.ts';

const hourMs = 3_600_000;
export let system: SimulatedSystem;
let accountId: number;
export let spotId: number;
export let perpetualId: number;
let symbol: string;

/** Before all tests of a file. */
export async function startFundingSystem(): Promise<void> {
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
}

export const rows = async (sql: string, ...values: unknown[]) => (await system.database.pool.query(sql, values)).rows;

/** Every settlement from the next one on pays `rate`; time moves past that one. */
export async function payFunding(rate: number): Promise<void> {
	system.simulator.setFunding(symbol, rate);
	const next = (Math.floor(system.now().getTime() / (8 * hourMs)) + 1) * 8 * hourMs;
	system.skip(next - 60_000 - system.now().getTime());
	await system.minute();
}

/** One that judges the pair by the last settlement, every minute; that settlement does not pay yet, whatever was before. */
export async function makePair(name: string): Promise<number> {
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

export async function minutesUntil(holds: () => Promise<boolean>, most = 15): Promise<void> {
	for (let minute = 0; minute < most && !(await holds()); minute++) await system.minute();
	expect(await holds(), await lastChecks()).toBe(true);
}

/** For the message of a test that waited in vain. */
export async function lastChecks(): Promise<string> {
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
export async function tradesOf(bot: number): Promise<Leg[]> {
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

export async function openOf(bot: number): Promise<Record<string, number>> {
	const open = await rows(
		`select i.market_type, p.direction, p.entered_quantity - p.exited_quantity as base
		   from botbox.positions p join botbox.instruments i on i.id = p.instrument_id
		  where p.bot_id = $1 and p.status = 'OPEN'`,
		bot,
	);
	return Object.fromEntries(open.map((row) => [`${row.market_type} ${row.direction}`, Number(row.base)]));
}

/** Orders, fills, positions, balances and ledger against the exchange's own word, fill by fill. */
export async function booksAreTheExchanges(): Promise<void> {
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
export async function removeBots(): Promise<void> {
	system.simulator.clearFaults();
	const bots = await rows(`select id from botbox.bots where status <> 'DELETED'`);
	for (const { id } of bots)
		await setBotStatus(system.database.pool, { botId: id, status: 'DELETED', now: system.now() });
}
