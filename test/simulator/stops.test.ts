import type { bybit } from 'ccxt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Harness, noon, place, startHarness } from './client.ts';

const symbol = 'BTC/USDT:USDT';
const id = 'BTCUSDT';
let harness: Harness;
let client: bybit;
beforeEach(async () => {
	harness = await startHarness();
	client = harness.client;
});
afterEach(() => harness.simulator.close());

const price = (): number => harness.simulator.price(id, 'linear');

test('stops of an opening order become orders of the exchange; the one that triggers closes, the other is deactivated', async () => {
	const entry = price();
	const params = {
		stopLoss: { triggerPrice: entry * 0.99 },
		takeProfit: { triggerPrice: entry * 1.02 },
		clientOrderId: 'entry',
	};
	await place(client, symbol, 'market', 'buy', 0.05, undefined, params);
	const stops = await client.fetchOpenOrders(symbol, undefined, undefined, { trigger: true });
	expect(stops.map((order) => order.info)).toMatchObject([
		{
			stopOrderType: 'StopLoss',
			createType: 'CreateByStopLoss',
			orderStatus: 'Untriggered',
			reduceOnly: true,
			orderLinkId: '',
			side: 'Sell',
		},
		{
			stopOrderType: 'TakeProfit',
			createType: 'CreateByTakeProfit',
			orderStatus: 'Untriggered',
			reduceOnly: true,
			orderLinkId: '',
			side: 'Sell',
		},
	]);
	const [position] = await client.fetchPositions([symbol]);
	expect(position!.stopLossPrice!).toBeCloseTo(entry * 0.99, 0);
	expect(position!.takeProfitPrice!).toBeCloseTo(entry * 1.02, 0);
	harness.clock.advance(1_000);
	harness.simulator.movePrice(id, entry * 0.985);
	expect(await client.fetchPositions()).toEqual([]);
	expect(await client.fetchOpenOrders(symbol)).toEqual([]);
	const [loss, profit] = stops;
	expect(await client.fetchClosedOrder(loss!.id!, symbol)).toMatchObject({
		status: 'closed',
		filled: 0.05,
		side: 'sell',
		clientOrderId: undefined,
	});
	expect((await client.fetchOrder(profit!.id!, symbol, { acknowledged: true })).info).toMatchObject({
		orderStatus: 'Deactivated',
	});
	const trades = await client.fetchMyTrades(symbol);
	expect(trades.at(-1)!.info).toMatchObject({
		stopOrderType: 'StopLoss',
		createType: 'CreateByStopLoss',
		closedSize: '0.05',
	});
	expect(trades.at(-1)!.price!).toBeLessThan(entry * 0.99);
	const seen = harness.simulator.orders().filter((order) => order.createType === 'CreateByStopLoss');
	expect(seen).toMatchObject([
		{ orderStatus: 'Filled', orderLinkId: '', fills: [{ qty: '0.050', feeCurrency: 'USDT' }] },
	]);
});

test('a short is stopped by a rise', async () => {
	const entry = price();
	await place(client, symbol, 'market', 'sell', 0.05, undefined, { stopLoss: { triggerPrice: entry * 1.01 } });
	harness.simulator.movePrice(id, entry * 1.02);
	expect(await client.fetchPositions()).toEqual([]);
});

test('no trigger between two looks is missed: the path decides, not the look', async () => {
	// The lowest price of the next four hours is found first, and lies in the middle of them.
	const start = price();
	let lowest = { at: 0, price: start };
	for (let at = noon; at < noon + 4 * 3_600_000; at += 5_000) {
		const seen = harness.simulator.price(id, 'linear', at);
		if (seen < lowest.price) lowest = { at, price: seen };
	}
	const stop = lowest.price + (start - lowest.price) * 0.2;
	expect(harness.simulator.price(id, 'linear', noon + 4 * 3_600_000)).not.toBeCloseTo(lowest.price, 0);
	await place(client, symbol, 'market', 'buy', 0.05, undefined, { stopLoss: { triggerPrice: stop } });
	harness.clock.advance(4 * 3_600_000);
	const [trade] = (await client.fetchMyTrades(symbol)).slice(-1);
	expect(trade!.info).toMatchObject({ createType: 'CreateByStopLoss' });
	let crossed = noon;
	while (harness.simulator.price(id, 'linear', crossed) > stop) crossed += 5_000;
	// It traded at the first point that crossed it, not when it was looked at.
	expect(trade!.timestamp).toBe(crossed);
	expect(await client.fetchPositions()).toEqual([]);
});

