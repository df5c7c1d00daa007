/**
 * What an order must satisfy is the exchange's to change: lot, tick, minimum, maximum, notional. The hourly list is obeyed by what is sent
 * after it; within the hour the exchange's refusal makes the list be read at once, and the order goes once more as the market takes it. A close
 * that is larger than one order may be is carried out in several, to the end.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { guardPositions } from '../../src/workers/guard-positions.ts';
import { runMonitor } from '../../src/workers/monitor.ts';
import type { Bot } from '../support/factories/world.ts';
import { type LiveAccount, openLiveAccount } from '../support/live-account.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let account: LiveAccount;
let instrument: LiveAccount['perpetuals'][0];
/** Of the instrument, as the exchange states them before anything is changed. */
let figures: { readonly lot: number; readonly tick: number; readonly price: number };
let taken = 0;

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 14 } });
});
// Each test has an account and an instrument of its own, and a minute in which nobody has read the list after a refusal.
beforeEach(async () => {
	account = await openLiveAccount(system);
	do {
		instrument = account.perpetuals[taken] ?? { id: 0, symbol: '', exchangeSymbol: '' };
		taken += 1;
		figures = { ...(await read()), price: system.simulator.price(instrument.exchangeSymbol, 'linear') };
		// A dozen lots must be worth an order.
	} while (figures.lot * figures.price < 1);
	system.skip(60_000);
});
afterAll(() => system.close());

const read = () =>
	account.one<{ lot: number; tick: number; minimum: number; maximum: number; notional: number }>(
		`select lot_size::float8 as lot, tick_size::float8 as tick, minimum_quantity::float8 as minimum, maximum_quantity::float8 as maximum,
			minimum_notional::float8 as notional from botbox.instruments where id = $1`,
		instrument.id,
	);
const change = (
	changed: Omit<Parameters<SimulatedSystem['simulator']['changeInstrument']>[0], 'symbol' | 'category'>,
) => system.simulator.changeInstrument({ symbol: instrument.exchangeSymbol, category: 'linear', ...changed });
/** So many lots as text, without the dust of floats. */
const lots = (count: number) => String(Number((count * figures.lot).toPrecision(12)));
/** A bot whose entries are of about so many lots. */
const botOf = (count: number): Promise<Bot> =>
	account.makeBot(instrument, { notional: (count + 0.5) * figures.lot * figures.price });
/** What the exchange has of the bot's market: side, quantity and whether it could only reduce, oldest first. */
const sent = () =>
	system.simulator
		.orders({ apiKey: account.credentials.apiKey, symbol: instrument.exchangeSymbol })
		.filter(({ orderLinkId }) => orderLinkId !== '')
		.map(({ side, qty, reduceOnly }) => ({ side, lots: Math.round(Number(qty) / figures.lot), reduceOnly }));
const trades = async (bot: Bot) =>
	(
		await system.database.pool.query<Record<string, unknown>>(
			`select t.direction, t.status, t.reason_code as reason, t.error, t.reserved_capital::float8 as reserved,
				(select sum(o.send_count)::int from botbox.orders o where o.trade_id = t.id) as sendings
			from botbox.trade_queue t where t.bot_id = $1 order by t.queued_at, t.id`,
			[bot.id],
		)
	).rows;
const held = async (bot: Bot) => {
	const { rows } = await system.database.pool.query<{ quantity: number }>(
		`select quantity::float8 as quantity from botbox.positions where bot_id = $1 and status = 'OPEN'`,
		[bot.id],
	);
	return Math.round((rows[0]?.quantity ?? 0) / figures.lot);
};
/** ccxt asks for spot markets, perpetuals and those that are to be listed. */
const requestsPerList = 3;
const listings = () => (system.simulator.requests() as { endpoints: Record<string, number> }).endpoints;
const listingsRead = () => Object.entries(listings()).find(([path]) => path.includes('instruments-info'))?.[1] ?? 0;
/** Minutes of executor, reconciliation and monitor. */
async function minutes(count: number): Promise<void> {
	for (let minute = 0; minute < count; minute += 1) {
		system.skip(60_000);
		await guardPositions(system.context, system.now());
		await system.settle();
		await runMonitor(system.context, system.now());
		await system.settle();
	}
}
/** An hour later, when the list has been read. */
async function anHour(): Promise<void> {
	system.skip(3_600_000);
	await minutes(1);
}
/** The exchange's net is what the books hold, and nothing is told of the account. */
async function expectAgreement(bot: Bot): Promise<void> {
	const [net] = await (await account.venue()).positions();
	expect(Math.round(Number(net?.quantity ?? 0) / figures.lot)).toBe(await held(bot));
	await account.reconcile();
	expect(await account.alerts()).toEqual([]);
}

