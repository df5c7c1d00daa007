import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { apiKey, makeClient, makeClock, noon, secret, type TestClock } from './client.ts';

interface Body {
	readonly retCode: number;
	readonly retMsg: string;
}
let clock: TestClock;
let simulator: Simulator;
beforeEach(async () => {
	clock = makeClock();
	simulator = await startSimulator({ clock, keys: [{ apiKey, secret }] });
});
afterEach(() => simulator.close());

const path = '/v5/account/info';

async function ask(
	change: { key?: string; secret?: string; time?: number; window?: string; query?: string; signed?: string } = {},
): Promise<Body> {
	const { key = apiKey, secret: used = secret, time = clock(), window = '5000', query = 'a=1' } = change;
	const sign = createHmac('sha256', used)
		.update(`${time}${key}${window}${change.signed ?? query}`)
		.digest('hex');
	const headers = {
		'X-BAPI-API-KEY': key,
		'X-BAPI-TIMESTAMP': String(time),
		'X-BAPI-RECV-WINDOW': window,
		'X-BAPI-SIGN': sign,
	};
	return (await (await fetch(`${simulator.url}${path}?${query}`, { headers })).json()) as Body;
}

test('a signed request of a known key is answered', async () => {
	expect(await ask()).toMatchObject({ retCode: 0, retMsg: 'OK' });
});

test('unknown keys, bad signatures and unsigned requests are refused', async () => {
	expect(await ask({ key: 'nobody' })).toMatchObject({ retCode: 10003 });
	expect(await ask({ secret: 'wrong' })).toMatchObject({ retCode: 10004 });
	expect(await ask({ query: 'a=2', signed: 'a=1' })).toMatchObject({ retCode: 10004 });
	const unsigned = (await (await fetch(`${simulator.url}${path}`)).json()) as Body;
	expect(unsigned).toMatchObject({ retCode: 10001, retMsg: expect.stringContaining('openapi sign params error!') });
});

test('the timestamp must lie in [server − window, server + 1 s)', async () => {
	for (const [offset, window, code] of [
		[-5_000, '5000', 0],
		[-5_001, '5000', 10002],
		[999, '5000', 0],
		[1_000, '5000', 10002],
		[-9_000, '10000', 0],
		[-60_000, '10000', 10002],
	] as const)
		expect(await ask({ time: clock() + offset, window }), `${offset} in ${window}`).toMatchObject({ retCode: code });
});

test('a simulator without keys takes none, until one is registered; registering again changes no balance', async () => {
	const bare = await startSimulator({ clock });
	try {
		await expect(makeClient(bare.url, clock).fetchBalance()).rejects.toThrow(/10003/);
		const register = async (body: object): Promise<unknown> =>
			(await fetch(`${bare.url}/_sim/keys`, { method: 'POST', body: JSON.stringify(body) })).json();
		await register({ apiKey, secret });
		const client = makeClient(bare.url, clock);
		expect((await client.fetchBalance()).USDT).toMatchObject({ total: 100_000, free: 100_000 });
		await client.createOrder('BTC/USDT:USDT', 'market', 'buy', 0.1);
		const before = (await client.fetchBalance()).USDT;
		await register({ apiKey, secret, balances: { USDT: '5' } });
		expect((await client.fetchBalance()).USDT).toEqual(before);
		await register({ apiKey: 'two', secret: 'two', balances: { USDT: '5', ETH: '2' } });
		client.apiKey = 'two';
		client.secret = 'two';
		expect((await client.fetchBalance()).ETH).toMatchObject({ total: 2 });
		expect(await register({ apiKey: 'three' })).toMatchObject({ error: expect.stringContaining('secret') });
		expect(await register({ apiKey: 'three', secret: 'x', more: 1 })).toMatchObject({ error: expect.any(String) });
	} finally {
		await bare.close();
	}
});

test('601 requests of one address in five seconds: 403 for ten minutes, and told at /_sim/requests', async () => {
	const ask = async (): Promise<number> => (await fetch(`${simulator.url}/v5/market/time`)).status;
	for (let batch = 0; batch < 6; batch += 1) {
		expect(await Promise.all(Array.from({ length: 100 }, ask))).toEqual(new Array(100).fill(200));
		clock.advance(800);
	}
	expect(await ask()).toBe(403);
	const client = makeClient(simulator.url, clock);
	await expect(client.fetchTime()).rejects.toThrow(/RateLimitExceeded|403/);
	clock.advance(599_000);
	expect(await ask()).toBe(403);
	clock.advance(1_000);
	expect(await ask()).toBe(200);
	const report = (await (await fetch(`${simulator.url}/_sim/requests`)).json()) as Record<string, unknown>;
	expect(report).toMatchObject({
		total: 604,
		endpoints: { '/v5/market/time': 604 },
		worstWindow: { requests: 601, limit: 600, windowMs: 5_000, at: noon + 4_800 },
		refused: { ip: 3, key: 0 },
		bans: [{ from: noon + 4_800, until: noon + 604_800, reason: 'limit' }],
		seconds: { [Math.floor(noon / 1000)]: 200 },
	});
});

test('requests that spread over the window are not banned', async () => {
	for (let second = 0; second < 12; second += 1) {
		const batch = Array.from({ length: 119 }, async () => (await fetch(`${simulator.url}/v5/market/time`)).status);
		expect(new Set(await Promise.all(batch))).toEqual(new Set([200]));
		clock.advance(1_000);
	}
});

test('per key, endpoint and second: 10 linear, 20 spot, 50 reads, told in headers and by 10006', async () => {
	const client = makeClient(simulator.url, clock);
	await client.loadMarkets();
	const headers: Record<string, string>[] = [];
	const place = async (symbol: string): Promise<string> => {
		try {
			await client.createOrder(symbol, 'limit', 'buy', symbol.includes(':') ? 0.001 : 0.0001, 60_000);
			return 'ok';
		} catch (error) {
			return String(error);
		} finally {
			headers.push({ ...(client.last_response_headers as Record<string, string>) });
		}
	};
	for (let count = 0; count < 10; count += 1) expect(await place('BTC/USDT:USDT')).toBe('ok');
	expect(headers.map((header) => header['X-Bapi-Limit-Status'])).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map(String));
	expect(headers[0]).toMatchObject({ 'X-Bapi-Limit': '10', 'X-Bapi-Limit-Reset-Timestamp': String(noon) });
	expect(await place('BTC/USDT:USDT')).toMatch(/RateLimitExceeded.*"retCode":10006/);
	expect(headers.at(-1)).toMatchObject({
		'X-Bapi-Limit-Status': '0',
		'X-Bapi-Limit-Reset-Timestamp': String(noon + 1_000),
	});
	// Spot has a bucket of its own, and so has every endpoint and key.
	for (let count = 0; count < 20; count += 1) expect(await place('BTC/USDT')).toBe('ok');
	expect(await place('BTC/USDT')).toMatch(/10006/);
	const reads = await Promise.allSettled(Array.from({ length: 51 }, () => client.fetchOpenOrders('BTC/USDT:USDT')));
	expect(reads.filter((read) => read.status === 'rejected')).toHaveLength(1);
	clock.advance(1_000);
	expect(await place('BTC/USDT:USDT')).toBe('ok');
	expect(simulator.requests()).toMatchObject({ refused: { ip: 0, key: 3 } });
	expect(simulator.orders()).toHaveLength(31);
});