test('looking every minute and looking once end in the same state', async () => {
	const trade = async (own: Harness): Promise<void> => {
		const last = own.simulator.price(id, 'linear');
		await place(own.client, symbol, 'market', 'buy', 0.05, undefined, {
			stopLoss: { triggerPrice: last * 0.985 },
			takeProfit: { triggerPrice: last * 1.01 },
		});
		for (const part of [0.995, 0.99, 0.98]) await place(own.client, symbol, 'limit', 'buy', 0.01, last * part);
		for (const part of [1.005, 1.01, 1.015])
			await place(own.client, symbol, 'limit', 'sell', 0.01, last * part, { reduceOnly: true });
	};
	const often = await startHarness();
	try {
		await trade(harness);
		await trade(often);
		harness.clock.advance(24 * 3_600_000);
		for (let minute = 0; minute < 24 * 60; minute += 1) {
			often.clock.advance(60_000);
			often.simulator.advance();
		}
		const outcome = (own: Harness): unknown[] => {
			own.simulator.advance();
			return own.simulator
				.orders()
				.map(({ orderId: _, fills, ...order }) => ({ ...order, fills: fills.map(({ execId: __, ...fill }) => fill) }));
		};
		expect(outcome(harness)).toEqual(outcome(often));
		expect(await harness.client.fetchBalance().then((balance) => balance.USDT)).toEqual(
			await often.client.fetchBalance().then((balance) => balance.USDT),
		);
	} finally {
		await often.simulator.close();
	}
});

test('trading-stop sets, changes and removes the stops of a position', async () => {
	const stop = (change: Record<string, string>): Promise<unknown> =>
		client.privatePostV5PositionTradingStop({
			category: 'linear',
			symbol: id,
			tpslMode: 'Full',
			positionIdx: 0,
			...change,
		});
	await expect(stop({ stopLoss: '60000' })).rejects.toThrow(/zero position/);
	const entry = price();
	await place(client, symbol, 'market', 'buy', 0.05);
	await stop({ stopLoss: (entry * 0.98).toFixed(1), takeProfit: (entry * 1.05).toFixed(1) });
	await expect(stop({ stopLoss: (entry * 0.98).toFixed(1) })).rejects.toThrow(/34040/);
	await expect(stop({ stopLoss: (entry * 1.1).toFixed(1) })).rejects.toThrow(/should be lower/);
	await stop({ stopLoss: (entry * 0.97).toFixed(1) });
	expect((await client.fetchPositions([symbol]))[0]!.stopLossPrice!).toBeCloseTo(entry * 0.97, 0);
	expect(await client.fetchOpenOrders(symbol)).toHaveLength(2);
	await stop({ stopLoss: '0' });
	expect((await client.fetchOpenOrders(symbol)).map((order) => order.info.stopOrderType)).toEqual(['TakeProfit']);
	// A stop for the whole position follows its size.
	await place(client, symbol, 'market', 'buy', 0.05);
	harness.simulator.movePrice(id, entry * 1.06);
	expect(harness.simulator.orders().find((order) => order.stopOrderType === 'TakeProfit')).toMatchObject({
		orderStatus: 'Filled',
		cumExecQty: '0.1',
	});
});

test('a partial stop closes its part only', async () => {
	const entry = price();
	await place(client, symbol, 'market', 'buy', 0.1);
	await client.createOrder(symbol, 'market', 'sell', 0.04, undefined, {
		stopLossPrice: entry * 0.98,
		takeProfitPrice: entry * 1.05,
	});
	harness.simulator.movePrice(id, entry * 0.97);
	expect((await client.fetchPositions([symbol]))[0]).toMatchObject({ contracts: 0.06 });
});

test('a trailing stop follows the market and closes on the way back', async () => {
	const entry = price();
	await place(client, symbol, 'market', 'buy', 0.05);
	await client.privatePostV5PositionTradingStop({
		category: 'linear',
		symbol: id,
		trailingStop: '500',
		positionIdx: 0,
	});
	for (const part of [1.01, 1.03]) harness.simulator.movePrice(id, entry * part);
	expect(await client.fetchPositions()).toHaveLength(1);
	harness.simulator.movePrice(id, entry * 1.03 - 450);
	expect(await client.fetchPositions()).toHaveLength(1);
	harness.simulator.movePrice(id, entry * 1.03 - 550);
	expect(await client.fetchPositions()).toEqual([]);
});

test('a conditional order keeps its ids when it triggers, and is cancelled when the margin is gone', async () => {
	const last = price();
	const up = await place(client, symbol, 'market', 'buy', 0.02, undefined, {
		triggerPrice: last * 1.01,
		triggerDirection: 'ascending',
		clientOrderId: 'breakout',
	});
	const big = await place(client, symbol, 'limit', 'buy', 16, last * 1.01, {
		triggerPrice: last * 1.015,
		triggerDirection: 'ascending',
	});
	expect(
		(await client.fetchOpenOrders(symbol, undefined, undefined, { trigger: true })).map((order) => order.id),
	).toEqual([big.id, up.id]);
	expect(await client.fetchOpenOrders(symbol, undefined, undefined, { orderFilter: 'Order' })).toEqual([]);
	harness.simulator.movePrice(id, last * 1.02);
	expect(await client.fetchClosedOrder(up.id, symbol)).toMatchObject({ clientOrderId: 'breakout', filled: 0.02 });
	expect((await client.fetchOrder(big.id, symbol, { acknowledged: true })).info).toMatchObject({
		orderStatus: 'Cancelled',
		cancelType: 'CancelByCannotAffordOrderCost',
	});
});

