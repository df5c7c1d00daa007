import type { bybit } from 'ccxt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Harness, place, startHarness } from './client.ts';

const symbol = 'ETH/USDT:USDT';
let harness: Harness;
let client: bybit;
beforeEach(async () => {
	harness = await startHarness();
	client = harness.client;
	await client.loadMarkets();
	// ccxt asks once whether the account is a unified one; that must not use up a fault.
	await client.isUnifiedEnabled();
	client.timeout = 250;
});
afterEach(() => harness.simulator.close());

const buy = (clientOrderId: string): Promise<unknown> =>
	place(client, symbol, 'market', 'buy', 1, undefined, { clientOrderId });
const accepted = (): string[] => harness.simulator.orders().map((order) => order.orderLinkId);

async function sim(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
	const answer = await fetch(`${harness.simulator.url}/_sim/${path}`, {
		method,
		...(body ? { body: JSON.stringify(body) } : {}),
	});
	return (await answer.json()) as Record<string, unknown>;
}

test('timeout_after_accept: no answer, but the order stands', async () => {
	await sim('POST', 'faults', { kind: 'timeout_after_accept', count: 1, endpoint: '/v5/order/create' });
	await expect(buy('lost')).rejects.toThrow(/RequestTimeout|timed out/);
	expect(accepted()).toEqual(['lost']);
	const found = await client.privateGetV5OrderRealtime({ category: 'linear', orderLinkId: 'lost' });
	expect(found.result.list[0]).toMatchObject({ orderStatus: 'Filled' });
	await expect(buy('lost')).rejects.toThrow(/110072/);
	await buy('next');
});

test('timeout_before_accept: no answer and no order', async () => {
	harness.simulator.addFault({ kind: 'timeout_before_accept', endpoint: '/v5/order' });
	await expect(buy('lost')).rejects.toThrow(/RequestTimeout|timed out/);
	expect(accepted()).toEqual([]);
	await buy('lost');
	expect(accepted()).toEqual(['lost']);
});

test('drop_connection: before the order is accepted, or after', async () => {
	harness.simulator.addFault({ kind: 'drop_connection', endpoint: 'order/create' });
	await expect(buy('before')).rejects.toThrow(/NetworkError|fetch failed|ExchangeNotAvailable|socket/);
	expect(accepted()).toEqual([]);
	harness.simulator.addFault({ kind: 'drop_connection', endpoint: 'order/create', after: true });
	await expect(buy('after')).rejects.toThrow(/NetworkError|fetch failed|ExchangeNotAvailable|socket/);
	expect(accepted()).toEqual(['after']);
});

test('http_5xx, rate_limited and maintenance are answered as Bybit and its gateway do, and accept nothing', async () => {
	for (const [fault, message] of [
		[{ kind: 'http_5xx' }, /502/],
		[{ kind: 'http_5xx', status: 504 }, /504/],
		[{ kind: 'rate_limited' }, /10006/],
		[{ kind: 'maintenance' }, /10016/],
	] as const) {
		harness.simulator.addFault({ ...fault, endpoint: '/v5/order/create' });
		await expect(buy('refused')).rejects.toThrow(message);
	}
	expect(accepted()).toEqual([]);
	await buy('refused');
});

test('ip_ban: 403 until the ban ends', async () => {
	harness.simulator.addFault({ kind: 'ip_ban' });
	await expect(buy('banned')).rejects.toThrow(/403/);
	await expect(client.fetchTime()).rejects.toThrow(/403/);
	expect(harness.simulator.requests()).toMatchObject({ bans: [{ reason: 'fault' }] });
	harness.clock.advance(600_000);
	await buy('banned');
	harness.simulator.addFault({ kind: 'ip_ban' });
	await expect(client.fetchTime()).rejects.toThrow(/403/);
	await sim('DELETE', 'bans');
	expect(await client.fetchTime()).toBe(harness.clock());
});

test('slow answers late, and accepts', async () => {
	harness.simulator.addFault({ kind: 'slow', ms: 40, endpoint: '/v5/order/create' });
	const before = performance.now();
	await buy('slow');
	expect(performance.now() - before).toBeGreaterThan(38);
	expect(accepted()).toEqual(['slow']);
});

