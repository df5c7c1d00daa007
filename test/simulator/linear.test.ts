import type { bybit } from 'ccxt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { apiKey, type Harness, place, startHarness } from './client.ts';

const symbol = 'ETH/USDT:USDT';
let harness: Harness;
let client: bybit;
beforeEach(async () => {
	harness = await startHarness();
	client = harness.client;
});
afterEach(() => harness.simulator.close());

async function usdt(): Promise<number> {
	return (await client.fetchBalance()).USDT!.total!;
}

test('a market order is answered with its ids only, and found by either id with its fills', async () => {
	const placed = await place(client, symbol, 'market', 'buy', 1, undefined, { clientOrderId: 'first-1' });
	expect(placed).toMatchObject({ clientOrderId: 'first-1', status: undefined, average: undefined });
	const byId = await client.fetchOrder(placed.id, symbol, { acknowledged: true });
	expect(byId).toMatchObject({ status: 'closed', filled: 1, remaining: 0, clientOrderId: 'first-1', side: 'buy' });
	// Filled orders are not among the open ones, except when asked for by id.
	expect(await client.fetchOpenOrders(symbol)).toEqual([]);
	const byLink = await client.privateGetV5OrderRealtime({ category: 'linear', orderLinkId: 'first-1' });
	expect(byLink.result.list).toHaveLength(1);
	expect(await client.fetchClosedOrder(placed.id, symbol)).toMatchObject({ id: placed.id, status: 'closed' });
	expect((await client.fetchClosedOrders(symbol)).map((order) => order.id)).toEqual([placed.id]);
	const history = await client.privateGetV5OrderHistory({ category: 'linear', orderLinkId: 'first-1' });
	expect(history.result.list).toHaveLength(1);
	const trades = await client.fetchMyTrades(symbol);
	const amount = trades.reduce((sum, trade) => sum + trade.amount!, 0);
	expect(amount).toBeCloseTo(1, 10);
	expect(trades[0]).toMatchObject({
		order: placed.id,
		takerOrMaker: 'taker',
		fee: { currency: 'USDT', rate: 0.00055 },
	});
	const cost = trades.reduce((sum, trade) => sum + trade.cost!, 0);
	expect(byId.average!).toBeCloseTo(cost / amount, 3);
	expect(await usdt()).toBeCloseTo(100_000 - cost * 0.00055, 6);
});

test('a position opens, grows, turns over and closes with the right average and realised profit', async () => {
	const average = async (id: string): Promise<number> =>
		(await client.fetchOrder(id, symbol, { acknowledged: true })).average!;
	const first = await average((await place(client, symbol, 'market', 'buy', 0.1)).id);
	harness.clock.advance(3_600_000);
	const second = await average((await place(client, symbol, 'market', 'buy', 0.3)).id);
	const [grown] = await client.fetchPositions([symbol]);
	expect(grown).toMatchObject({ side: 'long', contracts: 0.4, hedged: false, leverage: 10 });
	expect(grown!.entryPrice!).toBeCloseTo((first + 3 * second) / 4, 2);
	harness.clock.advance(3_600_000);
	const third = await average((await place(client, symbol, 'market', 'sell', 0.6)).id);
	const [turned] = await client.fetchPositions([symbol]);
	expect(turned).toMatchObject({ side: 'short', contracts: 0.2 });
	expect(turned!.entryPrice!).toBeCloseTo(third, 2);
	harness.clock.advance(60_000);
	const last = await average((await place(client, symbol, 'market', 'buy', 0.2, undefined, { reduceOnly: true })).id);
	expect(await client.fetchPositions()).toEqual([]);
	const profit = (third - (first + 3 * second) / 4) * 0.4 + (third - last) * 0.2;
	const fees = (0.1 * first + 0.3 * second + 0.6 * third + 0.2 * last) * 0.00055;
	expect(await usdt()).toBeCloseTo(100_000 + profit - fees, 2);
	const closed = await client.privateGetV5PositionClosedPnl({ category: 'linear', symbol: 'ETHUSDT' });
	expect(closed.result.list.length).toBeGreaterThanOrEqual(2);
	// Asked for by symbol, an empty position is answered too.
	const empty = await client.privateGetV5PositionList({ category: 'linear', symbol: 'ETHUSDT' });
	expect(empty.result.list[0]).toMatchObject({ size: '0', side: '' });
});

test('an order link id is unique for ever, also of finished and cancelled orders', async () => {
	await place(client, symbol, 'market', 'buy', 1, undefined, { clientOrderId: 'once' });
	await expect(place(client, symbol, 'market', 'buy', 1, undefined, { clientOrderId: 'once' })).rejects.toThrow(
		/110072/,
	);
	await expect(place(client, 'BTC/USDT:USDT', 'limit', 'buy', 1, 30_000, { clientOrderId: 'once' })).rejects.toThrow(
		/110072/,
	);
	expect(harness.simulator.orders({ apiKey }).filter((order) => order.orderLinkId === 'once')).toHaveLength(1);
	harness.simulator.registerKey({ apiKey: 'other', secret: 'other' });
	client.apiKey = 'other';
	client.secret = 'other';
	await place(client, symbol, 'market', 'buy', 1, undefined, { clientOrderId: 'once' });
});

