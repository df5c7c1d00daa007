/** Stops at the exchange through the whole system: placed, moved, mended, handed over; leverage, liquidation and margin. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { setAccountLimits, setMarginMode } from '../../src/database/functions/administration.ts';
import { expireTrades } from '../../src/database/functions/trades.ts';
import { guardPositions } from '../../src/workers/guard-positions.ts';
import { settleOrders } from '../../src/workers/settle-orders.ts';
import { type LiveAccount, openLiveAccount } from '../support/live-account.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let account: LiveAccount;
let instrument: LiveAccount['perpetuals'][0];
beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 2 } });
});
// Each test has an account of its own, with a key of its own.
beforeEach(async () => {
	account = await openLiveAccount(system);
	[instrument] = account.perpetuals as [LiveAccount['perpetuals'][0]];
});
afterAll(() => system.close());

/** Stops that stand at the exchange for its only position; null where it holds none. */
async function standing() {
	const [position] = await (await account.venue()).positions();
	if (position === undefined) return null;
	const number = (price: string | null | undefined) => (price == null ? null : Number(price));
	return [number(position.stopLossPrice), number(position.takeProfitPrice)];
}

const booked = (botId: number) =>
	account.one<{ protection: string; stop: number | null; target: number | null; status: string }>(
		`select protection, status, stop_loss_price::float8 as stop, take_profit_price::float8 as target
		from botbox.positions where bot_id = $1`,
		botId,
	);

test('placed for what was filled, found missing within a run, mended, and gone with the position', async () => {
	const bot = await account.makeBot(instrument);
	await account.trade(bot, { stopLossFraction: 0.05, takeProfitFraction: 0.1 });
	const { stop, target } = await booked(bot.id);
	expect(await booked(bot.id)).toMatchObject({ protection: 'EXCHANGE', status: 'OPEN' });
	expect(await standing()).toEqual([stop, target]);
	await account.reconcile();
	expect(await account.alerts()).toEqual([]);

	// Only a moved stop is as wrong as none.
	await (await account.venue()).setStops(instrument.symbol, {
		stopLossPrice: String((stop ?? 0) * 0.5),
		takeProfitPrice: String(target),
	});
	await account.reconcile();
	expect(await account.alerts()).toEqual([expect.stringMatching(/^STOP_MISSING/)]);
	expect(await standing()).toEqual([stop, target]);
	await account.reconcile();
	expect(await account.alerts()).toEqual([]);

	await account.trade(bot, { direction: 'CLOSE' });
	expect(await standing()).toBeNull();
	expect(await (await account.venue()).openOrders()).toEqual([]);
	await account.reconcile();
	expect(await account.alerts()).toEqual([]);
});

test('an order that the exchange made from our stop is booked as ours', async () => {
	const bot = await account.makeBot(instrument);
	await account.trade(bot, { stopLossFraction: 0.02 });
	const price = await account.lastPrice(bot);
	system.simulator.movePrice(instrument.exchangeSymbol, price * 0.9, 'linear');
	system.skip(2_000);
	system.simulator.advance();
	await account.reconcile();
	expect(await booked(bot.id)).toMatchObject({ status: 'CLOSED' });
	expect(
		await account.one(
			`select purpose, status from botbox.orders where trade_id is null and account_id = $1`,
			account.id,
		),
	).toEqual({
		purpose: 'STOP_LOSS',
		status: 'FILLED',
	});
	expect(await account.alerts()).toEqual([]);
});

test('a stop of the exchange that is filled in part ends as the exchange says, and the rest is guarded again', async () => {
	const bot = await account.makeBot(instrument);
	await account.trade(bot, { stopLossFraction: 0.02 });
	const { quantity } = await account.one<{ quantity: string }>(
		'select quantity::text from botbox.positions where bot_id = $1',
		bot.id,
	);
	// For this account alone: positions of the tests before may have stops that the same move of the price sets off.
	system.simulator.addFault({ kind: 'partial_fill', count: 1, ratio: 0.5, apiKey: account.credentials.apiKey });
	system.simulator.movePrice(instrument.exchangeSymbol, (await account.lastPrice(bot)) * 0.9, 'linear');
	system.skip(2_000);
	system.simulator.advance();
	await account.reconcile();
	await settleOrders(system.context, { accountId: account.id, now: system.now() });
	const order = await account.one<{ status: string; filled: string }>(
		`select status, filled_quantity::text as filled from botbox.orders where trade_id is null and account_id = $1`,
		account.id,
	);
	expect(order.status).toBe('CANCELLED');
	expect(Number(order.filled)).toBeGreaterThan(0);
	expect(Number(order.filled)).toBeLessThan(Number(quantity));
	// The price lies beyond the stop, so the exchange takes none again: the guard closes the rest.
	await account.reconcile();
	system.skip(6_000);
	await guardPositions(system.context, system.now());
	await system.settle();
	expect(await booked(bot.id)).toMatchObject({ status: 'CLOSED' });
	await account.reconcile();
	expect(await account.alerts()).toEqual([]);
});

