/** What the live gateway makes of an exchange that fails: every row of the table of outcomes, limiter and breaker told. */
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RetryLaterError } from '../../src/errors.ts';
import { openExchange } from '../../src/exchange/exchange-link.ts';
import { createTradingVenue } from '../../src/exchange/trading-venue.ts';
import type { SendOutcome, TradingVenue } from '../../src/exchange/venue.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Harness, linear, sendOrder, spot, startHarness, type TestAccount } from './harness.ts';

let database: TestDatabase;
let harness: Harness;
let account: TestAccount;
let linearId: number;

beforeAll(async () => {
	database = await createTestDatabase();
	harness = await startHarness(database.pool);
	linearId = await harness.instrumentId(linear);
});
afterAll(async () => {
	await harness.close();
	await database.drop();
});
beforeEach(async () => {
	harness.simulator.clearFaults();
	await fetch(`${harness.simulator.url}/_sim/bans`, { method: 'DELETE' });
	await database.pool.query('delete from botbox.rate_limits');
	await database.pool.query(`
		update botbox.circuit_breakers
		   set state = 'CLOSED', consecutive_failures = 0, opened_at = null, probe_at = null, probed_by = null`);
	account = await harness.openAccount('LIVE');
	// Markets are known, so that what follows strikes the order.
	await account.venue.findOrder(linear, 'none');
	await harness.marketData.measureClock();
});

const buy = (
	clientOrderId = `${account.apiKey}-1`,
	venue: TradingVenue = account.venue,
	more: Partial<Parameters<typeof sendOrder>[1]> = {},
): Promise<SendOutcome> =>
	sendOrder(venue, { instrumentId: linearId, symbol: linear, side: 'BUY', quantity: '0.010', clientOrderId, ...more });

const accepted = () => harness.simulator.orders({ apiKey: account.apiKey });

async function breaker(): Promise<{ state: string; consecutive_failures: number; probe_at: Date | null }> {
	const found = await database.pool.query(`select * from botbox.circuit_breakers where exchange_id = 'sim'`);
	return found.rows[0];
}

describe('an order whose answer is lost is UNKNOWN', () => {
	test.each([
		['timeout_after_accept', {}],
		['drop_connection', { after: true }],
	] as const)('%s %o: it stands, and is found exactly once', async (kind, more) => {
		harness.simulator.addFault({ kind, endpoint: 'order/create', ...more });
		expect((await buy()).kind).toBe('UNKNOWN');
		expect(accepted()).toHaveLength(1);
		const found = await account.venue.findOrder(linear, `${account.apiKey}-1`);
		expect(found).toMatchObject({ status: 'FILLED', exchangeOrderId: accepted()[0]?.orderId });
		const fills = await account.venue.fillsSince(harness.clock() - 60_000);
		expect(new Set(fills.map((fill) => fill.exchangeOrderId))).toEqual(new Set([found?.exchangeOrderId]));
		expect(fills).toHaveLength(accepted()[0]?.fills.length ?? 0);
	});

	test.each([
		['timeout_before_accept', {}],
		['drop_connection', {}],
		['http_5xx', { status: 502 }],
		['http_5xx', { status: 503 }],
		['http_5xx', { status: 504 }],
		// Bybit's 10016 means "internal error or restarting" and does not say whether the order was taken.
		['maintenance', {}],
	] as const)('%s %o: it does not stand, asking says so, and the same id can be sent again', async (kind, more) => {
		harness.simulator.addFault({ kind, endpoint: 'order/create', ...more });
		expect((await buy()).kind).toBe('UNKNOWN');
		expect(await account.venue.findOrder(linear, `${account.apiKey}-1`)).toBeNull();
		expect(accepted()).toHaveLength(0);
		harness.clock.advance(1_000);
		expect((await buy()).kind).toBe('ACKNOWLEDGED');
		expect(accepted()).toHaveLength(1);
	});
});

describe('asking for an order', () => {
	test.each(['order/realtime', 'order/history', 'execution/list'])(
		'throws when %s cannot be asked: only clear answers of all make it null',
		async (endpoint) => {
			harness.simulator.addFault({ kind: 'http_5xx', endpoint });
			await expect(account.venue.findOrder(linear, 'none')).rejects.toBeInstanceOf(RetryLaterError);
			expect(await account.venue.findOrder(linear, 'none')).toBeNull();
		},
	);

	test.each([
		['partial_fill', 'CANCELLED', 0.005],
		['no_fill', 'CANCELLED', 0],
	] as const)('%s: a market order ends %s with %d filled', async (kind, status, filled) => {
		harness.simulator.addFault({ kind });
		expect((await buy()).kind).toBe('ACKNOWLEDGED');
		const order = await account.venue.findOrder(linear, `${account.apiKey}-1`);
		expect(order).toMatchObject({ status });
		expect(Number(order?.quantity)).toBe(0.01);
		expect(Number(order?.filledQuantity)).toBe(filled);
	});
});