test('reduce-only orders never open a position and are cut to its size', async () => {
	await expect(place(client, symbol, 'market', 'sell', 1, undefined, { reduceOnly: true })).rejects.toThrow(/110017/);
	await place(client, symbol, 'market', 'buy', 1);
	await expect(place(client, symbol, 'market', 'buy', 1, undefined, { reduceOnly: true })).rejects.toThrow(/110017/);
	const { id } = await place(client, symbol, 'market', 'sell', 5, undefined, { reduceOnly: true });
	expect(await client.fetchOrder(id, symbol, { acknowledged: true })).toMatchObject({ filled: 1, status: 'canceled' });
	expect(await client.fetchPositions()).toEqual([]);
});

test('an order beyond the depth of the book is filled in part and cancelled', async () => {
	harness.simulator.registerKey({ apiKey: 'rich', secret: 'rich', balances: { USDT: '50000000' } });
	client.apiKey = 'rich';
	client.secret = 'rich';
	const { id } = await place(client, symbol, 'market', 'buy', 4_000);
	const order = await client.fetchOrder(id, symbol, { acknowledged: true });
	expect(order.filled!).toBeGreaterThan(100);
	expect(order.filled!).toBeLessThan(4_000);
	expect(order.info).toMatchObject({
		orderStatus: 'Cancelled',
		rejectReason: 'EC_NoImmediateQtyToFill',
		leavesQty: '0',
	});
	expect((await client.fetchMyTrades(symbol)).length).toBe(40);
	// The book is empty until the next point of the path.
	const again = await place(client, symbol, 'market', 'buy', 1);
	expect(await client.fetchOrder(again.id, symbol, { acknowledged: true })).toMatchObject({
		filled: 0,
		status: 'canceled',
	});
	harness.clock.advance(5_000);
	const later = await place(client, symbol, 'market', 'buy', 1);
	expect(await client.fetchOrder(later.id, symbol, { acknowledged: true })).toMatchObject({ filled: 1 });
});

test('limit orders rest until the market trades at them, then fill as maker at their price', async () => {
	const last = harness.simulator.price('ETHUSDT', 'linear');
	const { id } = await place(client, symbol, 'limit', 'buy', 1, last * 0.998);
	expect(await client.fetchOpenOrder(id, symbol)).toMatchObject({ status: 'open', filled: 0, remaining: 1 });
	const resting = (await client.fetchOpenOrders()).map((order) => order.id);
	expect(resting).toEqual([id]);
	const held = (await client.fetchBalance()).USDT!.used!;
	expect(held).toBeCloseTo((last * 0.998) / 10, 0);
	harness.simulator.movePrice('ETHUSDT', last * 0.99);
	const order = await client.fetchClosedOrder(id, symbol);
	expect(order).toMatchObject({ status: 'closed', filled: 1 });
	expect(order.average!).toBeCloseTo(last * 0.998, 1);
	expect((await client.fetchMyTrades(symbol))[0]).toMatchObject({ takerOrMaker: 'maker', fee: { rate: 0.0002 } });
});

test('immediate-or-cancel, fill-or-kill and post-only', async () => {
	const last = harness.simulator.price('ETHUSDT', 'linear');
	const outcome = async (timeInForce: string, amount: number, price: number): Promise<unknown> => {
		const { id } = await place(client, symbol, 'limit', 'buy', amount, price, { timeInForce });
		return (await client.fetchOrder(id, symbol, { acknowledged: true })).info;
	};
	expect(await outcome('IOC', 1, last * 0.999)).toMatchObject({ orderStatus: 'Cancelled', cumExecQty: '0' });
	expect(await outcome('IOC', 1, last * 1.01)).toMatchObject({ orderStatus: 'Filled' });
	expect(await outcome('FOK', 200, last * 1.0001)).toMatchObject({ orderStatus: 'Cancelled', cumExecQty: '0' });
	expect(await outcome('FOK', 1, last * 1.01)).toMatchObject({ orderStatus: 'Filled' });
	expect(await outcome('PostOnly', 1, last * 1.01)).toMatchObject({
		orderStatus: 'Cancelled',
		rejectReason: 'EC_PostOnlyWillTakeLiquidity',
	});
	expect(await outcome('PostOnly', 1, last * 0.99)).toMatchObject({ orderStatus: 'New' });
});

