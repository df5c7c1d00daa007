import type { bybit } from 'ccxt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { apiKey, type Harness, place, startHarness } from './client.ts';

const symbol = 'SOL/USDT';
let harness: Harness;
let client: bybit;
beforeEach(async () => {
	harness = await startHarness();
	client = harness.client;
});
afterEach(() => harness.simulator.close());

const raw = { category: 'spot', symbol: 'SOLUSDT', side: 'Buy', orderType: 'Market' };

test('a market buy reads its quantity as quote value unless told otherwise', async () => {
	const placed = await client.privatePostV5OrderCreate({ ...raw, qty: '1000' });
	const order = await client.fetchOrder(placed.result.orderId, symbol, { acknowledged: true });
	expect(order.cost!).toBeLessThanOrEqual(1000);
	expect(order.cost!).toBeGreaterThan(999);
	expect(order).toMatchObject({ status: 'closed', info: { marketUnit: 'quoteCoin', orderStatus: 'Filled' } });
	const byQty = await client.privatePostV5OrderCreate({ ...raw, qty: '2', marketUnit: 'baseCoin' });
	expect(await client.fetchOrder(byQty.result.orderId, symbol, { acknowledged: true })).toMatchObject({
		filled: 2,
		amount: 2,
	});
	// ccxt says so by itself on a unified account.
	const throughCcxt = await place(client, symbol, 'market', 'buy', 3);
	expect(await client.fetchOrder(throughCcxt.id, symbol, { acknowledged: true })).toMatchObject({
		filled: 3,
		status: 'closed',
	});
});

test('the fee of a buy is in the base coin and reduces what can be sold; of a sell in the quote coin', async () => {
	const bought = await place(client, symbol, 'market', 'buy', 10);
	const [trade] = await client.fetchMyTrades(symbol);
	expect(trade!.fee).toMatchObject({ currency: 'SOL', rate: 0.001 });
	expect(await client.fetchOrder(bought.id, symbol, { acknowledged: true })).toMatchObject({
		fee: { cost: 0.01, currency: 'SOL' },
	});
	expect((await client.fetchBalance()).SOL).toMatchObject({ total: 9.99, free: 9.99 });
	await expect(place(client, symbol, 'market', 'sell', 10)).rejects.toThrow(/170131/);
	await place(client, symbol, 'market', 'sell', 9.99);
	const trades = await client.fetchMyTrades(symbol);
	expect(trades.at(-1)!.fee).toMatchObject({ currency: 'USDT' });
	const balance = await client.fetchBalance();
	expect(balance.SOL).toBeUndefined();
	const flows = trades.reduce((sum, { side, cost, fee }) => sum + (side === 'buy' ? -cost! : cost! - fee!.cost!), 0);
	expect(balance.USDT!.total!).toBeCloseTo(100_000 + flows, 6);
});

test('a resting order locks what it would spend, a cancelled one frees it', async () => {
	const last = harness.simulator.price('SOLUSDT', 'spot');
	const { id } = await place(client, symbol, 'limit', 'buy', 100, last * 0.95);
	const order = await client.fetchOpenOrder(id, symbol);
	expect((await client.fetchBalance()).USDT!.used).toBeCloseTo(order.price! * 100, 6);
	await expect(place(client, symbol, 'limit', 'buy', 1000, last * 0.95)).rejects.toThrow(/170131/);
	await client.cancelOrder(id, symbol);
	expect((await client.fetchBalance()).USDT!.used).toBe(0);
	await expect(client.cancelOrder(id, symbol)).rejects.toThrow(/170213/);
});

test('a sell rests and fills when the market rises to it', async () => {
	await place(client, symbol, 'market', 'buy', 10);
	const last = harness.simulator.price('SOLUSDT', 'spot');
	const { id } = await place(client, symbol, 'limit', 'sell', 5, last * 1.02);
	expect((await client.fetchBalance()).SOL).toMatchObject({ used: 5 });
	harness.simulator.movePrice('SOLUSDT', last * 1.03, 'spot');
	expect(await client.fetchClosedOrder(id, symbol)).toMatchObject({ status: 'closed', filled: 5 });
});

