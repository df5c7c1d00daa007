/**
 * Trading on Binance spot and USDⓈ-M futures. Stops cannot travel with a market order there, fills are answered per
 * symbol only, and a client order id may be used again once its order is over: botbox asks everywhere before it sends again.
 */
import type { binance } from 'ccxt';
import { Decimal } from 'decimal.js';
import { z } from 'zod';
import { type AccountCalls, type AccountFacts, parseSide, timeWindows } from '../account-calls.ts';
import { marketTypeOf } from '../market-data.ts';
import { isMissingOrder } from '../outcomes.ts';
import type { FillReport, FundingPayment, OrderState } from '../venue.ts';

const id = z.union([z.string(), z.number()]).transform(String);
const orderShape = z.object({
	orderId: id,
	clientOrderId: z.string(),
	symbol: z.string(),
	side: z.string(),
	status: z.string(),
	origQty: z.string(),
	executedQty: z.string(),
	reduceOnly: z.boolean().optional(),
});
const futuresTradeShape = z.object({
	symbol: z.string(),
	id,
	orderId: id,
	side: z.string(),
	qty: z.string(),
	price: z.string(),
	commission: z.string(),
	commissionAsset: z.string(),
	time: z.number(),
});
const spotTradeShape = futuresTradeShape
	.omit({ side: true })
	.extend({ isBuyer: z.boolean() })
	.transform(({ isBuyer, ...trade }) => ({ ...trade, side: isBuyer ? 'BUY' : 'SELL' }));
const createdShape = z.object({ orderId: id });
const futuresBalances = z.array(z.object({ asset: z.string(), balance: z.string() }));
const spotBalances = z.object({
	balances: z.array(z.object({ asset: z.string(), free: z.string(), locked: z.string() })),
});
const positionsShape = z.array(z.object({ symbol: z.string(), positionAmt: z.string(), entryPrice: z.string() }));
const marginShape = z.object({ totalMaintMargin: z.string(), totalMarginBalance: z.string() });
const keyShape = z.object({
	enableWithdrawals: z.boolean(),
	enableFutures: z.boolean(),
	enableSpotAndMarginTrading: z.boolean(),
});
const incomeShape = z.array(
	z.object({ symbol: z.string(), income: z.string(), asset: z.string(), time: z.number(), tranId: id }),
);

const pageSize = 1_000;
const mostPages = 200;
/** Executions looked at for an order that no list has: lists lag behind by moments, so only what is young can be missing. */
const recentTrades = 500;
const unlistedMs = 3_600_000;
const day = 86_400_000;
/** Spot answers trades of at most a day at a time, futures of a week. */
const windowMs = { SPOT: day, LINEAR: 7 * day } as const;

