import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { bybit } from 'ccxt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, makeClient, place, startHarness } from './client.ts';
import { documentedAnswers } from './documented-answers.ts';

const symbol = 'BTC/USDT:USDT';
let server: Server;
let documented: bybit;
let harness: Harness;

beforeAll(async () => {
	server = createServer((request, response) => {
		const url = new URL(request.url ?? '/', 'http://localhost');
		const name = `${request.method} ${url.pathname}`;
		const category = url.searchParams.get('category') ?? '';
		const isPreLaunch = url.searchParams.get('status') === 'PreLaunch';
		const result = isPreLaunch ? { list: [] } : (documentedAnswers[`${name} ${category}`] ?? documentedAnswers[name]);
		request.resume();
		response.end(
			JSON.stringify({ retCode: 0, retMsg: 'OK', result: result ?? { rows: [] }, retExtInfo: {}, time: 1749729600123 }),
		);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	documented = makeClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
	harness = await startHarness();
});
afterAll(async () => {
	await harness.simulator.close();
	server.closeAllConnections();
	await new Promise((resolve) => server.close(resolve));
});

test('ccxt reads the documented answers', async () => {
	await documented.loadMarkets();
	expect(Object.keys(documented.markets ?? {})).toEqual(['BTC/USDT', symbol]);
	expect(await documented.fetchTime()).toBe(1749729600123);
	expect((await documented.fetchOHLCV(symbol)).map((candle) => candle[4])).toEqual([61010.2, 61020.4]);
	expect(await documented.fetchTicker(symbol)).toMatchObject({ last: 61012.5, markPrice: 61011.9, bid: 61012.4 });
	expect(await documented.fetchTicker('BTC/USDT')).toMatchObject({ last: 61010.2, ask: 61010.2 });
	expect((await documented.fetchOrderBook(symbol)).asks[1]).toEqual([61012.9, 1.7]);
	expect((await documented.fetchFundingRateHistory(symbol)).map((rate) => rate.fundingRate)).toEqual([
		-0.00002, 0.0001,
	]);
	const placed = await documented.createOrder(symbol, 'market', 'buy', 0.02);
	expect(placed).toMatchObject({ clientOrderId: 'doc-1', status: undefined, filled: undefined, average: undefined });
	expect(await documented.cancelOrder(placed.id!, symbol)).toMatchObject({ id: placed.id });
	expect(await documented.editOrder(placed.id!, symbol, 'limit', 'buy', 0.02, 61_000)).toMatchObject({ id: placed.id });
	expect(await documented.cancelAllOrders(symbol)).toMatchObject([{ id: placed.id }]);
	expect(await documented.fetchOpenOrders(symbol)).toMatchObject([
		{ status: 'open', remaining: 0.02, stopLossPrice: 58_000 },
	]);
	expect(await documented.fetchClosedOrders(symbol)).toMatchObject([
		{ status: 'closed', filled: 0.02, average: 60990.5 },
	]);
	expect(await documented.fetchMyTrades(symbol)).toMatchObject([
		{ price: 60990.5, fee: { cost: 0.6708955, currency: 'USDT' } },
	]);
	expect(await documented.fetchPositions()).toMatchObject([
		{ side: 'long', contracts: 0.02, leverage: 10, takeProfitPrice: 65_000 },
	]);
	expect((await documented.fetchBalance()).USDT).toMatchObject({ total: 100300.07, used: 122.6 });
	expect(await documented.fetchLedger('USDT')).toMatchObject([{ direction: 'out', amount: 0.12 }]);
});

test('the simulator answers with every documented field, of the documented type', async () => {
	const { client, clock } = harness;
	await client.loadMarkets();
	const last = harness.simulator.price('BTCUSDT', 'linear');
	const market = { category: 'linear', symbol: 'BTCUSDT' };
	const { id } = await place(client, symbol, 'market', 'buy', 0.02, undefined, {
		stopLoss: { triggerPrice: last * 0.9 },
	});
	const resting = await place(client, symbol, 'limit', 'buy', 0.02, last * 0.95);
	const create = await client.privatePostV5OrderCreate({
		...market,
		side: 'Buy',
		orderType: 'Limit',
		qty: '0.01',
		price: '59000',
	});
	const orderId = create.result.orderId as string;
	clock.advance(12 * 3_600_000);
	const answers: Record<string, Record<string, unknown>> = {
		'GET /v5/market/time': await client.publicGetV5MarketTime(),
		'GET /v5/market/instruments-info spot': await client.publicGetV5MarketInstrumentsInfo({ category: 'spot' }),
		'GET /v5/market/instruments-info linear': await client.publicGetV5MarketInstrumentsInfo({ category: 'linear' }),
		'GET /v5/market/kline': await client.publicGetV5MarketKline({ ...market, interval: '1' }),
		'GET /v5/market/tickers spot': await client.publicGetV5MarketTickers({ category: 'spot' }),
		'GET /v5/market/tickers linear': await client.publicGetV5MarketTickers({ category: 'linear' }),
		'GET /v5/market/orderbook': await client.publicGetV5MarketOrderbook(market),
		'GET /v5/market/funding/history': await client.publicGetV5MarketFundingHistory(market),
		'POST /v5/order/create': create,
		'POST /v5/order/amend': await client.privatePostV5OrderAmend({ ...market, orderId, qty: '0.02' }),
		'POST /v5/order/cancel': await client.privatePostV5OrderCancel({ ...market, orderId }),
		'GET /v5/order/realtime': await client.privateGetV5OrderRealtime({ ...market, orderId: resting.id }),
		'GET /v5/order/history': await client.privateGetV5OrderHistory({ ...market, orderId: id }),
		'GET /v5/execution/list': await client.privateGetV5ExecutionList({ ...market, orderId: id }),
		'GET /v5/position/list': await client.privateGetV5PositionList(market),
		'GET /v5/account/wallet-balance': await client.privateGetV5AccountWalletBalance({
			accountType: 'UNIFIED',
			coin: 'USDT',
		}),
		'GET /v5/account/info': await client.privateGetV5AccountInfo(),
		'GET /v5/user/query-api': await client.privateGetV5UserQueryApi(),
		'GET /v5/account/transaction-log': await client.privateGetV5AccountTransactionLog({
			type: 'SETTLEMENT',
			endTime: clock(),
		}),
		'POST /v5/order/cancel-all': await client.privatePostV5OrderCancelAll(market),
	};
	expect(Object.keys(answers).sort()).toEqual(Object.keys(documentedAnswers).sort());
	for (const [name, answer] of Object.entries(answers)) expectShape(answer.result, documentedAnswers[name], name);
});

/** Every documented key is there with the documented type; lists are compared by their first item. */
function expectShape(actual: unknown, expected: unknown, path: string): void {
	expect(typeof actual, path).toBe(typeof expected);
	expect(Array.isArray(actual), path).toBe(Array.isArray(expected));
	if (Array.isArray(expected)) {
		if (expected.length > 0) expectShape((actual as unknown[])[0], expected[0], `${path}[0]`);
		return;
	}
	if (typeof expected !== 'object' || expected === null) return;
	for (const [key, value] of Object.entries(expected))
		expectShape((actual as Record<string, unknown>)[key], value, `${path}.${key}`);
}
