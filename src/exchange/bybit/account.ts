/** Trading on Bybit v5: requests by ccxt's implicit calls, which sign and send, written out as Bybit documents them. */
import type { bybit } from 'ccxt';
import { Decimal } from 'decimal.js';
import { type AccountCalls, type AccountFacts, parseSide, timeWindows } from '../account-calls.ts';
import { marketTypeOf } from '../market-data.ts';
import { isMissingOrder } from '../outcomes.ts';
import type { FillReport, FundingPayment, OrderRequest, OrderState } from '../venue.ts';
import {
	accountAnswer,
	type BybitExecution,
	type BybitOrder,
	createAnswer,
	executionPage,
	keyAnswer,
	orderPage,
	positionPage,
	walletAnswer,
} from './answers.ts';

type Category = 'spot' | 'linear';
type Params = Record<string, string | number | boolean>;

const week = 7 * 86_400_000;
const mostPages = 200;

export function createBybitAccount(client: bybit, facts: AccountFacts): AccountCalls {
	return {
		canAttachStops: (marketType) => marketType === 'LINEAR',

		async createOrder(order) {
			const answer = await client.privatePostV5OrderCreate(orderRequest(order, idOf(order.symbol)));
			return createAnswer.parse(answer).result.orderId;
		},

		async cancelOrder(symbol, clientOrderId) {
			await client.privatePostV5OrderCancel({ ...idsOf(symbol), orderLinkId: clientOrderId });
		},

		findOrder: (symbol, clientOrderId) => findNamed(symbol, { orderLinkId: clientOrderId }),
		findExchangeOrder: (symbol, exchangeOrderId) => findNamed(symbol, { orderId: exchangeOrderId }),

		async openOrders() {
			const lists = await Promise.all(
				(['linear', 'spot'] as const).map(async (category) => {
					const orders = await pages(
						orderPage,
						{ category, limit: 50, ...(category === 'linear' ? { settleCoin: facts.settleAsset } : {}) },
						(params) => client.privateGetV5OrderRealtime(params),
					);
					return orders.map((order) => describeOrder(order, symbolOf(order.symbol, category)));
				}),
			);
			return lists.flat().filter((order) => order.status === 'OPEN');
		},

		async fillsSince(sinceMs, order) {
			const found: FillReport[] = [];
			if (order !== undefined) {
				const request = { ...idsOf(order.symbol), orderId: order.exchangeOrderId, limit: 100 };
				const executions = await pages(executionPage, request, (params) => client.privateGetV5ExecutionList(params));
				found.push(...executions.filter(isTrade).map((execution) => describeFill(execution, order.symbol)));
			} else {
				for (const category of ['linear', 'spot'] as const)
					for (const execution of (await executionsSince(category, sinceMs)).filter(isTrade))
						found.push(describeFill(execution, symbolOf(execution.symbol, category)));
			}
			return found.filter((fill) => fill.filledAt >= sinceMs).sort((left, right) => left.filledAt - right.filledAt);
		},

		async positions() {
			const positions = await pages(
				positionPage,
				{ category: 'linear', settleCoin: facts.settleAsset, limit: 200 },
				(params) => client.privateGetV5PositionList(params),
			);
			return positions
				.filter((position) => !new Decimal(position.size).isZero())
				.map((position) => ({
					symbol: symbolOf(position.symbol, 'linear'),
					quantity: position.side === 'Sell' ? `-${position.size}` : position.size,
					entryPrice: position.avgPrice,
					stopLossPrice: priceOrNull(position.stopLoss),
					takeProfitPrice: priceOrNull(position.takeProfit),
				}));
		},

		async setStops(symbol, { stopLossPrice, takeProfitPrice }) {
			// "0" takes a stop away. Full: for the whole position, whatever its size becomes.
			await client.privatePostV5PositionTradingStop({
				...idsOf(symbol),
				positionIdx: 0,
				tpslMode: 'Full',
				stopLoss: stopLossPrice ?? '0',
				takeProfit: takeProfitPrice ?? '0',
			});
		},

		async marginRatio() {
			const answer = walletAnswer.parse(await client.privateGetV5AccountWalletBalance({ accountType: 'UNIFIED' }));
			// Empty where the account has no margin of its own, as with isolated margin.
			return answer.result.list[0]?.accountMMRate || null;
		},

		async keyFacts() {
			const { permissions, readOnly } = keyAnswer.parse(await client.privateGetV5UserQueryApi()).result;
			return { canWithdraw: (permissions.Wallet ?? []).includes('Withdraw'), canTrade: readOnly === 0 };
		},

		async balances() {
			const answer = walletAnswer.parse(await client.privateGetV5AccountWalletBalance({ accountType: 'UNIFIED' }));
			const coins = answer.result.list.flatMap((account) => account.coin);
			return Object.fromEntries(
				coins.map(({ coin, walletBalance }) => [client.safeCurrencyCode(coin) ?? coin, walletBalance]),
			);
		},

		async fundingPayments(sinceMs) {
			const payments: FundingPayment[] = [];
			for (const execution of await executionsSince('linear', sinceMs, { execType: 'Funding' })) {
				const symbol = symbolOf(execution.symbol, 'linear');
				payments.push({
					symbol,
					asset: client.markets?.[symbol]?.settle ?? facts.settleAsset,
					// Bybit writes what was paid as a fee, so what was received is negative.
					amount: new Decimal(execution.execFee).negated().toFixed(),
					reference: execution.execId,
					paidAt: execution.execTime,
				});
			}
			return payments.sort((left, right) => left.paidAt - right.paidAt);
		},

		async setLeverage(symbol, leverage) {
			await client.privatePostV5PositionSetLeverage({
				...idsOf(symbol),
				buyLeverage: leverage,
				sellLeverage: leverage,
			});
		},

		async setMarginMode(_symbol, mode) {
			// Unified accounts have one mode for everything. Setting it again is no error that could be told apart, so it is asked for.
			const wanted = mode === 'ISOLATED' ? 'ISOLATED_MARGIN' : 'REGULAR_MARGIN';
			const { marginMode } = accountAnswer.parse(await client.privateGetV5AccountInfo()).result;
			if (marginMode !== wanted) await client.privatePostV5AccountSetMarginMode({ setMarginMode: wanted });
		},

		async setOneWayMode() {
			await client.privatePostV5PositionSwitchMode({ category: 'linear', coin: facts.settleAsset, mode: 0 });
		},
	};

	function idOf(symbol: string): string {
		return client.market(symbol).id ?? symbol;
	}

	function idsOf(symbol: string): { category: Category; symbol: string } {
		const market = client.market(symbol);
		return { category: marketTypeOf(market) === 'SPOT' ? 'spot' : 'linear', symbol: market.id ?? symbol };
	}

	function symbolOf(id: string, category: Category): string {
		return client.safeSymbol(id, undefined, undefined, category === 'spot' ? 'spot' : 'swap') ?? id;
	}

	async function findNamed(symbol: string, name: Params): Promise<OrderState | null> {
		const request = { ...idsOf(symbol), ...name };
		const order =
			(await findIn(() => client.privateGetV5OrderRealtime(request))) ??
			(await findIn(() => client.privateGetV5OrderHistory(request)));
		if (order !== undefined) return describeOrder(order, symbol);
		// An order can be filled and not yet be listed anywhere but among the executions.
		const executions = await pages(executionPage, request, (params) => client.privateGetV5ExecutionList(params));
		return orderOfExecutions(executions.filter(isTrade), symbol);
	}

	async function findIn(ask: () => Promise<unknown>): Promise<BybitOrder | undefined> {
		try {
			return orderPage.parse(await ask()).rows[0];
		} catch (error) {
			if (isMissingOrder(error, 'bybit')) return undefined;
			throw error;
		}
	}

	async function executionsSince(category: Category, sinceMs: number, more: Params = {}): Promise<BybitExecution[]> {
		const found: BybitExecution[] = [];
		for (const { start, end } of timeWindows(sinceMs, facts.exchangeTime() + 1_000, week)) {
			const request = { category, startTime: start, endTime: end, limit: 100, ...more };
			found.push(...(await pages(executionPage, request, (params) => client.privateGetV5ExecutionList(params))));
		}
		return found;
	}

	function describeFill(execution: BybitExecution, symbol: string): FillReport {
		const market = client.markets?.[symbol];
		const isSpot = market?.spot === true;
		const side = parseSide(execution.side);
		// Derivatives name no fee currency: it is what they settle in. Spot takes it from what is received.
		const spotAsset = side === 'BUY' ? market?.base : market?.quote;
		const feeAsset = execution.feeCurrency || (isSpot ? spotAsset : market?.settle) || facts.settleAsset;
		return {
			symbol,
			exchangeOrderId: execution.orderId,
			exchangeFillId: execution.execId,
			clientOrderId: execution.orderLinkId || null,
			side,
			quantity: execution.execQty,
			price: execution.execPrice,
			fee: execution.execFee,
			feeAsset: client.safeCurrencyCode(feeAsset) ?? feeAsset,
			stopKind: stopKindOf(execution),
			filledAt: execution.execTime,
		};
	}
}

