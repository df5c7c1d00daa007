/** A simulated exchange, a database and the exchange layer on one clock that tests move: no test waits in real time. */
import { createAccount, setExchangeAddress } from '../../src/database/functions/administration.ts';
import { recordInstruments } from '../../src/database/functions/market.ts';
import type { Pool } from '../../src/database/pool.ts';
import type { AccountMode } from '../../src/domain.ts';
import type { GatewayContext } from '../../src/exchange/context.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { createVenues, type Venues } from '../../src/exchange/registry.ts';
import type { MarketData, OrderRequest, SendOutcome, TradingVenue } from '../../src/exchange/venue.ts';
import { createLogger, type Logger } from '../../src/logger.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';

/** Thursday, noon: away from funding times and from midnight. */
export const noon = Date.UTC(2025, 5, 12, 12);
export const masterKey = Buffer.alloc(32, 7).toString('base64');
export const linear = 'BTC/USDT:USDT';
export const spot = 'BTC/USDT';

export interface TestClock {
	(): number;
	advance(ms: number): void;
}

export function makeClock(start = noon): TestClock {
	let now = start;
	return Object.assign(() => now, {
		advance: (ms: number) => {
			now += ms;
		},
	});
}

export const quietLog: Logger = createLogger({ level: 'silent', name: 'test' });

export interface Harness {
	readonly pool: Pool;
	readonly clock: TestClock;
	readonly simulator: Simulator;
	readonly context: GatewayContext;
	readonly venues: Venues;
	readonly marketData: MarketData;
	/** A new account with credentials of its own where it is LIVE. */
	openAccount(mode: AccountMode, balances?: Record<string, string>): Promise<TestAccount>;
	instrumentId(symbol: string): Promise<number>;
	close(): Promise<void>;
}

export interface TestAccount {
	readonly accountId: number;
	readonly apiKey: string;
	readonly venue: TradingVenue;
}

let accounts = 0;

export async function startHarness(
	pool: Pool,
	options: { simulator?: SimulatorOptions; context?: Partial<GatewayContext>; clock?: TestClock } = {},
): Promise<Harness> {
	const clock = options.clock ?? makeClock();
	const simulator = await startSimulator({ clock, ...options.simulator });
	await setExchangeAddress(pool, { exchangeId: 'sim', baseUrl: simulator.url });
	const context: GatewayContext = {
		pool,
		workerId: 'test-worker',
		log: quietLog,
		masterKey,
		liveAccounts: [],
		clock,
		sleep: async (ms) => clock.advance(ms),
		timings: { requestTimeoutMs: 400 },
		...options.context,
	};
	const venues = createVenues(context);
	const marketData = await venues.marketData('sim');
	// The first call of a process is its slowest, and no test is about it: it has all the time that a busy machine needs.
	const patient = await createVenues({ ...context, timings: { requestTimeoutMs: 20_000 } }).marketData('sim');
	await recordInstruments(pool, {
		exchangeId: 'sim',
		instruments: snakeCased(await patient.markets()),
		now: new Date(clock()),
	});
	return {
		pool,
		clock,
		simulator,
		context,
		venues,
		marketData,
		async openAccount(mode, balances = { USDT: '100000' }) {
			accounts += 1;
			const apiKey = `api-key-${accounts}`;
			const secret = `very-secret-${accounts}`;
			if (mode === 'LIVE') simulator.registerKey({ apiKey, secret, balances });
			const accountId = await createAccount(pool, {
				name: `account ${accounts}`,
				exchangeId: 'sim',
				mode,
				settleAsset: 'USDT',
				capital: 100_000,
				balances,
				...(mode === 'LIVE' ? { credentials: encryptCredentials({ apiKey, secret }, masterKey) } : {}),
				now: new Date(clock()),
			});
			return { accountId, apiKey, venue: await venues.tradingVenue(accountId) };
		},
		async instrumentId(symbol) {
			const found = await pool.query(`select id from botbox.instruments where exchange_id = 'sim' and symbol = $1`, [
				symbol,
			]);
			return found.rows[0].id;
		},
		close: () => simulator.close(),
	};
}

export function snakeCased(rows: readonly object[]): object[] {
	return rows.map((row) =>
		Object.fromEntries(
			Object.entries(row).map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
		),
	);
}

/** Sends an order with leave to do so, as the executor does after the order's row is committed. */
export async function sendOrder(
	venue: TradingVenue,
	order: Pick<OrderRequest, 'instrumentId' | 'symbol' | 'side' | 'quantity' | 'clientOrderId'> & Partial<OrderRequest>,
): Promise<SendOutcome> {
	const { reduceOnly = false, ...rest } = order;
	return await venue.createOrder(
		{
			marketType: order.symbol.includes(':') ? 'LINEAR' : 'SPOT',
			stopLossPrice: null,
			takeProfitPrice: null,
			...rest,
		},
		async () => ({ reduceOnly, mustSendBefore: performance.now() + 60_000 }),
	);
}