test('a close larger than one order may be is carried out in several, each as large as may be, and the stop follows', async () => {
	const bot = await botOf(100);
	await account.trade(bot, { stopLossFraction: 0.05 });
	expect(await held(bot)).toBe(100);
	change({ maxMarketQty: lots(40) });
	await anHour();
	expect((await read()).maximum).toBeCloseTo(Number(lots(40)), 9);

	const { tradeId } = await account.decide(bot, { direction: 'CLOSE' });
	expect(tradeId).not.toBeNull();
	await system.settle();
	expect(await held(bot)).toBe(60);
	const [rest] = await (await account.venue()).positions();
	expect(Number(rest?.quantity) / figures.lot).toBeCloseTo(60, 6);
	expect(Number(rest?.stopLossPrice)).toBeGreaterThan(0);
	// At most once a minute each.
	await minutes(3);
	expect(sent().slice(1)).toEqual([40, 40, 20].map((count) => ({ side: 'Sell', lots: count, reduceOnly: true })));
	expect(await trades(bot)).toMatchObject(Array.from({ length: 4 }, () => ({ status: 'EXECUTED', sendings: 1 })));
	expect(await held(bot)).toBe(0);
	expect(await (await account.venue()).openOrders()).toEqual([]);
	await expectAgreement(bot);
});

test('the hourly list: lot, tick, minimum, maximum and notional are taken over, and the next order obeys them', async () => {
	const bot = await botOf(104);
	await anHour();
	change({
		...{ qtyStep: lots(10), minQty: lots(20), maxMarketQty: lots(90), minValue: '7' },
		tickSize: String(Number((figures.tick * 4).toPrecision(12))),
	});
	const before = await read();
	await minutes(1);
	expect(await read()).toEqual(before);
	await anHour();
	const after = await read();
	expect(after.notional).toBe(7);
	expect([after.lot, after.minimum, after.maximum].map((figure) => Math.round(figure / figures.lot))).toEqual([
		10, 20, 90,
	]);
	expect(after.tick / figures.tick).toBeCloseTo(4, 9);

	await account.trade(bot, { stopLossFraction: 0.0513 });
	expect(sent()).toEqual([{ side: 'Buy', lots: 90, reduceOnly: false }]);
	const [position] = await (await account.venue()).positions();
	const ticks = Number(position?.stopLossPrice) / after.tick;
	expect(ticks).toBeCloseTo(Math.round(ticks), 6);
	const small = await botOf(15);
	expect(await account.decide(small)).toMatchObject({ outcome: 'REJECTED', reasonCode: 'BELOW_MINIMUM' });
	await account.trade(bot, { direction: 'CLOSE' });
	await expectAgreement(bot);
});

test('the largest value of a spot order is taken over too: an entry is cut to it', async () => {
	const spot = await account.one<{ id: number; symbol: string; exchangeSymbol: string }>(
		`select id, symbol, exchange_symbol as "exchangeSymbol" from botbox.instruments where market_type = 'SPOT' and exchange_symbol = $1`,
		instrument.exchangeSymbol,
	);
	const bot = await account.makeBot(spot, { notional: 900 });
	system.simulator.changeInstrument({ symbol: spot.exchangeSymbol, category: 'spot', maxValue: '500' });
	await anHour();
	await account.trade(bot);
	const [order] = system.simulator.orders({ apiKey: account.credentials.apiKey, symbol: spot.exchangeSymbol });
	const value = Number(order?.qty) * (await account.lastPrice(bot));
	expect(value).toBeLessThanOrEqual(500);
	expect(value).toBeGreaterThan(450);
});