test('orders are amended, cancelled one by one and all together', async () => {
	const last = harness.simulator.price('ETHUSDT', 'linear');
	const { id } = await place(client, symbol, 'limit', 'buy', 1, last * 0.9, { clientOrderId: 'amend-me' });
	await client.editOrder(id, symbol, 'limit', 'buy', 2, last * 0.91);
	expect(await client.fetchOpenOrder(id, symbol)).toMatchObject({
		amount: 2,
		price: Number(client.priceToPrecision(symbol, last * 0.91)),
	});
	await expect(client.editOrder(id, symbol, 'limit', 'buy', 2, last * 0.91)).rejects.toThrow(/remains unchanged/);
	await client.cancelOrder(id, symbol);
	await expect(client.cancelOrder(id, symbol)).rejects.toThrow(/110001/);
	await expect(client.editOrder(id, symbol, 'limit', 'buy', 3, last * 0.91)).rejects.toThrow(/110001/);
	expect((await client.fetchCanceledOrders(symbol))[0]).toMatchObject({
		id,
		status: 'canceled',
		clientOrderId: 'amend-me',
	});
	const second = await place(client, symbol, 'limit', 'buy', 1, last * 0.9, { clientOrderId: 'by-link' });
	expect(await client.cancelOrder('', symbol, { orderLinkId: 'by-link' })).toMatchObject({ id: second.id });
	for (const part of [0.9, 0.91, 0.92]) await place(client, symbol, 'limit', 'buy', 1, last * part);
	await place(client, 'BTC/USDT:USDT', 'limit', 'buy', 0.01, 60_000);
	expect(await client.cancelAllOrders(symbol)).toHaveLength(3);
	expect(await client.fetchOpenOrders()).toHaveLength(1);
	expect(await client.cancelAllOrders()).toHaveLength(1);
});

test('an amended price that crosses the market fills', async () => {
	const last = harness.simulator.price('ETHUSDT', 'linear');
	const { id } = await place(client, symbol, 'limit', 'buy', 1, last * 0.95);
	await client.editOrder(id, symbol, 'limit', 'buy', 1, last * 1.01);
	expect(await client.fetchOrder(id, symbol, { acknowledged: true })).toMatchObject({ status: 'closed', filled: 1 });
});

test('leverage decides what an account can carry; what is not modified is said so', async () => {
	await expect(place(client, symbol, 'market', 'buy', 400)).rejects.toThrow(/110007/);
	await client.setLeverage(50, symbol);
	await expect(client.setLeverage(50, symbol)).rejects.toThrow(/110043/);
	await expect(client.setLeverage(101, symbol)).rejects.toThrow(/110013/);
	await expect(client.setPositionMode(false, symbol)).rejects.toThrow(/110025/);
	await expect(client.setPositionMode(true, symbol)).rejects.toThrow(/110029/);
	await place(client, symbol, 'market', 'buy', 200);
	expect((await client.fetchPosition(symbol)).leverage).toBe(50);
	expect((await client.fetchLeverage(symbol)).longLeverage).toBe(50);
	await expect(client.setLeverage(1, symbol)).rejects.toThrow(/110012/);
	await expect(
		client.privatePostV5PositionSwitchIsolated({
			category: 'linear',
			symbol: 'ETHUSDT',
			tradeMode: 0,
			buyLeverage: '10',
			sellLeverage: '10',
		}),
	).rejects.toThrow(/110026/);
	await client.setMarginMode('cross', symbol);
	await expect(client.setMarginMode('isolated', symbol)).rejects.toThrow(/3400045/);
});

test.each([
	['a quantity below the lot', { qty: '0.001' }, 10001],
	['a quantity between lots', { qty: '0.015' }, 10001],
	['no quantity', { qty: '0' }, 10001],
	['a quantity above the most', { qty: '90000000' }, 10001],
	['a value below the least', { symbol: 'XRPUSDT', qty: '1' }, 110094],
	['a price between ticks', { orderType: 'Limit', price: '2900.001' }, 10001],
	['no price', { orderType: 'Limit' }, 10001],
	['a price far above the market', { orderType: 'Limit', price: '9000' }, 110003],
	['an unknown market', { symbol: 'NOPEUSDT' }, 10001],
	['an unknown category', { category: 'margin' }, 10001],
	['a link id too long', { orderLinkId: 'x'.repeat(37) }, 10001],
	['a link id with a space', { orderLinkId: 'a b' }, 10001],
	['hedge mode', { positionIdx: 1 }, 10001],
	['a side that is none', { side: 'buy' }, 10001],
	['a stop loss above a long entry', { stopLoss: '9000' }, 10001],
	['a take profit below a long entry', { takeProfit: '9' }, 10001],
	['a trigger on the wrong side (rising)', { triggerPrice: '9', triggerDirection: 1 }, 110092],
	['a trigger on the wrong side (falling)', { triggerPrice: '9000', triggerDirection: 2 }, 110093],
])('%s is refused', async (_, change, code) => {
	const order = { category: 'linear', symbol: 'ETHUSDT', side: 'Buy', orderType: 'Market', qty: '1', ...change };
	await expect(client.privatePostV5OrderCreate(order)).rejects.toThrow(new RegExp(`"retCode":${code}[,}]`));
	expect(harness.simulator.orders()).toEqual([]);
});