export function createBinanceAccount(client: binance, facts: AccountFacts): AccountCalls {
	return {
		canAttachStops: () => false,

		async createOrder(order) {
			const request = {
				symbol: idOf(order.symbol),
				side: order.side,
				type: 'MARKET',
				quantity: order.quantity,
				newClientOrderId: order.clientOrderId,
				newOrderRespType: 'ACK',
			};
			const answer =
				order.marketType === 'SPOT'
					? await client.privatePostOrder(request)
					: await client.fapiPrivatePostOrder({ ...request, ...(order.reduceOnly ? { reduceOnly: 'true' } : {}) });
			return createdShape.parse(answer).orderId;
		},

		async cancelOrder(symbol, clientOrderId) {
			const request = { symbol: idOf(symbol), origClientOrderId: clientOrderId };
			if (isSpot(symbol)) await client.privateDeleteOrder(request);
			else await client.fapiPrivateDeleteOrder(request);
		},

		async findOrder(symbol, clientOrderId) {
			const request = { symbol: idOf(symbol), origClientOrderId: clientOrderId };
			try {
				// This one call knows open and finished orders alike; where it finds the order, nothing else need be asked.
				return describeOrder(orderShape.parse(await askOrder(symbol, request)), symbol);
			} catch (error) {
				if (!isMissingOrder(error, 'binance')) throw error;
			}
			// An id may be used again here once its order is over, so "no such order" must be said by every place where it could be.
			return await findAmongAll(symbol, clientOrderId);
		},

		async findExchangeOrder(symbol, exchangeOrderId) {
			try {
				const answer = await askOrder(symbol, { symbol: idOf(symbol), orderId: exchangeOrderId });
				return describeOrder(orderShape.parse(answer), symbol);
			} catch (error) {
				if (isMissingOrder(error, 'binance')) return null;
				throw error;
			}
		},

		async openOrders() {
			const spot = z.array(orderShape).parse(await client.privateGetOpenOrders());
			const futures = z.array(orderShape).parse(await client.fapiPrivateGetOpenOrders());
			return [
				...spot.map((order) => describeOrder(order, symbolOf(order.symbol, 'spot'))),
				...futures.map((order) => describeOrder(order, symbolOf(order.symbol, 'swap'))),
			];
		},

		async fillsSince(sinceMs, order) {
			const symbols =
				order === undefined ? (await facts.tradedSymbols(sinceMs)).map(({ symbol }) => symbol) : [order.symbol];
			const fills: FillReport[] = [];
			for (const symbol of symbols) fills.push(...(await fillsOf(symbol, sinceMs, order?.exchangeOrderId)));
			return fills.filter((fill) => fill.filledAt >= sinceMs).sort((left, right) => left.filledAt - right.filledAt);
		},

		async positions() {
			const positions = positionsShape.parse(await client.fapiPrivateV3GetPositionRisk());
			return positions
				.filter((position) => !new Decimal(position.positionAmt).isZero())
				.map((position) => ({
					symbol: symbolOf(position.symbol, 'swap'),
					quantity: position.positionAmt,
					entryPrice: position.entryPrice,
				}));
		},

		async balances() {
			const spot = spotBalances.parse(await client.privateGetAccount({ omitZeroBalances: true }));
			const futures = futuresBalances.parse(await client.fapiPrivateV3GetBalance());
			const totals: Record<string, string> = {};
			const count = (asset: string, quantity: Decimal) => {
				if (quantity.isZero()) return;
				const code = client.safeCurrencyCode(asset) ?? asset;
				totals[code] = new Decimal(totals[code] ?? 0).plus(quantity).toFixed();
			};
			for (const { asset, free, locked } of spot.balances) count(asset, new Decimal(free).plus(locked));
			for (const { asset, balance } of futures) count(asset, new Decimal(balance));
			return totals;
		},

		async marginRatio() {
			const margin = marginShape.parse(await client.fapiPrivateV3GetAccount());
			const balance = new Decimal(margin.totalMarginBalance);
			return balance.isPositive() && !balance.isZero()
				? new Decimal(margin.totalMaintMargin).dividedBy(balance).toFixed(6)
				: null;
		},

		async keyFacts() {
			// The testnet has no such path.
			if (client.isSandboxModeEnabled === true) return { canWithdraw: null, canTrade: null };
			const key = keyShape.parse(await client.sapiGetAccountApiRestrictions());
			return { canWithdraw: key.enableWithdrawals, canTrade: key.enableFutures || key.enableSpotAndMarginTrading };
		},

		async fundingPayments(sinceMs) {
			const payments = new Map<string, FundingPayment>();
			for (let since = sinceMs, page = 0; page < mostPages; page += 1) {
				const rows = incomeShape.parse(
					await client.fapiPrivateGetIncome({ incomeType: 'FUNDING_FEE', startTime: since, limit: pageSize }),
				);
				for (const row of rows)
					payments.set(`${row.symbol} ${row.tranId}`, {
						symbol: symbolOf(row.symbol, 'swap'),
						asset: row.asset,
						amount: row.income,
						reference: `${row.symbol} ${row.tranId}`,
						paidAt: row.time,
					});
				const last = rows.at(-1);
				if (last === undefined || rows.length < pageSize) break;
				// The same millisecond may go on on the next page; the map drops what comes twice.
				since = last.time > since ? last.time : since + 1;
			}
			return [...payments.values()].sort((left, right) => left.paidAt - right.paidAt);
		},

		async setLeverage(symbol, leverage) {
			await client.fapiPrivatePostLeverage({ symbol: idOf(symbol), leverage: Math.trunc(Number(leverage)) });
		},

		async setMarginMode(symbol, mode) {
			const marginType = mode === 'ISOLATED' ? 'ISOLATED' : 'CROSSED';
			await client.fapiPrivatePostMarginType({ symbol: idOf(symbol), marginType });
		},

		async setOneWayMode() {
			await client.fapiPrivatePostPositionSideDual({ dualSidePosition: 'false' });
		},
	};

	function idOf(symbol: string): string {
		return client.market(symbol).id ?? symbol;
	}

	function isSpot(symbol: string): boolean {
		return marketTypeOf(client.market(symbol)) === 'SPOT';
	}

	function symbolOf(marketId: string, type: 'spot' | 'swap'): string {
		return client.safeSymbol(marketId, undefined, undefined, type) ?? marketId;
	}

	function askOrder(symbol: string, request: Record<string, string>): Promise<unknown> {
		return isSpot(symbol) ? client.privateGetOrder(request) : client.fapiPrivateGetOrder(request);
	}

	/** The open orders, then the history, then the executions whose orders neither of them lists. */
	async function findAmongAll(symbol: string, clientOrderId: string): Promise<OrderState | null> {
		const request = { symbol: idOf(symbol) };
		const lists = isSpot(symbol)
			? ([() => client.privateGetOpenOrders(request), () => client.privateGetAllOrders(request)] as const)
			: ([() => client.fapiPrivateGetOpenOrders(request), () => client.fapiPrivateGetAllOrders(request)] as const);
		const listed = new Set<string>();
		for (const ask of lists) {
			const orders = z.array(orderShape).parse(await ask());
			const found = orders.find((order) => order.clientOrderId === clientOrderId);
			if (found !== undefined) return describeOrder(found, symbol);
			for (const { orderId } of orders) listed.add(orderId);
		}
		const trades = isSpot(symbol)
			? z.array(spotTradeShape).parse(await client.privateGetMyTrades({ ...request, limit: recentTrades }))
			: z.array(futuresTradeShape).parse(await client.fapiPrivateGetUserTrades({ ...request, limit: recentTrades }));
		const since = facts.exchangeTime() - unlistedMs;
		const unlisted = new Set(
			trades.filter(({ orderId, time }) => time >= since && !listed.has(orderId)).map(({ orderId }) => orderId),
		);
		for (const orderId of unlisted) {
			// A trade whose order cannot be told apart is no clear answer: the error says so.
			const order = orderShape.parse(await askOrder(symbol, { ...request, orderId }));
			if (order.clientOrderId === clientOrderId) return describeOrder(order, symbol);
		}
		return null;
	}

	async function fillsOf(symbol: string, sinceMs: number, orderId: string | undefined): Promise<FillReport[]> {
		const type = isSpot(symbol) ? 'SPOT' : 'LINEAR';
		const ask = async (request: Record<string, string | number>) =>
			type === 'SPOT'
				? z.array(spotTradeShape).parse(await client.privateGetMyTrades(request))
				: z.array(futuresTradeShape).parse(await client.fapiPrivateGetUserTrades(request));
		const request = { symbol: idOf(symbol), limit: pageSize };
		const fills = new Map<string, FillReport>();
		const take = (trades: Awaited<ReturnType<typeof ask>>) => {
			for (const trade of trades) fills.set(trade.id, describeFill(trade, symbol));
		};
		if (orderId !== undefined) {
			take(await ask({ ...request, orderId }));
			return [...fills.values()];
		}
		for (const { start, end } of timeWindows(sinceMs, facts.exchangeTime() + 1_000, windowMs[type])) {
			for (let from = start, page = 0; page < mostPages; page += 1) {
				const trades = await ask({ ...request, startTime: from, endTime: end });
				take(trades);
				const last = trades.at(-1);
				if (last === undefined || trades.length < pageSize) break;
				from = last.time > from ? last.time : from + 1;
			}
		}
		return [...fills.values()];
	}
}