function orderRequest(order: OrderRequest, symbol: string): Params {
	const shared = {
		symbol,
		side: order.side === 'BUY' ? 'Buy' : 'Sell',
		orderType: 'Market',
		qty: order.quantity,
		orderLinkId: order.clientOrderId,
	};
	// Without marketUnit a spot market buy's qty is read as the amount of quote to spend.
	if (order.marketType === 'SPOT') return { category: 'spot', ...shared, marketUnit: 'baseCoin' };
	const request: Params = { category: 'linear', ...shared, positionIdx: 0, reduceOnly: order.reduceOnly };
	if (order.stopLossPrice !== null) request.stopLoss = order.stopLossPrice;
	if (order.takeProfitPrice !== null) request.takeProfit = order.takeProfitPrice;
	// The whole position by a market order, triggered by the last price.
	if (order.stopLossPrice !== null || order.takeProfitPrice !== null) request.tpslMode = 'Full';
	return request;
}

const orderStatuses: Readonly<Record<string, OrderState['status']>> = {
	New: 'OPEN',
	PartiallyFilled: 'OPEN',
	Untriggered: 'OPEN',
	Triggered: 'OPEN',
	Filled: 'FILLED',
	Cancelled: 'CANCELLED',
	PartiallyFilledCanceled: 'CANCELLED',
	Deactivated: 'CANCELLED',
	Rejected: 'REJECTED',
};

