/**
 * The paper venue: the contract of a venue over books of its own in the database. Market orders fill at once and whole,
 * at the book's side of a fresh price plus the account's slippage, with the instrument's taker fee. What it knows it knows
 * from its own orders only, so that reconciliation compares two independent reckonings here as well.
 */
import {
	findPaperBalances,
	findPaperPositions,
	findQuote,
	settlePaperFunding,
} from '../database/functions/exchange.ts';
import { recordTickers } from '../database/functions/market.ts';
import { findPaperOrders, submitPaperOrder } from '../database/functions/trades.ts';
import { BotboxError, errorMessage } from '../errors.ts';
import { type AccountRow, databaseTime, type GatewayContext, localTime, timingsOf } from './context.ts';
import type { MarketData, OrderRequest, OrderState, Quote, TradingVenue } from './venue.ts';

type PaperOrder = Awaited<ReturnType<typeof findPaperOrders>>[number];

const pageSize = 500;

export function createPaperVenue(context: GatewayContext, account: AccountRow, marketData: MarketData): TradingVenue {
	const { pool } = context;
	const { accountId } = account;

	return {
		accountId,
		exchangeId: account.exchangeId,

		async createOrder(order, beforeSend) {
			let price: string;
			try {
				price = await findPrice(order);
			} catch (error) {
				context.log.warn({ account: account.name, symbol: order.symbol, error: errorMessage(error) }, 'no fresh price');
				return { kind: 'NOT_SENT', reason: 'NO_FRESH_PRICE', retryAfterMs: 1_000 };
			}
			const leave = await beforeSend();
			if (leave === null) return { kind: 'NOT_SENT', reason: 'NOT_SUBMITTED', retryAfterMs: 0 };
			if (performance.now() >= leave.mustSendBefore) return { kind: 'NOT_SENT', reason: 'TOO_LATE', retryAfterMs: 0 };
			try {
				const id = await submitPaperOrder(pool, {
					accountId,
					instrumentId: order.instrumentId,
					clientOrderId: order.clientOrderId,
					side: order.side,
					quantity: order.quantity,
					price,
					reduceOnly: leave.reduceOnly,
					now: databaseTime(context),
				});
				if (id === null) return { kind: 'UNKNOWN', message: `client order id ${order.clientOrderId} was used before` };
				return { kind: 'ACKNOWLEDGED', exchangeOrderId: orderIdOf(id) };
			} catch (error) {
				const code = refusalCode(error);
				if (code !== undefined) return { kind: 'REFUSED', code, message: errorMessage(error) };
				// The connection may have gone after the commit: only asking tells.
				return { kind: 'UNKNOWN', message: errorMessage(error) };
			}
		},

		// Nothing rests on the paper venue, so there is nothing to cancel.
		async cancelOrder() {},

		async findOrder(_symbol, clientOrderId) {
			const [order] = await findPaperOrders(pool, { accountId, clientOrderId });
			return order === undefined ? null : describeOrder(order);
		},

		// Stops of paper positions are watched by the guard and closed by orders of our own.
		async findExchangeOrder() {
			return null;
		},

		async openOrders() {
			return [];
		},

		async fillsSince(sinceMs, wanted) {
			const orders = await ordersSince(sinceMs);
			return orders
				.filter((order) => wanted === undefined || orderIdOf(order.id) === wanted.exchangeOrderId)
				.map((order) => ({
					symbol: order.symbol,
					exchangeOrderId: orderIdOf(order.id),
					exchangeFillId: `${orderIdOf(order.id)}-1`,
					clientOrderId: order.clientOrderId,
					side: order.side,
					quantity: order.quantity,
					price: order.price,
					fee: order.fee,
					feeAsset: order.feeAsset,
					stopKind: null,
					filledAt: order.filledAt.getTime(),
				}));
		},

		positions: () => findPaperPositions(pool, { accountId }),

		async balances() {
			const rows = await findPaperBalances(pool, { accountId });
			return Object.fromEntries(rows.map(({ asset, quantity }) => [asset, quantity]));
		},

		async fundingPayments(sinceMs) {
			// A rate is stored some minutes after its time: asked for again by its day, booked once by its reference.
			const since = new Date(sinceMs - 86_400_000);
			const rows = await settlePaperFunding(pool, { accountId, since, now: databaseTime(context) });
			return rows.map(({ paidAt, ...payment }) => ({ ...payment, paidAt: paidAt.getTime() }));
		},

		async prepareInstrument() {},

		// Stops of paper positions are the guard's, and what the books of this venue lose nobody calls in.
		async setStops() {
			throw new BotboxError('EXCHANGE_REFUSED', 'the paper venue keeps no stops of a position');
		},
		async marginRatio() {
			return null;
		},
		async keyFacts() {
			return { canWithdraw: null, canTrade: null };
		},
	};

	/** The side of the book that a market order meets; the last price where the book is empty. */
	async function findPrice(order: Omit<OrderRequest, 'reduceOnly'>): Promise<string> {
		const { paperPriceAgeMs } = timingsOf(context);
		const [stored] = await findQuote(pool, { instrumentId: order.instrumentId });
		const quote =
			stored !== undefined && localTime(context) - stored.quotedAt.getTime() <= paperPriceAgeMs
				? stored
				: await fetchQuote(order);
		return (order.side === 'BUY' ? quote.ask : quote.bid) ?? quote.last;
	}

	async function fetchQuote(order: Omit<OrderRequest, 'reduceOnly'>): Promise<Quote> {
		const quotes = await marketData.quotes([order.marketType]);
		const tickers = quotes.map(({ symbol, bid, ask, last, mark, quotedAt }) => ({
			symbol,
			bid,
			ask,
			last,
			mark,
			quoted_at: new Date(quotedAt),
		}));
		await recordTickers(pool, { exchangeId: account.exchangeId, tickers, now: databaseTime(context) });
		const quote = quotes.find(({ symbol }) => symbol === order.symbol);
		if (quote === undefined) throw new Error(`${account.exchangeId} names no price of ${order.symbol}`);
		return quote;
	}

	async function ordersSince(sinceMs: number): Promise<PaperOrder[]> {
		const found = new Map<number, PaperOrder>();
		for (let since = new Date(sinceMs), limit = pageSize; ; ) {
			const page = await findPaperOrders(pool, { accountId, since, limit });
			for (const order of page) found.set(order.id, order);
			const last = page.at(-1);
			if (last === undefined || page.length < limit) break;
			// Where one moment fills a whole page, a longer page gets past it.
			if (last.filledAt.getTime() === since.getTime()) limit *= 2;
			since = last.filledAt;
		}
		return [...found.values()];
	}
}

const orderIdOf = (id: number): string => `paper-${id}`;

function describeOrder(order: PaperOrder): OrderState {
	return {
		exchangeOrderId: orderIdOf(order.id),
		clientOrderId: order.clientOrderId,
		symbol: order.symbol,
		status: 'FILLED',
		side: order.side,
		quantity: order.quantity,
		filledQuantity: order.quantity,
	};
}

/** SQLSTATE classes 22 and 23 are the venue's refusals: nothing was stored. Undefined: the database itself failed. */
function refusalCode(error: unknown): string | undefined {
	const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
	return /^(22|23)/.test(code) ? code : undefined;
}