describe('an order that was definitely not accepted', () => {
	test('rate_limited: NOT_ACCEPTED, and the bucket is blocked until the exchange resets it', async () => {
		harness.simulator.addFault({ kind: 'rate_limited', endpoint: 'order/create' });
		expect(await buy()).toMatchObject({ kind: 'NOT_ACCEPTED', code: '10006' });
		const blocked = await database.pool.query(
			`select blocked_until, published_limit from botbox.rate_limits where scope_key = $1 and bucket = 'order_linear'`,
			[String(account.accountId)],
		);
		expect(blocked.rows[0].blocked_until.getTime()).toBe(harness.clock() + 1_000);
		expect(await buy()).toMatchObject({ kind: 'NOT_SENT', reason: 'RATE_LIMIT' });
		expect(accepted()).toHaveLength(0);
		harness.clock.advance(1_000);
		expect((await buy()).kind).toBe('ACKNOWLEDGED');
		expect((await breaker()).consecutive_failures).toBe(0);
	});

	test('ip_ban: NOT_ACCEPTED, the breaker stays open until the ban ends, and nothing more is sent', async () => {
		harness.simulator.addFault({ kind: 'ip_ban', endpoint: 'order/create' });
		expect(await buy()).toMatchObject({ kind: 'NOT_ACCEPTED', code: '403' });
		const open = await breaker();
		expect(open.state).toBe('OPEN');
		expect(open.probe_at?.getTime()).toBe(harness.clock() + 600_000);

		const { total } = harness.simulator.requests() as { total: number };
		expect(await buy()).toMatchObject({ kind: 'NOT_SENT', reason: 'BREAKER_OPEN' });
		await expect(account.venue.findOrder(linear, 'none')).rejects.toMatchObject({ code: 'EXCHANGE_UNAVAILABLE' });
		await expect(harness.marketData.quotes(['LINEAR'])).rejects.toMatchObject({ code: 'EXCHANGE_UNAVAILABLE' });
		expect((harness.simulator.requests() as { total: number }).total).toBe(total);

		harness.clock.advance(600_000);
		// Only a public read may probe.
		await expect(account.venue.findOrder(linear, 'none')).rejects.toMatchObject({ code: 'EXCHANGE_UNAVAILABLE' });
		await harness.marketData.quotes(['LINEAR']);
		expect((await breaker()).state).toBe('CLOSED');
		expect((await buy()).kind).toBe('ACKNOWLEDGED');
	});

	test('connection refused: no byte left this machine', async () => {
		const { link, venue } = await deadExchange(await freePort());
		await expect(link.client.ccxt.fetchTime()).rejects.toThrow('ECONNREFUSED');
		expect(await buy('dead-1', venue)).toMatchObject({ kind: 'NOT_ACCEPTED' });
		expect((await breaker()).consecutive_failures).toBe(2);
	});

	/** An exchange at an address where nobody listens, with the markets of the living one. */
	async function deadExchange(port: number) {
		const exchange = { exchangeId: 'sim', ccxtId: 'bybit', sandbox: false };
		const alive = openExchange(harness.context, { ...exchange, baseUrl: harness.simulator.url });
		await alive.loadMarkets();
		const link = openExchange(harness.context, { ...exchange, baseUrl: `http://127.0.0.1:${port}` });
		const row = {
			accountId: account.accountId,
			name: 'dead',
			exchangeId: 'sim',
			mode: 'LIVE',
			settleAsset: 'USDT',
		} as const;
		const withMarkets = {
			...link,
			shareMarkets: async (client: typeof link.client) => {
				await alive.shareMarkets(client);
			},
		};
		const credentials = { apiKey: 'dead-key', secret: 'dead-secret' };
		return { link, venue: createTradingVenue(withMarkets, { ...row, credentials: null }, credentials) };
	}
});

/** A port of this machine at which nobody listens. */
async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise((resolve) => server.close(resolve));
	return port;
}