test('beyond the depth of the book a market order ends partially filled and cancelled', async () => {
	harness.simulator.registerKey({ apiKey: 'rich', secret: 'rich', balances: { USDT: '90000000' } });
	client.apiKey = 'rich';
	client.secret = 'rich';
	const placed = await client.privatePostV5OrderCreate({ ...raw, qty: '7000000' });
	const order = await client.fetchOrder(placed.result.orderId, symbol, { acknowledged: true });
	expect(order.info).toMatchObject({ orderStatus: 'PartiallyFilledCanceled', leavesQty: '0' });
	expect(order.status).toBe('closed');
	expect(order.cost!).toBeLessThan(7_000_000);
});

test('link ids are unique for ever, in spot apart from linear', async () => {
	await place(client, symbol, 'market', 'buy', 1, undefined, { clientOrderId: 'one' });
	await expect(place(client, symbol, 'market', 'buy', 1, undefined, { clientOrderId: 'one' })).rejects.toThrow(
		/170141/,
	);
	await place(client, 'SOL/USDT:USDT', 'market', 'buy', 1, undefined, { clientOrderId: 'one' });
	expect(harness.simulator.orders({ apiKey })).toHaveLength(2);
});

test('a conditional order waits for its price and locks nothing before; a tpsl order locks at once', async () => {
	await place(client, symbol, 'market', 'buy', 10);
	const last = harness.simulator.price('SOLUSDT', 'spot');
	const conditional = await place(client, symbol, 'market', 'sell', 4, undefined, { triggerPrice: last * 0.98 });
	expect((await client.fetchBalance()).SOL!.used).toBe(0);
	const stop = await place(client, symbol, 'market', 'sell', 3, undefined, { stopLossPrice: last * 0.97 });
	expect((await client.fetchBalance()).SOL!.used).toBe(3);
	expect((await client.fetchOpenOrders(symbol)).map((order) => order.info.orderStatus)).toEqual([
		'Untriggered',
		'Untriggered',
	]);
	harness.simulator.movePrice('SOLUSDT', last * 0.975, 'spot');
	expect(await client.fetchClosedOrder(conditional.id, symbol)).toMatchObject({ status: 'closed', filled: 4 });
	harness.simulator.movePrice('SOLUSDT', last * 0.96, 'spot');
	expect(await client.fetchClosedOrder(stop.id, symbol)).toMatchObject({ status: 'closed', filled: 3 });
});

test.each([
	['too many decimals in a quantity', { qty: '1.23456', marketUnit: 'baseCoin' }, 170137],
	['too many decimals in a value', { qty: '100.123456789' }, 170148],
	['a value below the least', { qty: '4.99' }, 170140],
	['a quantity below the least', { qty: '0.0001', marketUnit: 'baseCoin' }, 170137],
	['nothing', { qty: '0', marketUnit: 'baseCoin' }, 170130],
	['a price with too many decimals', { orderType: 'Limit', qty: '1', price: '140.12345' }, 170134],
	['no price', { orderType: 'Limit', qty: '1' }, 170133],
	['a price far above the market', { orderType: 'Limit', qty: '1', price: '900' }, 170193],
	['more than the account has', { qty: '100001' }, 170131],
	['a sale of what the account has not', { side: 'Sell', qty: '1' }, 170131],
	['an unknown market', { symbol: 'NOPEUSDT', qty: '10' }, 170121],
	[
		'attached stops, which are not simulated on spot',
		{ orderType: 'Limit', qty: '1', price: '120', stopLoss: '100' },
		170130,
	],
])('%s is refused', async (_, change, code) => {
	await expect(client.privatePostV5OrderCreate({ ...raw, ...change })).rejects.toThrow(
		new RegExp(`"retCode":${code}[,}]`),
	);
	expect(harness.simulator.orders()).toEqual([]);
});