test('clock_skew: the server clock is off for as many requests as it counts', async () => {
	harness.simulator.addFault({ kind: 'clock_skew', ms: 7_000, count: 2 });
	expect(await client.fetchTime()).toBe(harness.clock() + 7_000);
	await expect(buy('skewed')).rejects.toThrow(/10002/);
	await buy('skewed');
	harness.simulator.addFault({ kind: 'clock_skew', ms: -3_000 });
	await expect(buy('ahead')).rejects.toThrow(/10002/);
});

test('partial_fill and no_fill strike the next market orders, of the key they name', async () => {
	harness.simulator.addFault({ kind: 'partial_fill', ratio: 0.3, apiKey: 'another' });
	harness.simulator.addFault({ kind: 'partial_fill', ratio: 0.25 });
	harness.simulator.addFault({ kind: 'no_fill' });
	const outcome = async (): Promise<unknown> => {
		const { id } = await place(client, symbol, 'market', 'buy', 1);
		const { filled, info } = await client.fetchOrder(id, symbol, { acknowledged: true });
		return [filled, info.orderStatus];
	};
	expect(await outcome()).toEqual([0, 'Cancelled']);
	expect(await outcome()).toEqual([0.25, 'Cancelled']);
	expect(await outcome()).toEqual([1, 'Filled']);
	harness.simulator.addFault({ kind: 'partial_fill' });
	const spot = await place(client, 'ETH/USDT', 'market', 'buy', 1);
	expect(await client.fetchOrder(spot.id, 'ETH/USDT', { acknowledged: true })).toMatchObject({
		filled: 0.5,
		info: { orderStatus: 'PartiallyFilledCanceled' },
	});
});

test('faults of one market leave the other alone: fills and requests', async () => {
	harness.simulator.addFault({ kind: 'no_fill', category: 'spot' });
	harness.simulator.addFault({ kind: 'http_5xx', endpoint: 'order/create', category: 'linear', symbol: 'BTCUSDT' });
	await buy('perpetual');
	await place(client, 'ETH/USDT', 'market', 'buy', 1);
	expect(harness.simulator.orders().map((order) => [order.category, order.orderStatus])).toEqual([
		['linear', 'Filled'],
		['spot', 'Cancelled'],
	]);
	await expect(place(client, 'BTC/USDT:USDT', 'market', 'buy', 0.01)).rejects.toThrow(/502/);
	expect(harness.simulator.faults()).toEqual([]);
});

test('insufficient_funds: refused in the words of either category, without an order', async () => {
	harness.simulator.addFault({ kind: 'insufficient_funds', count: 2 });
	await expect(buy('perpetual')).rejects.toThrow(/110007/);
	await expect(place(client, 'ETH/USDT', 'market', 'buy', 1)).rejects.toThrow(/170131/);
	expect(accepted()).toEqual([]);
	await buy('perpetual');
});

test('faults are listed with what is left of them, cleared, and checked', async () => {
	expect(await sim('POST', 'faults', { kind: 'http_5xx', count: 3, endpoint: '/v5/market' })).toMatchObject({
		fault: { count: 3 },
	});
	await expect(client.fetchTime()).rejects.toThrow(/502/);
	expect(await sim('GET', 'faults')).toMatchObject({
		faults: [{ kind: 'http_5xx', count: 2, endpoint: '/v5/market' }],
	});
	await sim('DELETE', 'faults');
	expect(await client.fetchTime()).toBe(harness.clock());
	expect(await sim('POST', 'faults', { kind: 'earthquake' })).toMatchObject({ error: expect.stringContaining('kind') });
	expect(await sim('POST', 'faults', { kind: 'slow', count: 0 })).toMatchObject({
		error: expect.stringContaining('count'),
	});
	expect(await sim('POST', 'faults', { kind: 'slow', colour: 'red' })).toMatchObject({ error: expect.any(String) });
	expect(await sim('GET', 'nothing')).toMatchObject({ error: 'no GET /_sim/nothing' });
	expect(await sim('POST', 'prices', { symbol: 'NOPEUSDT', price: 1 })).toMatchObject({ error: 'no market NOPEUSDT' });
	expect(await sim('POST', 'prices', { symbol: 'ETHUSDT', price: 0 })).toMatchObject({ error: expect.any(String) });
});