describe('a definite refusal', () => {
	test.each([
		['too many decimals', { quantity: '0.0100001' }, '10001'],
		['below the minimum', { quantity: '0.0001' }, '10001'],
		['beyond the funds', { quantity: '60' }, '110007'],
		['a stop on the wrong side', { stopLossPrice: '900000' }, '10001'],
	])('%s: REFUSED with the exchange’s code', async (_, more, code) => {
		expect(await buy(undefined, undefined, more)).toMatchObject({ kind: 'REFUSED', code });
		expect((await breaker()).consecutive_failures).toBe(0);
	});

	test('stops with a spot order: REFUSED by us, for they would be lost', async () => {
		const order = { symbol: spot, instrumentId: await harness.instrumentId(spot), stopLossPrice: '1000' };
		expect(await buy(undefined, undefined, order)).toMatchObject({ kind: 'REFUSED', code: 'STOPS_NOT_SUPPORTED' });
	});

	test('a symbol that is not listed: REFUSED, nothing sent', async () => {
		expect(await buy(undefined, undefined, { symbol: 'NOPE/USDT:USDT' })).toMatchObject({ kind: 'REFUSED' });
	});

	test('wrong keys: REFUSED, and no word of it carries them', async () => {
		const wrong = await harness.openAccount('LIVE');
		harness.simulator.registerKey({ apiKey: wrong.apiKey, secret: 'another-secret' });
		const venue = createTradingVenue(
			openExchange(harness.context, {
				exchangeId: 'sim',
				ccxtId: 'bybit',
				sandbox: false,
				baseUrl: harness.simulator.url,
			}),
			{
				accountId: wrong.accountId,
				name: 'x',
				exchangeId: 'sim',
				mode: 'LIVE',
				settleAsset: 'USDT',
				credentials: null,
			},
			{ apiKey: wrong.apiKey, secret: 'no-such-secret' },
		);
		const outcome = await buy('wrong-1', venue);
		expect(outcome).toMatchObject({ kind: 'REFUSED', code: '10004' });
		// The simulator, like Bybit, quotes the signed text, which begins with the key.
		expect(JSON.stringify(outcome)).toContain('[redacted]');
		expect(JSON.stringify(outcome)).not.toContain(wrong.apiKey);
		const failure = await venue.balances().catch((error: unknown) => error);
		expect(failure).toMatchObject({ code: 'CREDENTIALS_REFUSED' });
		const cause = failure instanceof Error ? failure.cause : undefined;
		const told = [failure, cause]
			.map((error) => (error instanceof Error ? `${error.message} ${error.stack}` : ''))
			.join(' ');
		expect(told).not.toContain(wrong.apiKey);
		expect(told).not.toContain('no-such-secret');
	});
});

describe('a clock that is off', () => {
	test('is measured anew and the order sent once more', async () => {
		// The order, the asking for the time, the order again: all of them see a server 10 s ahead.
		harness.simulator.addFault({ kind: 'clock_skew', count: 3, ms: 10_000 });
		expect((await buy()).kind).toBe('ACKNOWLEDGED');
		expect(accepted()).toHaveLength(1);
		const noted = await database.pool.query(`select clock_offset_ms from botbox.exchanges where id = 'sim'`);
		expect(noted.rows[0].clock_offset_ms).toBe(10_000);
		await harness.marketData.measureClock();
	});

	test('NOT_ACCEPTED when measuring did not help', async () => {
		harness.simulator.addFault({ kind: 'clock_skew', count: 2, ms: 10_000, endpoint: 'order/create' });
		expect(await buy()).toMatchObject({ kind: 'NOT_ACCEPTED', code: '10002' });
		expect(accepted()).toHaveLength(0);
	});

	test('a read is repeated too', async () => {
		harness.simulator.addFault({ kind: 'clock_skew', ms: 10_000, endpoint: 'wallet-balance' });
		expect((await account.venue.balances()).USDT).toBeDefined();
	});
});

