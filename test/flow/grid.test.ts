/**
 * The grid on the simulated exchange, fill by fill: the price is walked across known lines, and every order that the exchange
 * has must be the one that the lines call for: which side, how many lots, how much.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
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
import { credentials, masterKey, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let live: number;

/** Of an entry, in USDT per lot. */
const notional = 500;

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 4 } });
	const { pool } = system.database;
	live = await createAccount(pool, {
		...{ name: 'live', exchangeId: 'sim', mode: 'LIVE', settleAsset: 'USDT', capital: 50_000, now: system.now() },
		credentials: encryptCredentials(credentials, masterKey),
	});
	const venue = await system.context.venues.tradingVenue(live);
	await recordOpeningBalances(pool, { accountId: live, balances: await venue.balances(), now: system.now() });
});
afterAll(() => system.close());

const rows = async (sql: string, ...values: unknown[]) => (await system.database.pool.query(sql, values)).rows;

interface Sent {
	readonly side: string;
	readonly qty: number;
	readonly filled: number;
	readonly reduceOnly: boolean;
}

interface Stage {
	readonly bot: number;
	readonly symbol: string;
	readonly lotSize: number;
	/** Moves the market to so many levels below the centre, lets a minute pass, and answers what the exchange was sent. */
	walkTo(depth: number): Promise<readonly Sent[]>;
	position(): Promise<{ lots: number; quantity: number; direction: string } | null>;
	/** What the last signal of the bot was about. */
	lastSignal(): Promise<{ trigger_reason: string; lots: number | null; price: number }>;
}

/** A grid of four lines, 2% apart, on the minutes of the `nth` perpetual; the price stands at its centre. */
async function stage(nth: number, parameters: Record<string, unknown> = {}): Promise<Stage> {
	const { pool } = system.database;
	const perpetuals = (await findInstruments(pool, { exchangeId: 'sim' })).filter((one) => one.marketType === 'LINEAR');
	const [instrument] = await rows(
		'select id, exchange_symbol as symbol, lot_size::float as lot from botbox.instruments where id = $1',
		perpetuals[nth]!.id,
	);
	const center = system.simulator.price(instrument.symbol, 'linear');
	const [upper, lower] = [center, center * 0.9];
	const bot = await createBot(pool, {
		name: `grid ${nth}`,
		strategyVersionId: await ensureStrategyVersion(pool, 'grid', {
			...{ timeframe: '1m', grid: 'range', lower, upper, levels: 4, stop_loss_fraction: 0.3 },
			favourable_regimes: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
			...parameters,
		}),
		accountId: live,
		instrumentId: instrument.id,
		intervalMinutes: 1,
		sizing: 'FIXED_NOTIONAL',
		sizingValue: notional,
		now: system.now(),
	});
	const orders = () =>
		system.simulator
			.orders({ apiKey: credentials.apiKey, symbol: instrument.symbol })
			// Stops of positions are orders too, made by the exchange, and wait.
			.filter(({ orderLinkId }) => orderLinkId !== '');
	// The feed's history comes with the first fetch.
	system.simulator.movePrice(instrument.symbol, center * 1.01, 'linear');
	for (let minute = 0; minute < 2; minute++) await system.minute();
	return {
		bot,
		symbol: instrument.symbol,
		lotSize: instrument.lot,
		walkTo: async (depth) => {
			const before = orders().length;
			system.simulator.movePrice(instrument.symbol, center * (1 - 0.02 * depth), 'linear');
			await system.minute();
			const sent = orders().slice(before);
			return sent.map(({ side, qty, cumExecQty, reduceOnly }) => ({
				side,
				qty: Number(qty),
				filled: Number(cumExecQty),
				reduceOnly,
			}));
		},
		position: async () => {
			const [held] = await rows(
				`select lots, quantity::float as quantity, direction from botbox.positions where bot_id = $1 and status = 'OPEN'`,
				bot,
			);
			return held ?? null;
		},
		lastSignal: async () => {
			const [signal] = await rows(
				'select trigger_reason, lots, price::float as price from botbox.signals where bot_id = $1 order by id desc limit 1',
				bot,
			);
			return signal;
		},
	};
}

/** Quantity of `lots` at the price on which was decided. */
async function sizeOf({ lastSignal, lotSize }: Stage, lots: number): Promise<number> {
	const { price } = await lastSignal();
	return lots * Math.floor(notional / price / lotSize) * lotSize;
}

