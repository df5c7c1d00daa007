/** Trading on one LIVE account: the contract of a venue over an exchange's dialect, the limiter and the breaker. */
import { findTradedSymbols } from '../database/functions/exchange.ts';
import { BotboxError, errorMessage } from '../errors.ts';
import type { AccountCalls, AccountFacts } from './account-calls.ts';
import { createBinanceAccount } from './binance/account.ts';
import { createBybitAccount } from './bybit/account.ts';
import { type AccountRow, pause, timingsOf } from './context.ts';
import { type Credentials, redactorOf } from './credentials.ts';
import type { ExchangeLink } from './exchange-link.ts';
import type { Refusal } from './grants.ts';
import { type ExchangeCall, ipBucketOf } from './limits.ts';
import {
	classifySending,
	isDuplicateId,
	isMissingOrder,
	isUnchanged,
	keyRefusal,
	speaksOfAccount,
} from './outcomes.ts';
import { reading } from './reading.ts';
import { type CallTrace, callTrace, type Grant } from './transport.ts';
import type { MarginMode, OrderRequest, SendOutcome, TradingVenue } from './venue.ts';

/** Times that a sending asks for a grant: the first one may lapse while the order's row is committed. */
const mostGrants = 3;

/** `onKeyRefused` runs before the refused call ends, with what the exchange said. */
export function createTradingVenue(
	link: ExchangeLink,
	account: AccountRow,
	credentials: Credentials,
	onKeyRefused: (message: string) => Promise<void> = async () => undefined,
): TradingVenue {
	const { context } = link;
	const accountKey = String(account.accountId);
	const client = link.openClient(accountKey, credentials);
	const redact = redactorOf(credentials);
	const facts: AccountFacts = {
		accountId: account.accountId,
		settleAsset: account.settleAsset,
		exchangeTime: link.exchangeTime,
		tradedSymbols: (sinceMs) =>
			findTradedSymbols(context.pool, { accountId: account.accountId, since: new Date(sinceMs) }),
	};
	const calls: AccountCalls =
		client.family === 'bybit' ? createBybitAccount(client.ccxt, facts) : createBinanceAccount(client.ccxt, facts);
	const preparing = new Map<string, Promise<void>>();
	let oneWay: Promise<void> | undefined;

	return {
		accountId: account.accountId,
		exchangeId: account.exchangeId,

		async createOrder(order, beforeSend) {
			try {
				await link.shareMarkets(client, order.symbol);
			} catch (error) {
				context.log.warn({ account: account.name, error: errorMessage(error) }, 'no markets, so no order is sent');
				return { kind: 'NOT_SENT', reason: 'EXCHANGE_UNAVAILABLE', retryAfterMs: 1_000 };
			}
			return await send(order, beforeSend);
		},

		async cancelOrder(symbol, clientOrderId) {
			await asking(`the cancelling of ${clientOrderId}`, async () => {
				try {
					await urgently(() => calls.cancelOrder(symbol, clientOrderId));
				} catch (error) {
					// Gone already: filled, cancelled or never there. What became of it is asked for, not guessed.
					if (!isMissingOrder(error, client.family)) throw error;
				}
			});
		},

		findOrder: (symbol, clientOrderId) =>
			asking(`order ${clientOrderId}`, () => urgently(() => calls.findOrder(symbol, clientOrderId)), symbol),
		findExchangeOrder: (symbol, id) =>
			asking(`order ${id}`, () => urgently(() => calls.findExchangeOrder(symbol, id)), symbol),
		openOrders: () => asking('the open orders', () => calls.openOrders()),
		fillsSince: (sinceMs, order) => asking('the fills', () => calls.fillsSince(sinceMs, order)),
		positions: () => asking('the positions', () => calls.positions()),
		balances: () => asking('the balances', () => calls.balances()),
		fundingPayments: (sinceMs) => asking('the funding payments', () => calls.fundingPayments(sinceMs)),
		marginRatio: () => asking('the margin', () => calls.marginRatio()),
		keyFacts: () => asking('what the key may do', () => calls.keyFacts()),

		async setStops(symbol, stops) {
			if (calls.setStops === undefined)
				throw new BotboxError('EXCHANGE_REFUSED', `${account.exchangeId} keeps no stops of a position`);
			await changeSetting(`the stops of ${symbol}`, () => calls.setStops?.(symbol, stops) ?? Promise.resolve());
		},

		async prepareInstrument(symbol, marketType, { leverage, marginMode }) {
			if (marketType === 'SPOT') return;
			oneWay ??= changeSetting('one-way mode', () => calls.setOneWayMode());
			await oneWay.catch((error: unknown) => {
				oneWay = undefined;
				throw error;
			});
			// Those that enter the same market at once wait for one setting.
			const key = `${symbol} ${leverage} ${marginMode}`;
			const present = preparing.get(key);
			if (present !== undefined) return await present;
			const setting = set(symbol, leverage, marginMode);
			preparing.set(key, setting);
			await setting.finally(() => preparing.delete(key));
		},
	};

	async function set(symbol: string, leverage: string, marginMode: MarginMode | null): Promise<void> {
		if (marginMode !== null)
			await changeSetting(`the margin mode of ${symbol}`, () => calls.setMarginMode(symbol, marginMode));
		await changeSetting(`the leverage of ${symbol}`, () => calls.setLeverage(symbol, leverage));
	}

	async function asking<T>(what: string, read: () => Promise<T>, symbol?: string): Promise<T> {
		try {
			return await reading(link, what, async () => {
				await link.shareMarkets(client, symbol);
				return await read();
			});
		} catch (error) {
			if (error instanceof BotboxError && error.code === 'CREDENTIALS_REFUSED') await onKeyRefused(error.message);
			throw error;
		}
	}

	function changeSetting(what: string, change: () => Promise<void>): Promise<void> {
		return asking(what, async () => {
			try {
				await change();
			} catch (error) {
				if (!isUnchanged(error, client.family)) throw error;
			}
		});
	}

	async function send(
		order: Omit<OrderRequest, 'reduceOnly'>,
		beforeSend: Parameters<TradingVenue['createOrder']>[1],
	): Promise<SendOutcome> {
		const hasStops = order.stopLossPrice !== null || order.takeProfitPrice !== null;
		const call: ExchangeCall = {
			name: 'POST order',
			weight: 1,
			ipBucket: ipBucketOf(client.family, order.marketType === 'LINEAR'),
			account: { key: accountKey, bucket: order.marketType === 'SPOT' ? 'order_spot' : 'order_linear' },
			isTelling: true,
			isUrgent: order.isClose === true,
			...(order.patienceMs === undefined ? {} : { patienceMs: order.patienceMs }),
		};
		let leave: Awaited<ReturnType<typeof beforeSend>> | undefined;
		let isResynced = false;
		for (let attempt = 1; attempt <= mostGrants; attempt += 1) {
			const grant = await waitShortly(call);
			if ('refusal' in grant) return { kind: 'NOT_SENT', reason: grant.refusal, retryAfterMs: grant.retryAfterMs };
			// Once only: it commits the order's row.
			leave = leave === undefined ? await beforeSend() : leave;
			if (leave === null) return { kind: 'NOT_SENT', reason: 'NOT_SUBMITTED', retryAfterMs: 0 };
			if (performance.now() >= leave.mustSendBefore) return { kind: 'NOT_SENT', reason: 'TOO_LATE', retryAfterMs: 0 };
			if (hasStops && !calls.canAttachStops(order.marketType))
				return {
					kind: 'REFUSED',
					code: 'STOPS_NOT_SUPPORTED',
					message: `${account.exchangeId} takes no stops with a market order in a ${order.marketType} market`,
				};
			if (performance.now() >= grant.lapsesAt) continue;

			const outcome = await sendOnce({ ...order, reduceOnly: leave.reduceOnly }, grant);
			if (outcome.kind !== 'RESYNC') return outcome;
			const { code, message } = outcome;
			const isMeasured =
				!isResynced &&
				(await link.measureClock().then(
					() => true,
					() => false,
				));
			if (!isMeasured) return { kind: 'NOT_ACCEPTED', code, message };
			isResynced = true;
		}
		return { kind: 'NOT_SENT', reason: 'RATE_LIMIT', retryAfterMs: 100 };
	}

	/** A refusal that ends in a moment is waited out; the trade's claim would cost more to hand back and take again. */
	async function waitShortly(call: ExchangeCall): Promise<Grant | Refusal> {
		let leftMs = timingsOf(context).longestOrderWaitMs;
		for (;;) {
			const answer = await link.gate.askForGrant(call);
			if (!('refusal' in answer) || answer.refusal !== 'RATE_LIMIT' || answer.retryAfterMs > leftMs) return answer;
			leftMs -= answer.retryAfterMs;
			await pause(context, answer.retryAfterMs);
		}
	}

	async function sendOnce(
		order: OrderRequest,
		grant: Grant,
	): Promise<SendOutcome | { readonly kind: 'RESYNC'; readonly code: string; readonly message: string }> {
		const trace: CallTrace = { grant };
		try {
			const exchangeOrderId = await callTrace.run(trace, () => calls.createOrder(order));
			return { kind: 'ACKNOWLEDGED', exchangeOrderId };
		} catch (error) {
			if (error instanceof BotboxError) return { kind: 'NOT_SENT', reason: error.code, retryAfterMs: 1_000 };
			const { verdict, code, message } = classifySending(error, client.family);
			const told = redact(message);
			const refusal = keyRefusal(error, client.family);
			if (refusal !== undefined) await onKeyRefused(`${account.exchangeId} does not take the key: ${refusal}`);
			if (verdict === 'REFUSED')
				return { kind: verdict, code, message: told, ...(speaksOfAccount(error) ? {} : { mayBeOutdated: true }) };
			return verdict === 'UNKNOWN'
				? {
						kind: verdict,
						message: `${code}: ${told}`,
						code: isDuplicateId(error, client.family) ? 'DUPLICATE_CLIENT_ID' : undefined,
					}
				: { kind: verdict, code, message: told };
		}
	}
}

/** What cannot wait behind market data may take the tokens that are kept back. */
function urgently<T>(ask: () => Promise<T>): Promise<T> {
	return callTrace.run({ isUrgent: true }, ask);
}
