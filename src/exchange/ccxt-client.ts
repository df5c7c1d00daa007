/** ccxt clients made ours: own clock, own limiter instead of ccxt's, numbers as the exchange wrote them. */

import { BotboxError } from '../errors.ts';
import { binance, bybit } from './ccxt.ts';
import type { ExchangeRow } from './context.ts';
import { type Credentials, redactorOf } from './credentials.ts';
import { sendRequest } from './transport.ts';

export type Client =
	| { readonly family: 'bybit'; readonly ccxt: bybit }
	| { readonly family: 'binance'; readonly ccxt: binance };
export type Family = Client['family'];

/** One request as ccxt is about to make it, before it is signed. */
export interface PlannedRequest {
	readonly path: string;
	/** ccxt's name of the API, such as public, private, fapiPrivate. */
	readonly api: string;
	readonly method: string;
	readonly params: Readonly<Record<string, unknown>>;
	/** ccxt's own cost of the request. */
	readonly cost: number;
}

export interface ClientOptions {
	readonly exchange: ExchangeRow;
	readonly credentials?: Credentials;
	readonly timeoutMs: number;
	/** Our clock plus the measured offset: what requests are stamped with. */
	readonly exchangeTime: () => number;
	/** Every request passes here before it is signed, so that a wait does not age its timestamp. */
	readonly gate: (request: PlannedRequest, send: () => Promise<unknown>) => Promise<unknown>;
}

const receiveWindowMs = 5_000;

export function createClient(options: ClientOptions): Client {
	const { exchange, credentials, timeoutMs } = options;
	const settings = {
		...(credentials === undefined ? {} : { apiKey: credentials.apiKey, secret: credentials.secret }),
		...(credentials?.password === undefined ? {} : { password: credentials.password }),
		enableRateLimit: false,
		timeout: timeoutMs,
	};
	if (exchange.ccxtId === 'bybit') {
		const client = new bybit({
			...settings,
			options: {
				recvWindow: receiveWindowMs,
				adjustForTimeDifference: false,
				timeDifference: 0,
				fetchMarkets: { types: ['spot', 'linear'] },
				// Accounts are unified ones: ccxt need not ask, before the first order, which kind it is.
				enableUnifiedMargin: false,
				enableUnifiedAccount: true,
				unifiedMarginStatus: 6,
			},
		});
		return { family: 'bybit', ccxt: adapt(client, options) };
	}
	if (exchange.ccxtId === 'binance') {
		const client = new binance({
			...settings,
			options: {
				recvWindow: receiveWindowMs,
				adjustForTimeDifference: false,
				timeDifference: 0,
				fetchMarkets: { types: ['spot', 'linear'] },
			},
		});
		return { family: 'binance', ccxt: adapt(client, options) };
	}
	throw new BotboxError(
		'CONFIGURATION_INVALID',
		`Exchange ${exchange.exchangeId} is of unknown kind ${exchange.ccxtId}`,
	);
}

function adapt<C extends bybit | binance>(client: C, options: ClientOptions): C {
	const { exchange, exchangeTime, gate, timeoutMs } = options;
	if (exchange.sandbox) client.setSandboxMode(true);
	if (exchange.baseUrl !== null) client.urls.api = pointTo(exchange.baseUrl, client.urls.api);
	// Prices, quantities and fees stay the text that the exchange wrote: ccxt calls this wherever it makes a number.
	client.number = String as unknown as typeof client.number;
	client.milliseconds = exchangeTime;
	client.has.fetchCurrencies = false;

	const transport = { timeoutMs, exchangeTime, redact: redactorOf(options.credentials) };
	client.fetch = (url: string, method = 'GET', headers?: Record<string, string>, body?: string) =>
		sendRequest(client, transport, url, method, headers, body);

	const request = client.request.bind(client);
	client.request = (
		path: string,
		api = 'public',
		method = 'GET',
		params = {},
		headers?: unknown,
		body?: unknown,
		config = {},
	) => {
		const cost = Number(client.calculateRateLimiterCost(api, method, path, params, config));
		return gate({ path, api, method, params, cost }, () => request(path, api, method, params, headers, body, config));
	};
	return client;
}

/** The same addresses with every host replaced; the paths, by which Binance tells its APIs apart, stay. */
function pointTo(baseUrl: string, api: unknown): Record<string, string> {
	if (typeof api !== 'object' || api === null) return {};
	return Object.fromEntries(
		Object.entries(api).map(([name, url]) => [name, String(url).replace(/^https?:\/\/[^/]+/, baseUrl)]),
	);
}