/** What is open at the exchange must be what the bot holds, and the books must balance. */
async function expectBooksAgree({ symbol, position }: Stage): Promise<void> {
	const fills = system.simulator
		.orders({ apiKey: credentials.apiKey, symbol })
		.flatMap(({ side, fills: made }) => made.map(({ qty }) => (side === 'Buy' ? 1 : -1) * Number(qty)));
	const net = fills.reduce((sum, quantity) => sum + quantity, 0);
	const held = await position();
	expect(net).toBeCloseTo(held === null ? 0 : held.quantity * (held.direction === 'LONG' ? 1 : -1), 9);
	expect(await checkLedger(system.database.pool, {})).toEqual([]);
	expect(
		await rows(
			`select code, subject from botbox.alerts where code like 'RECONCILIATION%' or code like 'FOREIGN%' or severity = 'CRITICAL'`,
		),
	).toEqual([]);
}

test('every crossing is one order of as many lots, and nothing else is', async () => {
	const grid = await stage(0);
	let held = 0;
	let lots = 0;
	/** From one price to the next: the order that must have been sent, as lots entered or closed. */
	const steps: [depth: number, change: number, reason?: string][] = [
		[0.5, 0],
		[1.5, 1, 'GRID_ENTRY'],
		[1.4, 0],
		[3.5, 2, 'GRID_ENTRY'],
		[2.5, 0],
		[3.6, 0],
		[1.5, -1, 'GRID_EXIT'],
		[3.5, 1, 'GRID_ENTRY'],
		[0.5, -2, 'GRID_EXIT'],
		[-0.5, -1, 'GRID_EXIT'],
		[-1, 0],
		[4.5, 4, 'GRID_ENTRY'],
		[5.5, -4, 'GRID_OUT_OF_RANGE'],
		[5.3, 0],
		[4.5, 4, 'GRID_ENTRY'],
		[2.5, -1, 'GRID_EXIT'],
		[-0.5, -3, 'GRID_EXIT'],
	];
	for (const [depth, change, reason] of steps) {
		const sent = await grid.walkTo(depth);
		const what = `to ${depth} levels`;
		if (change === 0) {
			expect(sent, what).toEqual([]);
		} else {
			const signal = await grid.lastSignal();
			expect(signal.trigger_reason, what).toBe(reason);
			const isAll = lots + change === 0;
			expect(signal.lots, what).toBe(isAll ? null : Math.abs(change));
			const share = Math.floor((held * -change) / lots / grid.lotSize + 1e-9) * grid.lotSize;
			const quantity = change > 0 ? await sizeOf(grid, change) : isAll ? held : share;
			expect(sent, what).toEqual([
				{
					side: change > 0 ? 'Buy' : 'Sell',
					qty: expect.closeTo(quantity, 9),
					filled: sent[0]?.qty,
					reduceOnly: change < 0,
				},
			]);
			held += change > 0 ? quantity : -quantity;
		}
		lots += change;
		const position = await grid.position();
		if (lots === 0) expect(position, what).toBeNull();
		else expect(position, what).toEqual({ lots, quantity: expect.closeTo(held, 9), direction: 'LONG' });
		await expectBooksAgree(grid);
	}
	// Each order was sent once, under a name of its own.
	const theirs = system.simulator.orders({ apiKey: credentials.apiKey, symbol: grid.symbol });
	const named = theirs.filter(({ orderLinkId }) => orderLinkId !== '');
	expect(named).toHaveLength(steps.filter(([, change]) => change !== 0).length);
	const ours = await rows('select client_order_id as id from botbox.orders where bot_id = $1', grid.bot);
	expect(ours.map(({ id }) => id).toSorted()).toEqual(named.map(({ orderLinkId }) => orderLinkId).toSorted());
	// Up and down within the grid it gained; out of range it lost.
	const gains = await rows(
		`select p.realised_pnl > 0 as gained from botbox.positions p where p.bot_id = $1 order by p.id`,
		grid.bot,
	);
	expect(gains.map(({ gained }) => gained)).toEqual([true, false, true]);
	await setBotStatus(system.database.pool, { botId: grid.bot, status: 'DELETED', now: system.now() });
}, 120_000);