function describeOrder(order: BybitOrder, symbol: string): OrderState {
	return {
		exchangeOrderId: order.orderId,
		clientOrderId: order.orderLinkId || null,
		symbol,
		// A status that Bybit may add is taken for open: it is asked for again rather than given up.
		status: orderStatuses[order.orderStatus] ?? 'OPEN',
		side: order.side,
		quantity: order.qty,
		filledQuantity: order.cumExecQty,
		stopKind: stopKindOf(order),
		isReduceOnly: order.reduceOnly ?? false,
	};
}

function orderOfExecutions(executions: readonly BybitExecution[], symbol: string): OrderState | null {
	const [first] = executions;
	if (first === undefined) return null;
	const filled = Decimal.sum(...executions.map((execution) => execution.execQty));
	const isFull = filled.greaterThanOrEqualTo(first.orderQty);
	const hasLeft = executions.every((execution) => Number(execution.leavesQty) > 0);
	return {
		exchangeOrderId: first.orderId,
		clientOrderId: first.orderLinkId || null,
		symbol,
		status: isFull ? 'FILLED' : hasLeft ? 'OPEN' : 'CANCELLED',
		side: parseSide(first.side),
		quantity: first.orderQty,
		filledQuantity: filled.toFixed(),
	};
}

function priceOrNull(price: string | undefined): string | null {
	return price === undefined || price === '' || new Decimal(price).isZero() ? null : price;
}

/** Executions that move a position; funding and settlement are booked elsewhere. */
const tradeTypes: ReadonlySet<string> = new Set(['Trade', 'AdlTrade', 'BustTrade', 'BlockTrade']);

function isTrade(execution: BybitExecution): boolean {
	return tradeTypes.has(execution.execType);
}

function stopKindOf({
	stopOrderType = '',
	createType = '',
}: Pick<BybitExecution, 'stopOrderType' | 'createType'>): FillReport['stopKind'] {
	if (/StopLoss$/.test(stopOrderType) || /StopLoss$/.test(createType)) return 'STOP_LOSS';
	if (/TakeProfit$/.test(stopOrderType) || /TakeProfit$/.test(createType)) return 'TAKE_PROFIT';
	return null;
}

/** All pages of a list, following nextPageCursor. */
async function pages<Row>(
	shape: { parse: (answer: unknown) => { rows: Row[]; cursor: string | undefined } },
	request: Params,
	ask: (params: Params) => Promise<unknown>,
): Promise<Row[]> {
	const rows: Row[] = [];
	let cursor: string | undefined;
	for (let page = 0; page < mostPages; page += 1) {
		const answer = shape.parse(await ask(cursor === undefined ? request : { ...request, cursor }));
		rows.push(...answer.rows);
		if (answer.cursor === undefined || answer.rows.length === 0) break;
		cursor = answer.cursor;
	}
	return rows;
}
