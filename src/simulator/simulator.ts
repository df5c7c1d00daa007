/**
 * An exchange on loopback that speaks Bybit v5, for the demonstration, the tests and the drills: seeded or recorded
 * markets, real order handling, Bybit's limits and error codes, faults on demand, and a state that survives kill -9.
 */
import type { AddressInfo } from 'node:net';
import { BotboxError } from '../errors.ts';
import { Exchange } from './exchange.ts';
import { type FaultRequest, faultRequest } from './http/faults.ts';
import { type LimitOptions, Limits, publishedLimits } from './http/limits.ts';
import { makeServer } from './http/server.ts';
import { fundingRequest, instrumentRequest, type ReportedOrder, reportOrders } from './http/sim-routes.ts';
import type { Category } from './market/instruments.ts';
import type { Fault, InstrumentChange } from './state/entities.ts';

export interface SimulatorKey {
	readonly apiKey: string;
	readonly secret: string;
	/** Balance by coin; absent: 100,000 USDT, and some of a recorded market's quote coin. */
	readonly balances?: Readonly<Record<string, string>>;
	/** A key that may move money out of the exchange. */
	readonly canWithdraw?: boolean;
}

export interface SimulatorOptions {
	/** Default 127.0.0.1. */
	readonly host?: string;
	/** Default 0: any free port. */
	readonly port?: number;
	/** Default 1. The same seed gives the same markets at the same times. */
	readonly seed?: number;
	/** Journal and snapshot are kept here; absent: in memory only. */
	readonly stateDir?: string;
	/** Epoch milliseconds; default Date.now. With a clock of its own, time passes on requests only. */
	readonly clock?: () => number;
	/** Recorded candles, `BASE-QUOTE_1m.csv` or `BASE-QUOTE-USDT_5m.csv`, moved to the present. */
	readonly marketFile?: string;
	/** Base assets, each with a spot market and a perpetual; default 12. */
	readonly instrumentCount?: number;
	/** Default: Bybit's published limits. */
	readonly limits?: Partial<LimitOptions>;
	readonly keys?: readonly SimulatorKey[];
}

export interface Simulator {
	readonly url: string;
	readonly port: number;
	readonly symbols: readonly { readonly symbol: string; readonly category: Category }[];
	registerKey(key: SimulatorKey): void;
	addFault(fault: FaultRequest): Fault;
	clearFaults(): void;
	faults(): readonly Fault[];
	/** Moves a market from now on. */
	movePrice(symbol: string, price: number, category?: Category): void;
	/** What every settlement of a perpetual pays from now on, at most ±0.001; null: its own rates again. */
	setFunding(symbol: string, rate: number | null): void;
	/** States other figures of a market from now on, or takes it off the list. */
	changeInstrument(change: InstrumentChange): void;
	/** The last price at a moment, now by default. */
	price(symbol: string, category: Category, at?: number): number;
	orders(filter?: { readonly apiKey?: string; readonly symbol?: string }): readonly ReportedOrder[];
	/** What `/_sim/requests` answers. */
	requests(): object;
	/** Lets the market move up to the clock's present without a request. */
	advance(): void;
	close(): Promise<void>;
}

/** How often the market moves by itself on the real clock. */
const tickMs = 250;

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
	const exchange = new Exchange({
		seed: options.seed ?? 1,
		instrumentCount: options.instrumentCount ?? 12,
		stateDir: options.stateDir,
		marketFile: options.marketFile,
		clock: options.clock ?? Date.now,
	});
	const limits = new Limits({ ...publishedLimits, ...options.limits });
	for (const key of options.keys ?? []) exchange.registerKey(key.apiKey, key.secret, key.balances, key.canWithdraw);
	exchange.store.commit();
	const advance = (): void => {
		exchange.matchUntil(exchange.clock());
		exchange.store.commit();
	};
	const server = makeServer(exchange, limits);
	const host = options.host ?? '127.0.0.1';
	try {
		await new Promise<void>((resolve, reject) => {
			server.once('error', (error: NodeJS.ErrnoException) => {
				const taken = error.code === 'EADDRINUSE';
				reject(taken ? new BotboxError('PORT_IN_USE', `port ${options.port} of ${host} is already in use`) : error);
			});
			server.listen(options.port ?? 0, host, resolve);
		});
	} catch (error) {
		exchange.store.close();
		throw error;
	}
	const timer = options.clock === undefined ? setInterval(advance, tickMs) : undefined;
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
		port,
		symbols: exchange.market.listings.map(({ instrument: { symbol, category } }) => ({ symbol, category })),
		registerKey: (key) => {
			exchange.registerKey(key.apiKey, key.secret, key.balances, key.canWithdraw);
			exchange.store.commit();
		},
		addFault: (fault) => {
			const added = exchange.faults.add(faultRequest.parse(fault));
			exchange.store.commit();
			return added;
		},
		clearFaults: () => {
			exchange.faults.clear();
			exchange.store.commit();
		},
		faults: () => exchange.store.faults,
		movePrice: (symbol, price, category) => {
			if (!exchange.movePrice(symbol, price, category)) throw new Error(`no market ${symbol}`);
			exchange.store.commit();
		},
		setFunding: (symbol, rate) => {
			if (!exchange.setFunding(symbol, fundingRequest.parse({ symbol, rate }).rate))
				throw new Error(`no perpetual ${symbol}`);
			exchange.store.commit();
		},
		changeInstrument: (change) => {
			if (!exchange.changeInstrument(instrumentRequest.parse(change))) throw new Error(`no market ${change.symbol}`);
			exchange.store.commit();
		},
		price: (symbol, category, at) => {
			const listing = exchange.market.find(category, symbol);
			if (listing === undefined) throw new Error(`no ${category} market ${symbol}`);
			return listing.series.ticksAt(at ?? exchange.clock()) / listing.series.pricesPerUnit;
		},
		orders: (filter) => reportOrders(exchange, filter),
		requests: () => limits.report(),
		advance,
		close: async () => {
			clearInterval(timer);
			await new Promise<void>((resolve) => {
				server.close(() => resolve());
				// Requests that a fault left without an answer would hold the server open for ever.
				server.closeAllConnections();
			});
			exchange.store.close();
		},
	};
}