test('both sides, one at a time: across the centre it closes first and enters with the next check', async () => {
	const grid = await stage(1, { direction: 'BOTH', out_of_range: 'hold', levels: 2 });
	// The middle of the range lies 2.5 of the stage's levels down, and a third of the way to its ends is one line.
	const line = 5 / 6;
	const at = (depth: number) => grid.walkTo(2.5 + depth * line);
	expect(await at(0)).toEqual([]);
	expect(await at(2.5)).toMatchObject([{ side: 'Buy', qty: expect.closeTo(await sizeOf(grid, 2), 9) }]);
	expect(await at(-1.5)).toMatchObject([{ side: 'Sell', reduceOnly: true }]);
	expect(await grid.position()).toBeNull();
	expect(await at(-1.5)).toMatchObject([
		{ side: 'Sell', qty: expect.closeTo(await sizeOf(grid, 1), 9), reduceOnly: false },
	]);
	expect(await grid.position()).toMatchObject({ direction: 'SHORT', lots: 1 });
	expect(await at(-2.5)).toMatchObject([{ side: 'Sell', qty: expect.closeTo(await sizeOf(grid, 1), 9) }]);
	// Beyond the end it holds what it has.
	expect(await at(-3.5)).toEqual([]);
	expect(await grid.position()).toMatchObject({ direction: 'SHORT', lots: 2 });
	await expectBooksAgree(grid);
	expect(await at(0.5)).toMatchObject([{ side: 'Buy', reduceOnly: true }]);
	expect(await grid.position()).toBeNull();
	await expectBooksAgree(grid);
	await setBotStatus(system.database.pool, { botId: grid.bot, status: 'DELETED', now: system.now() });
}, 120_000);

test('a trailing stop closes all lots, while the stop-loss stands at the exchange', async () => {
	const grid = await stage(2, { trailing_stop_fraction: 0.05 });
	await grid.walkTo(2.5);
	const [entered] = await rows(
		`select protection, best_price::float as best, lots from botbox.positions where bot_id = $1`,
		grid.bot,
	);
	expect(entered).toMatchObject({ protection: 'EXCHANGE', lots: 2 });
	// Up without reaching a line, then back by more than 5% of the best price: the guard sees it before the check does.
	await grid.walkTo(1.1);
	const [moved] = await rows(
		`select best_price::float as best, trailing_stop_price::float as trail
		   from botbox.positions p join reporting.positions r on r.position_id = p.id where p.bot_id = $1`,
		grid.bot,
	);
	expect(moved.best).toBeGreaterThan(entered.best * 1.02);
	expect(moved.trail).toBeCloseTo(moved.best * 0.95, 9);
	const sent = await grid.walkTo(4.5);
	expect(sent[0]).toMatchObject({ side: 'Sell', reduceOnly: true });
	const [closed] = await rows(
		`select status, (select trigger_reason from botbox.trade_queue t where t.position_id = p.id) as reason
		   from botbox.positions p where bot_id = $1 order by id limit 1`,
		grid.bot,
	);
	expect(closed).toEqual({ status: 'CLOSED', reason: 'TRAILING_STOP' });
	await expectBooksAgree(grid);
	await setBotStatus(system.database.pool, { botId: grid.bot, status: 'DELETED', now: system.now() });
}, 120_000);

test('orders that are filled in part: the lot that is missing is asked for again, the rest of a close follows', async () => {
	const grid = await stage(3);
	const halved = () => system.simulator.addFault({ kind: 'partial_fill', count: 1 });
	halved();
	const [entry] = await grid.walkTo(3.5);
	expect(entry!.filled).toBeGreaterThan(0);
	expect(entry!.filled).toBeLessThan(entry!.qty);
	const lots = Math.ceil((3 * entry!.filled) / entry!.qty);
	expect(await grid.position()).toMatchObject({ lots, quantity: expect.closeTo(entry!.filled, 9) });
	// The next candle asks for what is missing of the three.
	const [further] = await grid.walkTo(3.5);
	expect(further).toMatchObject({ side: 'Buy', qty: expect.closeTo(await sizeOf(grid, 3 - lots), 9) });
	expect(await grid.position()).toMatchObject({ lots: 3 });
	const before = (await grid.position())!.quantity;

	halved();
	const [close] = await grid.walkTo(1.5);
	expect(close!.filled).toBeLessThan(close!.qty);
	await expectBooksAgree(grid);
	// The rest of it is sold by the retry, one minute later, and no more than that.
	let sold = close!.filled;
	for (let minute = 0; minute < 3; minute++) for (const { filled } of await grid.walkTo(1.5)) sold += filled;
	expect(sold).toBeCloseTo(close!.qty, 9);
	expect(await grid.position()).toMatchObject({ lots: 2, quantity: expect.closeTo(before - close!.qty, 9) });
	await expectBooksAgree(grid);
	await setBotStatus(system.database.pool, { botId: grid.bot, status: 'DELETED', now: system.now() });
}, 120_000);