test('a reduce-only conditional order is a stop of the client own', async () => {
	const last = price();
	await place(client, symbol, 'market', 'buy', 0.05);
	const stop = await place(client, symbol, 'market', 'sell', 0.05, undefined, {
		stopLossPrice: last * 0.98,
		clientOrderId: 'my-stop',
	});
	harness.simulator.movePrice(id, last * 0.97);
	expect(await client.fetchClosedOrder(stop.id, symbol)).toMatchObject({ clientOrderId: 'my-stop', filled: 0.05 });
	expect(await client.fetchPositions()).toEqual([]);
});

test('an account whose equity is gone loses its positions', async () => {
	await client.setLeverage(100, symbol);
	const entry = price();
	await place(client, symbol, 'market', 'buy', 30);
	harness.simulator.movePrice(id, entry * 0.94);
	expect(await client.fetchPositions()).toEqual([]);
	expect(harness.simulator.orders().at(-1)).toMatchObject({ createType: 'CreateByLiq', orderLinkId: '' });
});

test('funding can be set from the next settlement on, and given back; what was settled stays', async () => {
	const { clock, simulator, client } = harness;
	const eightHours = 8 * 3_600_000;
	const own = (await client.fetchFundingRateHistory(symbol)).map((rate) => rate.fundingRate);
	simulator.setFunding('BTCUSDT', -0.0007);
	expect((await client.fetchFundingRateHistory(symbol)).map((rate) => rate.fundingRate)).toEqual(own);
	expect((await client.fetchFundingRate(symbol)).fundingRate).toBe(-0.0007);
	clock.advance(2 * eightHours);
	simulator.setFunding('BTCUSDT', null);
	clock.advance(eightHours);
	const rates = (await client.fetchFundingRateHistory(symbol)).map((rate) => rate.fundingRate);
	expect(rates.slice(-3, -1)).toEqual([-0.0007, -0.0007]);
	expect(rates.at(-1)).not.toBe(-0.0007);
	const post = async (body: object) => {
		const answer = await fetch(`${simulator.url}/_sim/funding`, { method: 'POST', body: JSON.stringify(body) });
		return await answer.json();
	};
	expect(await post({ symbol: 'BTCUSDT', rate: 0.0001 })).toEqual({ symbol: 'BTCUSDT', rate: 0.0001 });
	expect(await post({ symbol: 'BTCUSDT', rate: 0.002 })).toMatchObject({ error: expect.stringContaining('rate') });
	expect(await post({ symbol: 'NOPEUSDT', rate: 0 })).toMatchObject({ error: 'no perpetual NOPEUSDT' });
});

test('funding is paid every eight hours on what is open, and is in the execution list and the transaction log', async () => {
	const order = await place(client, symbol, 'market', 'buy', 0.1);
	const fee = (await client.fetchOrder(order.id, symbol, { acknowledged: true })).fee!.cost!;
	harness.clock.advance(24 * 3_600_000);
	const payments = await client.fetchFundingHistory(symbol);
	const settled = Math.ceil(noon / 28_800_000) * 28_800_000;
	expect(payments.map((payment) => payment.timestamp)).toEqual([0, 1, 2].map((slot) => settled + slot * 28_800_000));
	const rates = await client.fetchFundingRateHistory(symbol, undefined, 3);
	for (const [index, payment] of payments.entries()) {
		expect(Number(payment.info.feeRate)).toBe(rates[index]!.fundingRate);
		expect(payment.amount!).toBeCloseTo(0.1 * Number(payment.info.markPrice) * rates[index]!.fundingRate!, 6);
	}
	const paid = payments.reduce((sum, payment) => sum + payment.amount!, 0);
	expect((await client.fetchBalance()).USDT!.total!).toBeCloseTo(100_000 - fee - paid, 6);
	const log = await client.privateGetV5AccountTransactionLog({
		accountType: 'UNIFIED',
		category: 'linear',
		type: 'SETTLEMENT',
		startTime: noon,
		endTime: harness.clock(),
	});
	expect(log.result.list.map((entry: { funding: string }) => -Number(entry.funding)).reverse()).toEqual(
		payments.map((payment) => payment.amount),
	);
	const ledger = await client.fetchLedger('USDT', noon, 50, { endTime: harness.clock() });
	expect(ledger).toHaveLength(4);
});