describe('the breaker', () => {
	test('opens after five failures in a row, and a public read closes it a minute later', async () => {
		harness.simulator.addFault({ kind: 'http_5xx', count: 5, endpoint: 'wallet-balance' });
		for (let failures = 1; failures <= 5; failures += 1) {
			await expect(account.venue.balances()).rejects.toMatchObject({ code: 'EXCHANGE_UNAVAILABLE' });
			harness.clock.advance(1_000);
		}
		expect(await breaker()).toMatchObject({ state: 'OPEN', consecutive_failures: 5 });
		expect(await buy()).toMatchObject({ kind: 'NOT_SENT', reason: 'BREAKER_OPEN' });
		harness.clock.advance(60_000);
		await harness.marketData.quotes(['SPOT']);
		expect(await breaker()).toMatchObject({ state: 'CLOSED', consecutive_failures: 0 });
	});

	test('a success in between ends the row', async () => {
		harness.simulator.addFault({ kind: 'http_5xx', count: 4, endpoint: 'wallet-balance' });
		for (let failures = 1; failures <= 4; failures += 1) {
			await account.venue.balances().catch(() => undefined);
			harness.clock.advance(1_000);
		}
		expect((await breaker()).consecutive_failures).toBe(4);
		await account.venue.balances();
		expect((await breaker()).consecutive_failures).toBe(0);
	});

	test('a refusal is the answer of a healthy exchange', async () => {
		harness.simulator.addFault({ kind: 'http_5xx', endpoint: 'wallet-balance' });
		await account.venue.balances().catch(() => undefined);
		expect((await buy(undefined, undefined, { quantity: '60' })).kind).toBe('REFUSED');
		expect((await breaker()).consecutive_failures).toBe(0);
	});
});

describe('stops that travel with the order', () => {
	test('close the position at the exchange, and the fill says of what kind it is', async () => {
		const price = harness.simulator.price('BTCUSDT', 'linear');
		const stops = { stopLossPrice: (price * 0.98).toFixed(1), takeProfitPrice: (price * 1.05).toFixed(1) };
		expect((await buy(undefined, undefined, stops)).kind).toBe('ACKNOWLEDGED');
		expect((await account.venue.openOrders()).map((order) => order.side)).toEqual(['SELL', 'SELL']);
		harness.clock.advance(1_000);
		harness.simulator.movePrice('BTCUSDT', price * 0.97, 'linear');
		harness.clock.advance(1_000);
		harness.simulator.advance();
		expect(await account.venue.positions()).toEqual([]);
		const fills = await account.venue.fillsSince(harness.clock() - 60_000);
		const kinds = fills.filter((fill) => fill.side === 'SELL').map((fill) => fill.stopKind);
		expect(new Set(kinds)).toEqual(new Set(['STOP_LOSS']));
		expect(await account.venue.openOrders()).toEqual([]);
		harness.simulator.movePrice('BTCUSDT', price, 'linear');
	});
});

describe('funding', () => {
	test('is answered as payments with the sign of what was received', async () => {
		await buy();
		const before = Number((await account.venue.balances()).USDT);
		const startedAt = harness.clock();
		harness.clock.advance(8 * 3_600_000);
		harness.simulator.advance();
		const payments = await account.venue.fundingPayments(startedAt);
		expect(payments.length).toBeGreaterThan(0);
		const received = payments.reduce((total, payment) => total + Number(payment.amount), 0);
		expect(Number((await account.venue.balances()).USDT) - before).toBeCloseTo(received, 6);
		expect(payments[0]).toMatchObject({ symbol: linear, asset: 'USDT' });
		expect(new Set(payments.map((payment) => payment.reference)).size).toBe(payments.length);
		const [rate] = (await harness.marketData.fundingRates(linear, startedAt)).slice(-1);
		// Longs pay a positive rate.
		expect(Math.sign(Number(payments[0]?.amount))).toBe(-Math.sign(Number(rate?.rate)));
	});
});

test('fills of more than one page are all there, once', async () => {
	const { venue, apiKey, accountId } = await harness.openAccount('LIVE', { USDT: '1000000' });
	const startedAt = harness.clock();
	const instrumentId = await harness.instrumentId(spot);
	for (let n = 0; n < 103; n += 1) {
		harness.clock.advance(200);
		const order = {
			instrumentId,
			symbol: spot,
			side: 'BUY',
			quantity: '0.001',
			clientOrderId: `${apiKey}-${n}`,
		} as const;
		expect(await sendOrder(venue, order)).toMatchObject({ kind: 'ACKNOWLEDGED' });
	}
	// Beyond the week that one request may span.
	harness.clock.advance(8 * 86_400_000);
	harness.simulator.advance();
	const fills = await venue.fillsSince(startedAt);
	const theirs = harness.simulator.orders({ apiKey }).flatMap((order) => order.fills.map((fill) => fill.execId));
	expect(fills.map((fill) => fill.exchangeFillId).sort()).toEqual([...theirs].sort());
	expect(theirs.length).toBeGreaterThan(100);
	expect(accountId).toBeGreaterThan(0);
});
