/** An unmodified ccxt client of the simulated exchange, and a clock that tests move. */
import { bybit } from '../../src/exchange/ccxt.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';

export const apiKey = 'test-key';
export const secret = 'test-secret';
/** Thursday, noon: away from funding times and from midnight. */
export const noon = Date.UTC(2025, 5, 12, 12);

export interface TestClock {
	(): number;
	now: number;
	advance(ms: number): void;
}

export function makeClock(now = noon): TestClock {
	const clock = Object.assign(() => clock.now, {
		now,
		advance: (ms: number) => {
			clock.now += ms;
		},
	});
	return clock;
}

/** Only addresses and switches are set: the client is ccxt's own, as an operator would configure it. */
export function makeClient(url: string, clock?: TestClock, options: Record<string, unknown> = {}): bybit {
	const client = new bybit({
		apiKey,
		secret,
		enableRateLimit: false,
		timeout: 5_000,
		options: { fetchMarkets: { types: ['spot', 'linear'] }, ...options },
	});
	const api = client.urls.api as Record<string, string>;
	for (const name of Object.keys(api)) api[name] = url;
	// ccxt signs with the machine's clock less this difference: what loadTimeDifference would measure.
	if (clock !== undefined)
		Object.defineProperty(client.options, 'timeDifference', { get: () => Date.now() - clock(), set: () => {} });
	return client;
}

export interface Harness {
	readonly clock: TestClock;
	readonly simulator: Simulator;
	readonly client: bybit;
}

/** A simulator on a virtual clock with one registered key, and a client of it. Limits are out of the way. */
export async function startHarness(options: SimulatorOptions = {}): Promise<Harness> {
	const clock = makeClock();
	const simulator = await startSimulator({
		clock,
		keys: [{ apiKey, secret }],
		limits: {
			ipRequests: 1e6,
			linearTradePerSecond: 1e4,
			spotTradePerSecond: 1e4,
			readPerSecond: 1e4,
			positionPerSecond: 1e4,
		},
		...options,
	});
	return { clock, simulator, client: makeClient(simulator.url, clock) };
}

type Placed = Awaited<ReturnType<bybit['createOrder']>> & { readonly id: string };

/** createOrder, whose answer always has the exchange's id. */
export async function place(client: bybit, ...order: Parameters<bybit['createOrder']>): Promise<Placed> {
	const placed = await client.createOrder(...order);
	if (placed.id === undefined) throw new Error('the exchange answered without an order id');
	return { ...placed, id: placed.id };
}