const orderStatuses: Readonly<Record<string, OrderState['status']>> = {
	NEW: 'OPEN',
	PENDING_NEW: 'OPEN',
	PARTIALLY_FILLED: 'OPEN',
	PENDING_CANCEL: 'OPEN',
	FILLED: 'FILLED',
	CANCELED: 'CANCELLED',
	EXPIRED: 'CANCELLED',
	EXPIRED_IN_MATCH: 'CANCELLED',
	REJECTED: 'REJECTED',
};

function describeOrder(order: z.output<typeof orderShape>, symbol: string): OrderState {
	return {
		exchangeOrderId: order.orderId,
		clientOrderId: order.clientOrderId || null,
		symbol,
		status: orderStatuses[order.status] ?? 'OPEN',
		side: parseSide(order.side),
		quantity: order.origQty,
		filledQuantity: order.executedQty,
		isReduceOnly: order.reduceOnly ?? false,
	};
}

function describeFill(trade: z.output<typeof futuresTradeShape>, symbol: string): FillReport {
	return {
		symbol,
		exchangeOrderId: trade.orderId,
		exchangeFillId: trade.id,
		clientOrderId: null,
		side: parseSide(trade.side),
		quantity: trade.qty,
		price: trade.price,
		fee: trade.commission,
		feeAsset: trade.commissionAsset,
		stopKind: null,
		filledAt: trade.time,
	};
}