test('a vanished stop that the exchange no longer takes goes to the guard, which closes with the next price', async () => {
	const bot = await account.makeBot(instrument);
	await account.trade(bot, { stopLossFraction: 0.02 });
	await (await account.venue()).setStops(instrument.symbol, { stopLossPrice: null, takeProfitPrice: null });
	system.simulator.movePrice(instrument.exchangeSymbol, (await account.lastPrice(bot)) * 0.9, 'linear');
	await account.reconcile();
	expect(await account.alerts()).toEqual([expect.stringMatching(/^STOP_MISSING/)]);
	expect(await booked(bot.id)).toMatchObject({ protection: 'GUARD', status: 'OPEN' });
	system.skip(6_000);
	await guardPositions(system.context, system.now());
	await system.settle();
	expect(await booked(bot.id)).toMatchObject({ status: 'CLOSED' });
	await account.reconcile();
	expect(await account.alerts()).toEqual([]);
});

test("before a second bot enters, the first one's stops leave the exchange: they would close both", async () => {
	const first = await account.makeBot(instrument);
	await account.trade(first, { stopLossFraction: 0.05 });
	const second = await account.makeBot(instrument);
	await account.trade(second, { stopLossFraction: 0.3 });
	expect(await standing()).toEqual([null, null]);
	expect(await booked(first.id)).toMatchObject({ protection: 'GUARD' });
	expect(await booked(second.id)).toMatchObject({ protection: 'GUARD' });

	// The first one's stop closes the first one alone.
	system.simulator.movePrice(instrument.exchangeSymbol, (await account.lastPrice(first)) * 0.9, 'linear');
	system.skip(6_000);
	await guardPositions(system.context, system.now());
	await system.settle();
	expect(await booked(first.id)).toMatchObject({ status: 'CLOSED' });
	expect(await booked(second.id)).toMatchObject({ status: 'OPEN' });
	await account.reconcile();
	expect(await account.alerts()).toEqual([]);
});

test('stops that stand at the exchange beside another bot all the same are handed over by the next run', async () => {
	const first = await account.makeBot(instrument);
	await account.trade(first, { stopLossFraction: 0.05 });
	const second = await account.makeBot(instrument);
	await account.trade(second);
	// As if both entries had been under way at once.
	const { stop } = await booked(first.id);
	await (await account.venue()).setStops(instrument.symbol, { stopLossPrice: String(stop), takeProfitPrice: null });
	await system.database.pool.query(`update botbox.positions set protection = 'EXCHANGE' where bot_id = $1`, [first.id]);
	await account.reconcile();
	expect(await standing()).toEqual([null, null]);
	expect(await booked(first.id)).toMatchObject({ protection: 'GUARD' });
	expect(await account.alerts()).toEqual([]);
});

test('leverage is set once; a stop beyond the liquidation price is refused with its figures', async () => {
	const bot = await account.makeBot(instrument, { leverage: 20 });
	expect(await account.decide(bot, { stopLossFraction: 0.045 })).toMatchObject({
		outcome: 'REJECTED',
		reasonCode: 'STOP_BEYOND_LIQUIDATION',
	});
	const { details } = await account.one<{ details: Record<string, number> }>(
		`select details from botbox.signals where reason_code = 'STOP_BEYOND_LIQUIDATION' and direction = 'LONG' and account_id = $1`,
		account.id,
	);
	expect(details.leverage).toBe(20);
	expect(details.liquidation_price).toBeCloseTo((details.entry_price ?? 0) * 0.96, 6);
	expect(details.stop_loss_price).toBeLessThan(details.liquidation_price ?? 0);
	expect(await account.decide(bot, { direction: 'SHORT', stopLossFraction: 0.045 })).toMatchObject({
		reasonCode: 'STOP_BEYOND_LIQUIDATION',
	});
	await account.trade(bot, { stopLossFraction: 0.03 });
	const { list } = (
		await account.person.privateGetV5PositionList({ category: 'linear', symbol: instrument.exchangeSymbol })
	).result as { list: { leverage: string }[] };
	expect(Number(list[0]?.leverage)).toBe(20);
});

