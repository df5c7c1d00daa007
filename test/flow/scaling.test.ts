/**
 * Positions that grow and shrink, from the signal to the exchange: lots are added and closed one after the other, the exchange's net is what the
 * books hold after each, and its stop moves with the average entry, guards the whole of what is held, and closes exactly that.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { settleOrders } from '../../src/workers/settle-orders.ts';
import type { Bot } from '../support/factories/world.ts';
import { type LiveAccount, openLiveAccount } from '../support/live-account.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let account: LiveAccount;
let instrument: LiveAccount['perpetuals'][0];
let bot: Bot;
/** A version of a strategy that scales in: up to five lots. */
let versionId: number;

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 2 } });
	versionId = await ensureStrategyVersion(system.database.pool, 'grid', {
		...{ timeframe: '1m', grid: 'range', lower: 1, upper: 2, levels: 5, stop_loss_fraction: 0.3 },
		favourable_regimes: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
	});
});
// Each test has an account of its own, with a key of its own.
beforeEach(async () => {
	account = await openLiveAccount(system);
	[instrument] = account.perpetuals as [LiveAccount['perpetuals'][0]];
	bot = await account.makeBot(instrument, { notional: 5_000 });
});
afterAll(() => system.close());

interface Held {
	readonly quantity: number;
	readonly lots: number;
	readonly entry: number;
	readonly stop: number;
	readonly status: string;
}
const booked = () =>
	account.one<Held>(
		`select quantity::float8 as quantity, lots, average_entry_price::float8 as entry, stop_loss_price::float8 as stop, status
		from botbox.positions where bot_id = $1`,
		bot.id,
	);
/** Market orders that the exchange was sent, oldest first, each with what was filled of it. */
const sent = () =>
	system.simulator
		.orders({ apiKey: account.credentials.apiKey })
		.filter(({ orderLinkId }) => orderLinkId !== '')
		.map(({ side, qty, cumExecQty, reduceOnly }) => ({
			side,
			qty: Number(qty),
			filled: Number(cumExecQty),
			reduceOnly,
		}));
function move(factor: number): void {
	const price = system.simulator.price(instrument.exchangeSymbol, 'linear');
	system.simulator.movePrice(instrument.exchangeSymbol, price * factor, 'linear');
}
/** Net and stop at the exchange are the booked ones, and nobody has anything to tell. */
async function expectAgreement(direction: 'LONG' | 'SHORT'): Promise<Held> {
	const held = await booked();
	const [net] = await (await account.venue()).positions();
	expect(Number(net?.quantity)).toBeCloseTo(direction === 'LONG' ? held.quantity : -held.quantity, 9);
	expect(Number(net?.stopLossPrice)).toBe(held.stop);
	await account.reconcile();
	expect(await account.alerts()).toEqual([]);
	return held;
}

test.each([
	['LONG', 1, 0.99, 0.9],
	['SHORT', -1, 1.01, 1.1],
] as const)(
	'%s: three lots in three orders, one of them closed, and the stop takes the two that are left',
	async (direction, sign, worse, beyond) => {
		const entry = { direction, versionId, stopLossFraction: 0.05 } as const;
		for (const lots of [1, 2, 3]) {
			await account.trade(bot, { ...entry, lots: 1 });
			const held = await expectAgreement(direction);
			const last = sent().at(-1);
			expect(last).toMatchObject({ side: direction === 'LONG' ? 'Buy' : 'Sell', reduceOnly: false });
			expect(held.lots).toBe(lots);
			// By the exchange's own fills.
			const { quantity, cost } = filledOf(account);
			expect(held.quantity).toBeCloseTo(quantity, 9);
			expect(held.entry).toBeCloseTo(cost / quantity, 6);
			// At its distance from the average that the signal expected.
			expect(Math.abs(held.stop / held.entry - (1 - sign * 0.05))).toBeLessThan(0.002);
			move(worse);
		}

		const before = await booked();
		await account.trade(bot, { direction: 'CLOSE', trigger: 'GRID_EXIT', versionId, lots: 1 });
		const after = await expectAgreement(direction);
		expect(after).toMatchObject({ lots: 2, entry: before.entry, stop: before.stop, status: 'OPEN' });
		const close = sent().at(-1);
		expect(close).toMatchObject({ side: direction === 'LONG' ? 'Sell' : 'Buy', reduceOnly: true });
		expect(after.quantity).toBeCloseTo(before.quantity - (close?.filled ?? 0), 9);
		// A lot is a third, rounded down.
		expect(Math.abs((close?.qty ?? 0) - before.quantity / 3)).toBeLessThan(0.002);

		move(beyond);
		system.skip(2_000);
		system.simulator.advance();
		await account.reconcile();
		await settleOrders(system.context, { accountId: account.id, now: system.now() });
		expect(await booked()).toMatchObject({ status: 'CLOSED', quantity: 0 });
		const stop = await account.one<{ filled: number; purpose: string }>(
			`select filled_quantity::float8 as filled, purpose from botbox.orders where bot_id = $1 and trade_id is null`,
			bot.id,
		);
		expect(stop).toEqual({ filled: after.quantity, purpose: 'STOP_LOSS' });
		expect(await (await account.venue()).positions()).toEqual([]);
		await account.reconcile();
		expect(await account.alerts()).toEqual([]);
	},
);

test('an added lot that is filled by half, and a close of a quantity that is: books and exchange agree after each', async () => {
	await account.trade(bot, { versionId, stopLossFraction: 0.05, lots: 1 });
	const first = await expectAgreement('LONG');
	move(0.98);
	system.simulator.addFault({ kind: 'partial_fill', ratio: 0.5, apiKey: account.credentials.apiKey });
	await account.trade(bot, { versionId, stopLossFraction: 0.05, lots: 2 });
	const grown = await expectAgreement('LONG');
	const added = sent().at(-1);
	expect(added?.filled).toBeLessThan((added?.qty ?? 0) * 0.6);
	expect(grown.quantity).toBeCloseTo(first.quantity + (added?.filled ?? 0), 9);
	expect(grown.lots).toBe(2);
	expect(grown.stop).toBeLessThan(first.stop);

	system.simulator.addFault({ kind: 'partial_fill', ratio: 0.5, apiKey: account.credentials.apiKey });
	await account.trade(bot, { direction: 'CLOSE', versionId, trigger: 'GRID_EXIT', quantity: grown.quantity / 2 });
	const shrunk = await expectAgreement('LONG');
	const closed = sent().at(-1);
	expect(closed?.filled).toBeGreaterThan(0);
	expect(closed?.filled).toBeLessThan(closed?.qty ?? 0);
	expect(shrunk.quantity).toBeCloseTo(grown.quantity - (closed?.filled ?? 0), 9);
	expect(shrunk.stop).toBe(grown.stop);

	await account.trade(bot, { direction: 'CLOSE', versionId, trigger: 'GRID_EXIT' });
	expect(await booked()).toMatchObject({ status: 'CLOSED', quantity: 0 });
	expect(await (await account.venue()).positions()).toEqual([]);
	expect(await (await account.venue()).openOrders()).toEqual([]);
	await account.reconcile();
	expect(await account.alerts()).toEqual([]);
});

/** What the exchange has filled for the account so far. */
function filledOf({ credentials }: LiveAccount): { quantity: number; cost: number } {
	const fills = system.simulator.orders({ apiKey: credentials.apiKey }).flatMap((order) => order.fills);
	return {
		quantity: fills.reduce((sum, { qty }) => sum + Number(qty), 0),
		cost: fills.reduce((sum, { qty, price }) => sum + Number(qty) * Number(price), 0),
	};
}