test('a coarser lot within the hour: the entry is refused, the list read at once, and the entry goes as the market takes it', async () => {
	const bot = await botOf(57);
	const other = await account.makeBot(instrument, { notional: 33.5 * figures.lot * figures.price });
	const { tradeId } = await account.decide(bot);
	const second = await account.decide(other);
	expect([tradeId, second.tradeId]).not.toContain(null);
	change({ qtyStep: lots(10), minQty: lots(10) });
	const before = listingsRead();
	await system.settle();
	expect(await trades(bot)).toMatchObject([{ status: 'EXECUTED', reason: null, sendings: 2 }]);
	expect(await trades(other)).toMatchObject([{ status: 'EXECUTED', reason: null, sendings: 2 }]);
	expect(
		sent()
			.map(({ lots: count }) => count)
			.sort(),
	).toEqual([30, 50]);
	expect(await held(bot)).toBe(50);
	expect(listingsRead() - before).toBe(requestsPerList);
	expect(await account.alerts()).toEqual([]);
});

test('a larger minimum within the hour: what is too small is not sent again, and says by how much', async () => {
	const bot = await botOf(12);
	await account.decide(bot);
	change({ minQty: lots(20) });
	await system.settle();
	const [trade] = await trades(bot);
	expect(trade).toMatchObject({ status: 'FAILED', reason: 'BELOW_MINIMUM', reserved: 0, sendings: 1 });
	expect(Number(/ at least ([\d.]+)/.exec(String(trade?.error))?.[1]) / figures.lot).toBeCloseTo(20, 6);
	expect(await account.one('select status, reject_code as code from botbox.orders where bot_id = $1', bot.id)).toEqual({
		status: 'REJECTED',
		code: 'BELOW_MINIMUM',
	});
	expect(sent()).toEqual([]);
	expect(await account.decide(bot)).toMatchObject({ outcome: 'REJECTED', reasonCode: 'BELOW_MINIMUM' });
	expect(await account.alerts()).toEqual([]);
});

test('a lower maximum within the hour: the close is cut to it at once, and the rest follows', async () => {
	const bot = await botOf(50);
	await account.trade(bot);
	await account.decide(bot, { direction: 'CLOSE' });
	change({ maxMarketQty: lots(30) });
	await system.settle();
	expect(await trades(bot)).toMatchObject([{}, { direction: 'CLOSE', status: 'EXECUTED', sendings: 2 }]);
	expect(await held(bot)).toBe(20);
	expect(await account.alerts()).toEqual([]);
	await minutes(2);
	expect(sent().slice(1)).toEqual([30, 20].map((count) => ({ side: 'Sell', lots: count, reduceOnly: true })));
	expect(await held(bot)).toBe(0);
	await expectAgreement(bot);
});

test('refused though nothing has changed: FAILED with the words of the exchange, after one sending and one list a minute', async () => {
	// Lists are read of exchanges that bots are on.
	const bots = [await botOf(11), await botOf(11)];
	change({ minValue: String(Number((10 * figures.lot * figures.price).toPrecision(6))) });
	await anHour();
	expect((await read()).notional).toBeGreaterThan(5);
	for (const bot of bots) expect((await account.decide(bot)).tradeId).not.toBeNull();
	// By the time of sending they are worth half.
	system.simulator.movePrice(instrument.exchangeSymbol, figures.price / 2, 'linear');
	const before = listingsRead();
	await system.settle();
	for (const bot of bots) {
		expect(await trades(bot)).toMatchObject([
			{
				status: 'FAILED',
				reason: 'EXCHANGE_REFUSED',
				sendings: 1,
				reserved: 0,
				error: expect.stringMatching(/^110094 /),
			},
		]);
	}
	expect(listingsRead() - before).toBe(requestsPerList);
	expect(sent()).toEqual([]);
});