test('the margin mode of an account is set once per instrument, changed while flat, and an entry that cannot have it is not sent', async () => {
	const { pool } = system.database;
	const modeThere = async () =>
		((await account.person.privateGetV5AccountInfo()).result as { marginMode: string }).marginMode;
	const calls = (path: string) =>
		(system.simulator.requests() as { keys: Record<string, Record<string, number>> }).keys[
			account.credentials.apiKey
		]?.[path] ?? 0;
	const settings = () =>
		account.one<{ leverage: number; margin_mode: string | null }>(
			'select leverage::float8 as leverage, margin_mode from botbox.instrument_settings where account_id = $1',
			account.id,
		);
	const set = (marginMode: string | null) =>
		setMarginMode(pool, { accountId: account.id, marginMode, now: system.now() });
	const bot = await account.makeBot(instrument, { leverage: 2 });
	await account.trade(bot);
	// Without a word of ours the mode is the exchange's own.
	expect(calls('/v5/account/set-margin-mode')).toBe(0);
	expect(await settings()).toEqual({ leverage: 2, margin_mode: null });
	await expect(set('ISOLATED')).rejects.toThrow(/holds or enters 1 perpetual position/);
	await account.trade(bot, { direction: 'CLOSE' });

	expect(await set('ISOLATED')).toBe(true);
	expect(await set('ISOLATED')).toBe(false);
	await account.trade(bot);
	expect(await modeThere()).toBe('ISOLATED_MARGIN');
	expect(await settings()).toEqual({ leverage: 2, margin_mode: 'ISOLATED' });
	const asked = calls('/v5/account/info') + calls('/v5/position/set-leverage');
	await account.trade(bot, { direction: 'CLOSE' });
	await account.trade(bot);
	expect(calls('/v5/account/info') + calls('/v5/position/set-leverage')).toBe(asked);
	await account.trade(bot, { direction: 'CLOSE' });

	// A person holds something there by hand: the exchange refuses, nothing is sent, and the trade says why.
	expect(await set('CROSS')).toBe(true);
	await account.person.privatePostV5OrderCreate({
		...{
			category: 'linear',
			symbol: account.perpetuals[1]?.exchangeSymbol ?? '',
			side: 'Buy',
			orderType: 'Market',
			qty: '1',
		},
	});
	const { tradeId } = await account.decide(bot);
	await system.settle();
	expect(await account.one('select status, error from botbox.trade_queue where id = $1', tradeId)).toEqual({
		status: 'PENDING',
		error: expect.stringMatching(/margin mode of .* was refused: .*3400045/),
	});
	system.skip(300_000);
	await expireTrades(pool, { now: system.now() });
	expect(
		await account.one('select status, reason_code, error from botbox.trade_queue where id = $1', tradeId),
	).toMatchObject({ status: 'EXPIRED', reason_code: 'TTL_EXPIRED', error: expect.stringContaining('3400045') });
	expect(await account.one('select count(*)::int as orders from botbox.orders where trade_id = $1', tradeId)).toEqual({
		orders: 0,
	});
});

test('what another worker has set since is set anew: the row remembers, not the process', async () => {
	const slow = await account.makeBot(instrument, { leverage: 2 });
	const fast = await account.makeBot(instrument, { leverage: 5 });
	const leverageThere = async () => {
		const { result } = await account.person.privateGetV5PositionList({
			category: 'linear',
			symbol: instrument.exchangeSymbol,
		});
		return Number((result as { list: { leverage: string }[] }).list[0]?.leverage);
	};
	await account.trade(slow);
	expect(await account.decide(fast)).toMatchObject({ outcome: 'REJECTED', reasonCode: 'LEVERAGE_IN_USE' });
	expect(await leverageThere()).toBe(2);
	await account.trade(slow, { direction: 'CLOSE' });
	await account.trade(fast);
	expect(await leverageThere()).toBe(5);
	await account.trade(fast, { direction: 'CLOSE' });
	await account.trade(slow);
	expect(await leverageThere()).toBe(2);
});

test('a margin that maintenance takes too much of alerts and reduces the account, until a person resumes it', async () => {
	const { pool } = system.database;
	const bot = await account.makeBot(instrument, { leverage: 10, notional: 50_000 });
	await account.trade(bot);
	await account.reconcile();
	const { ratio } = await account.one<{ ratio: number }>(
		'select margin_ratio::float8 as ratio from reporting.account_margin where account_id = $1',
		account.id,
	);
	// The simulated exchange asks for half a percent of 50,000 of 100,000.
	expect(ratio).toBeCloseTo(0.0025, 3);
	expect(await account.alerts()).toEqual([]);

	await setAccountLimits(pool, { accountId: account.id, limits: { max_margin_ratio: 0.002 } });
	await account.reconcile();
	expect(await account.alerts()).toEqual([
		`ACCOUNT_REDUCING account ${account.id}`,
		`MARGIN_RATIO_HIGH account ${account.id}`,
	]);
	expect(await account.one('select status, status_reason from botbox.accounts where id = $1', account.id)).toEqual({
		status: 'REDUCING',
		status_reason: expect.stringMatching(/^maintenance takes 0\.2\d*% of its margin, the limit is 0\.2%$/),
	});
	await account.trade(bot, { direction: 'CLOSE' });
	await account.reconcile();
	expect(await account.alerts('MARGIN%')).toEqual([]);
	expect(await account.one('select status from botbox.accounts where id = $1', account.id)).toEqual({
		status: 'REDUCING',
	});
});
