/** One exchange as a process sees it: its gate, its clock, its markets; shared by market data and all accounts. */
import { recordClockOffset } from '../database/functions/exchange.ts';
import { errorMessage } from '../errors.ts';
import { createGate, type Gate } from './call-exchange.ts';
import { type Client, createClient } from './ccxt-client.ts';
import { databaseTime, type ExchangeRow, type GatewayContext, localTime, timingsOf } from './context.ts';
import type { Credentials } from './credentials.ts';
import { describeCall } from './limits.ts';
import { isOutOfTime } from './outcomes.ts';
import { callTrace } from './transport.ts';
import { findUnlisted } from './unlisted-markets.ts';

export interface ExchangeLink {
	readonly context: GatewayContext;
	readonly exchange: ExchangeRow;
	readonly gate: Gate;
	/** The client without credentials. */
	readonly client: Client;
	/** The exchange's time by the last measurement, epoch ms. */
	exchangeTime(): number;
	measureClock(): Promise<number>;
	/** A client with the credentials of an account, behind the same gate. */
	openClient(accountKey: string, credentials: Credentials): Client;
	/** Loads markets into the public client once; `reload` asks the exchange again. */
	loadMarkets(reload?: boolean): Promise<void>;
	/** Loads markets, and once more where a symbol is not among them: it may have been listed since. */
	knowSymbol(symbol: string): Promise<void>;
	/** Gives a client of an account the markets that the public one has loaded. */
	shareMarkets(client: Client, symbol?: string): Promise<void>;
	/** Runs a read; refused for its timestamp, it is run once more after the clock was measured. */
	inTime<T>(read: () => Promise<T>): Promise<T>;
}

/** A symbol that stays unknown makes the market list be asked for no more often than this. */
const reloadEveryMs = 60_000;

export function openExchange(context: GatewayContext, exchange: ExchangeRow): ExchangeLink {
	const { requestTimeoutMs: timeoutMs } = timingsOf(context);
	let offsetMs = 0;
	let loading: Promise<unknown> | undefined;
	let hasFailed = false;
	let loadedAt = 0;
	const exchangeTime = (): number => Math.round(localTime(context) + offsetMs);
	const gate = createGate(context, {
		exchangeId: exchange.exchangeId,
		family: exchange.ccxtId === 'binance' ? 'binance' : 'bybit',
		exchangeTime,
	});

	const openClient = (accountKey: string | undefined, credentials?: Credentials): Client => {
		const client: Client = createClient({
			exchange,
			...(credentials === undefined ? {} : { credentials }),
			timeoutMs,
			exchangeTime,
			gate: (request, send) => gate.callExchange(describeCall(client.family, request, accountKey), send),
		});
		return client;
	};
	const client = openClient(undefined);
	const fetchListed = client.ccxt.fetchMarkets.bind(client.ccxt);
	client.ccxt.fetchMarkets = async (params = {}) => {
		const listed = await fetchListed(params);
		const symbols = new Set(listed.map((market) => market?.symbol));
		return [...listed, ...(await findUnlisted(context, exchange.exchangeId, symbols))];
	};

	async function measureClock(): Promise<number> {
		const trace: { sentAt?: number } = {};
		const theirs = await callTrace.run(trace, () => client.ccxt.fetchTime());
		const answeredAt = exchangeTime();
		if (theirs === undefined) return offsetMs;
		// The answer was made about half way between sending and receiving; both are by the offset so far.
		const middle = ((trace.sentAt ?? answeredAt) + answeredAt) / 2;
		offsetMs += theirs - middle;
		await recordClockOffset(context.pool, {
			exchangeId: exchange.exchangeId,
			offsetMs,
			now: databaseTime(context),
		}).catch((error: unknown) =>
			context.log.warn({ exchange: exchange.exchangeId, error: errorMessage(error) }, 'the clock offset was not noted'),
		);
		return offsetMs;
	}

	async function loadMarkets(reload = false): Promise<void> {
		if (loading === undefined || reload) {
			// ccxt keeps a failed attempt for ever unless told to load again.
			const attempt = client.ccxt.loadMarkets(reload || hasFailed);
			loading = attempt;
			attempt.then(
				() => {
					hasFailed = false;
					loadedAt = localTime(context);
				},
				() => {
					hasFailed = true;
					if (loading === attempt) loading = undefined;
				},
			);
		}
		await loading;
	}

	async function knowSymbol(symbol: string): Promise<void> {
		await loadMarkets();
		if (client.ccxt.markets?.[symbol] !== undefined || localTime(context) - loadedAt < reloadEveryMs) return;
		await loadMarkets(true);
	}

	return {
		context,
		exchange,
		gate,
		client,
		exchangeTime,
		measureClock,
		openClient,
		loadMarkets,
		knowSymbol,
		async shareMarkets(target, symbol) {
			await (symbol === undefined ? loadMarkets() : knowSymbol(symbol));
			if (target.ccxt.markets !== client.ccxt.markets) target.ccxt.setMarketsFromExchange(client.ccxt);
		},
		async inTime(read) {
			try {
				return await read();
			} catch (error) {
				if (!isOutOfTime(error, client.family)) throw error;
				await measureClock();
				return await read();
			}
		},
	};
}
