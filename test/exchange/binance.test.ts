/** Binance's dialect against a bare server that answers as Binance's documents show; no simulated Binance exists. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAccount } from '../../src/database/functions/administration.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { createVenues } from '../../src/exchange/registry.ts';
import type { MarketData, TradingVenue } from '../../src/exchange/venue.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { linear, makeClock, masterKey, noon, quietLog, sendOrder, spot } from './harness.ts';

interface Seen {
	readonly route: string;
	readonly params: Record<string, string>;
	readonly apiKey: string | undefined;
}

let database: TestDatabase;
let server: Server;
let marketData: MarketData;
let venue: TradingVenue;
let accountId: number;
let seen: Seen[] = [];
let answers: Record<string, { status?: number; body: unknown; headers?: Record<string, string> }> = {};
const clock = makeClock();

const filters = [
	{ filterType: 'PRICE_FILTER', minPrice: '0.10', maxPrice: '1000000.00', tickSize: '0.10' },
	{ filterType: 'LOT_SIZE', minQty: '0.001', maxQty: '1000.000', stepSize: '0.001' },
	{ filterType: 'MARKET_LOT_SIZE', minQty: '0.001', maxQty: '120.000', stepSize: '0.001' },
	{ filterType: 'MIN_NOTIONAL', notional: '100', minNotional: '100' },
];
const futures = {
	symbol: 'BTCUSDT',
	pair: 'BTCUSDT',
	contractType: 'PERPETUAL',
	deliveryDate: 4133404800000,
	onboardDate: 1569398400000,
	status: 'TRADING',
	baseAsset: 'BTC',
	quoteAsset: 'USDT',
	marginAsset: 'USDT',
	filters,
};
const spotMarket = {
	symbol: 'BTCUSDT',
	status: 'TRADING',
	baseAsset: 'BTC',
	quoteAsset: 'USDT',
	isSpotTradingAllowed: true,
	permissionSets: [['SPOT']],
	filters,
};

beforeAll(async () => {
	database = await createTestDatabase();
	server = createServer((request, response) => {
		let body = '';
		request.on('data', (chunk) => {
			body += chunk;
		});
		request.on('end', () => {
			const url = new URL(request.url ?? '', 'http://x');
			const route = `${request.method} ${url.pathname}`;
			const params = Object.fromEntries([...url.searchParams, ...new URLSearchParams(body)]);
			seen.push({ route, params, apiKey: request.headers['x-mbx-apikey']?.toString() });
			const answer = answers[route] ?? { status: 404, body: { code: -1, msg: `no ${route}` } };
			response.writeHead(answer.status ?? 200, { 'Content-Type': 'application/json', ...answer.headers });
			response.end(JSON.stringify(answer.body));
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	await database.pool.query(`update botbox.exchanges set base_url = $1 where id = 'binance'`, [baseUrl]);
	accountId = await createAccount(database.pool, {
		name: 'binance',
		exchangeId: 'binance',
		mode: 'LIVE',
		settleAsset: 'USDT',
		capital: 1_000,
		credentials: encryptCredentials({ apiKey: 'binance-key', secret: 'binance-secret' }, masterKey),
	});
	const context = { pool: database.pool, workerId: 'w', log: quietLog, masterKey, clock };
	const venues = createVenues({ ...context, liveAccounts: ['binance'], sleep: async (ms) => clock.advance(ms) });
	marketData = await venues.marketData('binance');
	venue = await venues.tradingVenue(accountId);
});
afterAll(async () => {
	server.closeAllConnections();
	await new Promise((resolve) => server.close(resolve));
	await database.drop();
});
beforeEach(async () => {
	answers = {
		'GET /fapi/v1/exchangeInfo': { body: { symbols: [futures] } },
		'GET /api/v3/exchangeInfo': { body: { symbols: [spotMarket] } },
	};
	await marketData.markets();
	await database.pool.query(`update botbox.rate_limits set tokens = capacity, blocked_until = null`);
	seen = [];
});

const order = { instrumentId: 1, quantity: '0.005', side: 'BUY', clientOrderId: 'bx-1' } as const;

describe('Binance', () => {
	test('markets carry exact steps and the maximum of market orders', async () => {
		const markets = await marketData.markets();
		expect(markets.map((market) => market.symbol).sort()).toEqual([spot, linear]);
		for (const market of markets)
			expect(market).toMatchObject({
				tickSize: '0.10',
				lotSize: '0.001',
				maximumQuantity: '120.000',
				minimumNotional: '100',
			});
	});

	test.each([
		[linear, 'POST /fapi/v1/order'],
		[spot, 'POST /api/v3/order'],
	])('an order in %s goes to %s, signed, with our id', async (symbol, route) => {
		answers[route] = { body: { orderId: 4_611_686_018_427, clientOrderId: 'bx-1' } };
		expect(await sendOrder(venue, { ...order, symbol })).toEqual({
			kind: 'ACKNOWLEDGED',
			exchangeOrderId: '4611686018427',
		});
		expect(seen).toHaveLength(1);
		expect(seen[0]).toMatchObject({
			route,
			apiKey: 'binance-key',
			params: {
				symbol: 'BTCUSDT',
				side: 'BUY',
				type: 'MARKET',
				quantity: '0.005',
				newClientOrderId: 'bx-1',
				newOrderRespType: 'ACK',
				timestamp: String(clock()),
				recvWindow: '5000',
				signature: expect.stringMatching(/./),
			},
		});
		expect(seen[0]?.params).not.toHaveProperty('reduceOnly');
	});

	test('reduce-only is said where it is asked for', async () => {
		answers['POST /fapi/v1/order'] = { body: { orderId: 1 } };
		await sendOrder(venue, { ...order, symbol: linear, side: 'SELL', reduceOnly: true });
		expect(seen[0]?.params).toMatchObject({ reduceOnly: 'true' });
	});

	test('stops cannot travel with an order: refused by us, nothing sent', async () => {
		const outcome = await sendOrder(venue, { ...order, symbol: linear, stopLossPrice: '1000' });
		expect(outcome).toMatchObject({ kind: 'REFUSED', code: 'STOPS_NOT_SUPPORTED' });
		expect(seen).toEqual([]);
	});

	test('an order is asked for by our id; only "does not exist" is null', async () => {
		const found = {
			orderId: 7,
			clientOrderId: 'bx-1',
			symbol: 'BTCUSDT',
			side: 'BUY',
			status: 'EXPIRED',
			origQty: '0.005',
			executedQty: '0.002',
		};
		answers['GET /fapi/v1/order'] = { body: found };
		expect(await venue.findOrder(linear, 'bx-1')).toMatchObject({
			exchangeOrderId: '7',
			status: 'CANCELLED',
			quantity: '0.005',
			filledQuantity: '0.002',
		});
		expect(seen[0]?.params).toMatchObject({ symbol: 'BTCUSDT', origClientOrderId: 'bx-1' });
		answers['GET /fapi/v1/order'] = { status: 502, body: {} };
		await expect(venue.findOrder(linear, 'bx-1')).rejects.toMatchObject({ code: 'EXCHANGE_UNAVAILABLE' });
	});

	describe.each([
		[linear, '/fapi/v1/order', '/fapi/v1/openOrders', '/fapi/v1/allOrders', '/fapi/v1/userTrades'],
		[spot, '/api/v3/order', '/api/v3/openOrders', '/api/v3/allOrders', '/api/v3/myTrades'],
	] as const)('%s: an order that is not known by its id', (symbol, one, open, all, trades) => {
		const stranger = {
			orderId: 6,
			clientOrderId: 'someone',
			symbol: 'BTCUSDT',
			side: 'BUY',
			status: 'FILLED',
			origQty: '0.005',
			executedQty: '0.005',
		};
		const ours = { ...stranger, orderId: 7, clientOrderId: 'bx-1' };
		const trade = {
			symbol: 'BTCUSDT',
			id: 9,
			orderId: 7,
			side: 'BUY',
			isBuyer: true,
			qty: '0.005',
			price: '60000.10',
			commission: '0.1',
			commissionAsset: 'USDT',
			time: noon,
		};
		const notThere = { status: 400, body: { code: -2013, msg: 'Order does not exist.' } };
		beforeEach(() => {
			answers[`GET ${one}`] = notThere;
			answers[`GET ${open}`] = { body: [] };
			answers[`GET ${all}`] = { body: [stranger] };
			answers[`GET ${trades}`] = { body: [{ ...trade, orderId: 6 }] };
		});

		test('does not exist only when open orders, history and executions have said so too', async () => {
			expect(await venue.findOrder(symbol, 'bx-1')).toBeNull();
			expect(seen.map(({ route }) => route)).toEqual([one, open, all, trades].map((path) => `GET ${path}`));
			for (const path of [open, all, trades]) {
				const before = answers[`GET ${path}`];
				answers[`GET ${path}`] = { status: 502, body: {} };
				await expect(venue.findOrder(symbol, 'bx-1')).rejects.toMatchObject({ code: 'EXCHANGE_UNAVAILABLE' });
				if (before !== undefined) answers[`GET ${path}`] = before;
				// Three failures in a row are not five.
				await database.pool.query(`update botbox.circuit_breakers set consecutive_failures = 0`);
			}
		});

		test.each([open, all])('is found in %s', async (path) => {
			answers[`GET ${path}`] = { body: [stranger, ours] };
			expect(await venue.findOrder(symbol, 'bx-1')).toMatchObject({ exchangeOrderId: '7', status: 'FILLED' });
		});

		test('an execution of an order that no list has is followed to its order, and never passed over', async () => {
			answers[`GET ${trades}`] = { body: [{ ...trade, orderId: 6 }, trade] };
			// The order of the execution is asked for by its number, and cannot be had: no answer is no "no".
			await expect(venue.findOrder(symbol, 'bx-1')).rejects.toMatchObject({ code: 'EXCHANGE_REFUSED' });
			expect(seen.at(-1)).toMatchObject({ route: `GET ${one}`, params: { orderId: '7' } });
		});
	});

	test('fills of an order name their fee and its asset', async () => {
		const shared = { symbol: 'BTCUSDT', id: 9, orderId: 7, qty: '0.005', price: '60000.10', time: noon };
		answers['GET /fapi/v1/userTrades'] = {
			body: [{ ...shared, side: 'SELL', commission: '0.12', commissionAsset: 'USDT' }],
		};
		answers['GET /api/v3/myTrades'] = {
			body: [{ ...shared, isBuyer: true, commission: '0.000005', commissionAsset: 'BTC' }],
		};
		expect(await venue.fillsSince(noon, { symbol: linear, exchangeOrderId: '7' })).toEqual([
			{
				symbol: linear,
				exchangeOrderId: '7',
				exchangeFillId: '9',
				clientOrderId: null,
				side: 'SELL',
				quantity: '0.005',
				price: '60000.10',
				fee: '0.12',
				feeAsset: 'USDT',
				stopKind: null,
				filledAt: noon,
			},
		]);
		expect(await venue.fillsSince(noon, { symbol: spot, exchangeOrderId: '7' })).toMatchObject([
			{ side: 'BUY', fee: '0.000005', feeAsset: 'BTC' },
		]);
	});

	test('positions, balances and funding', async () => {
		answers['GET /fapi/v3/positionRisk'] = {
			body: [{ symbol: 'BTCUSDT', positionAmt: '-0.010', entryPrice: '60000.1' }],
		};
		answers['GET /fapi/v3/balance'] = { body: [{ asset: 'USDT', balance: '100.5' }] };
		answers['GET /api/v3/account'] = {
			body: {
				balances: [
					{ asset: 'USDT', free: '1.25', locked: '0.25' },
					{ asset: 'BTC', free: '0.1', locked: '0' },
				],
			},
		};
		answers['GET /fapi/v1/income'] = {
			body: [{ symbol: 'BTCUSDT', income: '-0.37500000', asset: 'USDT', time: noon, tranId: 9_689_322_392 }],
		};
		expect(await venue.positions()).toMatchObject([{ symbol: linear, quantity: '-0.010', entryPrice: '60000.1' }]);
		expect(await venue.balances()).toEqual({ USDT: '102', BTC: '0.1' });
		expect(await venue.fundingPayments(noon - 1)).toMatchObject([
			{ symbol: linear, asset: 'USDT', amount: '-0.37500000', paidAt: noon },
		]);
	});

	test('settings that already are so are done; a margin mode that is refused sets no leverage', async () => {
		answers['POST /fapi/v1/positionSide/dual'] = {
			status: 400,
			body: { code: -4059, msg: 'No need to change position side.' },
		};
		answers['POST /fapi/v1/leverage'] = { body: { leverage: 3, symbol: 'BTCUSDT' } };
		answers['POST /fapi/v1/marginType'] = { status: 400, body: { code: -4046, msg: 'No need to change margin type.' } };
		const settings = { leverage: '3', marginMode: 'ISOLATED' } as const;
		// Two entries into one market at once wait for one setting.
		await Promise.all([1, 2].map(() => venue.prepareInstrument(linear, 'LINEAR', settings)));
		expect(seen.map(({ route }) => route)).toEqual([
			...['POST /fapi/v1/positionSide/dual', 'POST /fapi/v1/marginType', 'POST /fapi/v1/leverage'],
		]);
		const asked = Object.fromEntries(seen.map(({ route, params }) => [route.split('/').at(-1), params]));
		expect(asked.marginType).toMatchObject({ symbol: 'BTCUSDT', marginType: 'ISOLATED' });
		expect(asked.leverage).toMatchObject({ symbol: 'BTCUSDT', leverage: '3' });
		expect(asked.dual).toMatchObject({ dualSidePosition: 'false' });

		seen = [];
		answers['POST /fapi/v1/marginType'] = {
			status: 400,
			body: { code: -4048, msg: 'Margin type cannot be changed if there exists position.' },
		};
		await expect(
			venue.prepareInstrument(linear, 'LINEAR', { leverage: '3', marginMode: 'CROSS' }),
		).rejects.toMatchObject({ code: 'EXCHANGE_REFUSED', message: expect.stringContaining('-4048') });
		expect(seen.map(({ params }) => params.marginType)).toEqual(['CROSSED']);
	});

	test('the used weight and a 429 reach the limiter', async () => {
		const used = { 'X-MBX-USED-WEIGHT-1M': '1500' };
		answers['GET /fapi/v3/positionRisk'] = { body: [], headers: used };
		await venue.positions();
		const bucket = async () =>
			(
				await database.pool.query(
					`select * from botbox.rate_limits where exchange_id = 'binance' and bucket = 'weight_linear'`,
				)
			).rows[0];
		expect(Number((await bucket()).reported_used)).toBe(1_500);
		answers['GET /fapi/v3/positionRisk'] = {
			status: 429,
			body: { code: -1003, msg: 'Too many requests' },
			headers: { 'Retry-After': '7' },
		};
		await expect(venue.positions()).rejects.toMatchObject({ code: 'RATE_LIMITED' });
		expect((await bucket()).blocked_until.getTime()).toBe(clock() + 7_000);
	});
});
