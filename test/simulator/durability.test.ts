import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { Journal } from '../../src/simulator/state/journal.ts';
import { apiKey, makeClient, makeClock, place, secret, type TestClock } from './client.ts';

const symbol = 'BTC/USDT:USDT';
let stateDir: string;
beforeEach(() => {
	stateDir = mkdtempSync(join(tmpdir(), 'botbox-simulator-'));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

async function withSimulator<Result>(
	clock: TestClock,
	work: (simulator: Simulator) => Promise<Result>,
): Promise<Result> {
	const simulator = await startSimulator({ clock, stateDir });
	try {
		return await work(simulator);
	} finally {
		await simulator.close();
	}
}

test('everything survives a restart: keys, money, orders, stops, positions, moved prices, faults, spent ids', async () => {
	const clock = makeClock();
	const before = await withSimulator(clock, async (simulator) => {
		simulator.registerKey({ apiKey, secret });
		const client = makeClient(simulator.url, clock);
		const last = simulator.price('BTCUSDT', 'linear');
		simulator.movePrice('BTCUSDT', last * 1.5);
		await place(client, symbol, 'market', 'buy', 0.05, undefined, {
			clientOrderId: 'first',
			stopLoss: { triggerPrice: last * 1.4 },
		});
		await place(client, symbol, 'limit', 'buy', 0.05, last * 1.45);
		await place(client, 'ETH/USDT', 'market', 'buy', 2);
		await client.setLeverage(20, 'ETH/USDT:USDT');
		simulator.addFault({ kind: 'no_fill', count: 2 });
		simulator.setFunding('BTCUSDT', 0.0009);
		simulator.changeInstrument({ symbol: 'ETHUSDT', category: 'linear', minQty: '0.5', qtyStep: '0.1' });
		simulator.changeInstrument({ symbol: 'ETHUSDT', category: 'linear', minQty: '0.6' });
		return {
			orders: simulator.orders(),
			balance: (await client.fetchBalance()).USDT,
			price: simulator.price('BTCUSDT', 'linear'),
			positions: await client.fetchPositions(),
		};
	});
	await withSimulator(clock, async (simulator) => {
		const client = makeClient(simulator.url, clock);
		expect(simulator.orders()).toEqual(before.orders);
		expect(simulator.price('BTCUSDT', 'linear')).toBe(before.price);
		expect((await client.fetchBalance()).USDT).toEqual(before.balance);
		expect(await client.fetchPositions()).toEqual(before.positions);
		expect(simulator.faults()).toMatchObject([{ kind: 'no_fill', count: 2 }]);
		expect((await client.fetchFundingRate(symbol)).fundingRate).toBe(0.0009);
		expect(client.market('ETH/USDT:USDT')).toMatchObject({
			precision: { amount: 0.1 },
			limits: { amount: { min: 0.6 } },
		});
		simulator.clearFaults();
		await expect(client.setLeverage(20, 'ETH/USDT:USDT')).rejects.toThrow(/110043/);
		await expect(
			client.createOrder(symbol, 'market', 'buy', 0.05, undefined, { clientOrderId: 'first' }),
		).rejects.toThrow(/110072/);
		// The market went on: the stop and the limit order stand against it.
		simulator.movePrice('BTCUSDT', before.price * 0.9);
		expect(await client.fetchOpenOrders(symbol)).toEqual([]);
	});
});

test('what the market did while the simulator was down is made up for', async () => {
	const clock = makeClock();
	await withSimulator(clock, async (simulator) => {
		simulator.registerKey({ apiKey, secret });
		await place(makeClient(simulator.url, clock), symbol, 'market', 'buy', 0.05);
	});
	clock.advance(24 * 3_600_000);
	await withSimulator(clock, async (simulator) => {
		expect(await makeClient(simulator.url, clock).fetchFundingHistory(symbol)).toHaveLength(3);
	});
	await withSimulator(clock, async (simulator) => {
		expect(await makeClient(simulator.url, clock).fetchFundingHistory(symbol)).toHaveLength(3);
	});
});

test('a state folder of another market is refused by name', async () => {
	const clock = makeClock();
	await withSimulator(clock, async () => undefined);
	await expect(startSimulator({ clock, stateDir, seed: 9 })).rejects.toThrow(/another market \(seed 1\)/);
});

test('a taken port and a damaged journal are one clear error each', async () => {
	const clock = makeClock();
	await withSimulator(clock, async (simulator) => {
		await expect(startSimulator({ clock, port: simulator.port })).rejects.toThrow(
			`port ${simulator.port} of 127.0.0.1 is already in use`,
		);
	});
	appendFileSync(join(stateDir, 'journal.ndjson'), 'not json\n');
	await expect(startSimulator({ clock, stateDir })).rejects.toThrow(/journal\.ndjson: is damaged/);
});

test('a torn last line is cut off; lines that a snapshot holds are not replayed', () => {
	const replayed: string[] = [];
	const first = new Journal<string>(stateDir, () => undefined);
	first.append('one', () => 'all');
	first.append('two', () => 'all');
	first.close();
	appendFileSync(join(stateDir, 'journal.ndjson'), '{"number":3,"change":"thr');
	const second = new Journal<string>(stateDir, (change) => replayed.push(change));
	second.append('three', () => 'all');
	second.close();
	expect(replayed).toEqual(['one', 'two']);
	// As if killed between the snapshot's renaming and the journal's truncation.
	writeFileSync(join(stateDir, 'snapshot.json'), JSON.stringify({ number: 2, change: 'one and two' }));
	replayed.length = 0;
	new Journal<string>(stateDir, (change) => replayed.push(change)).close();
	expect(replayed).toEqual(['one and two', 'three']);
});

test('a large journal is folded into a snapshot', () => {
	const journal = new Journal<string>(stateDir, () => undefined);
	for (let count = 0; count < 20; count += 1) journal.append('x'.repeat(1_000_000), () => `state ${count}`);
	journal.close();
	const replayed: string[] = [];
	new Journal<string>(stateDir, (change) => replayed.push(change)).close();
	expect(replayed[0]).toMatch(/^state 1\d$/);
	expect(readFileSync(join(stateDir, 'journal.ndjson'), 'utf8').length).toBeLessThan(16 * 1024 * 1024);
});

/** Runs the simulator in a process of its own, to be killed. */
async function spawnSimulator(): Promise<{ child: ChildProcess; url: string }> {
	const module = new URL('../../src/simulator/simulator.ts', import.meta.url).href;
	const limits = { ipRequests: 1e6, linearTradePerSecond: 1e4, readPerSecond: 1e4 };
	const options = { stateDir, keys: [{ apiKey, secret }], limits };
	const script = `const { startSimulator } = await import(${JSON.stringify(module)});
		console.log((await startSimulator(${JSON.stringify(options)})).url);`;
	const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const [url] = (await once(child.stdout, 'data')) as [Buffer];
	return { child, url: url.toString().trim() };
}

test('killed with -9 again and again while orders come in: every answered order is there, none twice', async () => {
	const answered: string[] = [];
	let sent = 0;
	for (let round = 0; round < 4; round += 1) {
		const { child, url } = await spawnSimulator();
		const client = makeClient(url);
		await client.loadMarkets();
		const exited = once(child, 'exit');
		const kill = 40 + round * 30;
		const orders = Array.from({ length: 150 }, async () => {
			sent += 1;
			const clientOrderId = `order-${sent}`;
			await place(client, symbol, 'limit', 'buy', 0.001, 50_000, { clientOrderId, timeInForce: 'IOC' });
			answered.push(clientOrderId);
			if (answered.length % 150 === kill) child.kill('SIGKILL');
		});
		await Promise.allSettled(orders);
		child.kill('SIGKILL');
		await exited;
	}
	const simulator = await startSimulator({ stateDir });
	try {
		const known = simulator.orders().map((order) => order.orderLinkId);
		expect(answered.length).toBeGreaterThan(40);
		expect(answered.length).toBeLessThan(sent);
		expect(known).toEqual(expect.arrayContaining(answered));
		expect(new Set(known).size).toBe(known.length);
	} finally {
		await simulator.close();
	}
});
