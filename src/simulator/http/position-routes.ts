/** Positions of a key: one-way mode, cross margin. */
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { absolute, add, compare, divide, isZero, multiply, plain, subtract } from '../decimals.ts';
import type { Account, Order, Position } from '../state/entities.ts';
import { checkStopsSide, text, triggerBy } from '../trading/checks.ts';
import { fullStop, putStop, removeStop, type StopKind } from '../trading/stops.ts';
import { findListing, lastPrice, maintenanceRate, markPrice } from '../trading/venue.ts';
import { leverageOf, type MarginSummary, positionMargin, summarizeMargin, unrealisedOf } from '../trading/wallet.ts';
import { limitOf, newestFirst, optionalText, optionalTime, page, parse } from './input.ts';
import type { PrivateCall, Route } from './route.ts';

export const positionRoutes: readonly Route[] = [
	{ method: 'GET', path: '/v5/position/list', access: 'private', limit: 'read', handle: list },
	{ method: 'GET', path: '/v5/position/closed-pnl', access: 'private', limit: 'read', handle: closedPnl },
	{ method: 'POST', path: '/v5/position/set-leverage', access: 'private', limit: 'position', handle: setLeverage },
	{ method: 'POST', path: '/v5/position/switch-mode', access: 'private', limit: 'position', handle: switchMode },
	{
		method: 'POST',
		path: '/v5/position/switch-isolated',
		access: 'private',
		limit: 'position',
		handle: switchIsolated,
	},
	{ method: 'POST', path: '/v5/position/trading-stop', access: 'private', limit: 'position', handle: tradingStop },
];

const listRequest = z.object({
	category: z.enum(['linear', 'inverse', 'option']),
	symbol: optionalText,
	settleCoin: optionalText,
	baseCoin: optionalText,
	limit: limitOf(200, 20),
	cursor: optionalText,
});

/** https://bybit-exchange.github.io/docs/v5/position: a symbol is answered with or without a position. */
function list({ venue, account, input, now }: PrivateCall): object {
	const request = parse(listRequest, input);
	if (request.category !== 'linear') return { category: request.category, nextPageCursor: '', list: [] };
	if (request.symbol !== undefined) {
		const symbol = findListing(venue, 'linear', request.symbol).instrument.symbol;
		const position = venue.store.position(account.apiKey, symbol) ?? noPosition(account, symbol);
		return {
			category: 'linear',
			nextPageCursor: '',
			list: [describe({ venue, account, now }, position, summarizeMargin(venue, account, now))],
		};
	}
	if (request.settleCoin === undefined && request.baseCoin === undefined)
		throw new ApiError(10001, 'params error: symbol or settleCoin is required');
	const open = [...venue.store.positions.values()]
		.filter((position) => position.apiKey === account.apiKey && !isZero(position.size))
		.filter(() => request.settleCoin === undefined || request.settleCoin === 'USDT')
		.sort((left, right) => right.sequence - left.sequence);
	const found = page(open, request.limit, request.cursor);
	const margin = summarizeMargin(venue, account, now);
	const described = found.list.map((position) => describe({ venue, account, now }, position, margin));
	return { category: 'linear', nextPageCursor: found.nextPageCursor, list: described };
}

function noPosition(account: Account, symbol: string): Position {
	const { apiKey, createdTime } = account;
	const zero = { size: '0', avgPrice: '0', curRealisedPnl: '0', cumRealisedPnl: '0' };
	return { apiKey, symbol, ...zero, createdTime, updatedTime: createdTime, sequence: -1 };
}

type Owner = Pick<PrivateCall, 'venue' | 'account' | 'now'>;

function describe({ venue, account, now }: Owner, position: Position, summary: MarginSummary): object {
	const listing = findListing(venue, 'linear', position.symbol);
	const { priceDecimals } = listing.instrument;
	const zero = (0).toFixed(priceDecimals);
	const size = absolute(position.size);
	const value = multiply(size, position.avgPrice);
	const margin = positionMargin(account, position);
	const has = !isZero(position.size);
	const stop = (kind: StopKind): Order | undefined => fullStop(venue, account.apiKey, position.symbol, kind);
	return {
		positionIdx: 0,
		riskId: 1,
		riskLimitValue: '20000000',
		symbol: position.symbol,
		side: !has ? '' : compare(position.size, '0') > 0 ? 'Buy' : 'Sell',
		size,
		avgPrice: position.avgPrice,
		positionValue: has ? plain(value, 8) : '',
		tradeMode: 0,
		autoAddMargin: 0,
		positionStatus: 'Normal',
		leverage: leverageOf(account, position.symbol),
		markPrice: markPrice(venue, listing, now),
		liqPrice: has ? liquidationPrice(position, summary, markPrice(venue, listing, now), priceDecimals) : '',
		bustPrice: '',
		positionIM: has ? plain(margin, 8) : '0',
		positionMM: has ? plain(multiply(value, maintenanceRate), 8) : '0',
		positionBalance: has ? plain(margin, 8) : '0',
		tpslMode: 'Full',
		takeProfit: stop('TakeProfit')?.triggerPrice ?? zero,
		stopLoss: stop('StopLoss')?.triggerPrice ?? zero,
		trailingStop: stop('TrailingStop')?.trailing ?? zero,
		sessionAvgPrice: '',
		unrealisedPnl: has ? plain(unrealisedOf(venue, position, now), 8) : '',
		curRealisedPnl: plain(position.curRealisedPnl, 8),
		cumRealisedPnl: plain(position.cumRealisedPnl, 8),
		adlRankIndicator: has ? 2 : 0,
		isReduceOnly: false,
		mmrSysUpdatedTime: '',
		leverageSysUpdatedTime: '',
		createdTime: String(position.createdTime),
		updatedTime: String(position.updatedTime),
		seq: position.sequence,
	};
}

/** Cross margin: where this position alone would eat what the account has above its maintenance margin. */
function liquidationPrice(position: Position, margin: MarginSummary, mark: string, decimals: number): string {
	const cushion = subtract(add(margin.wallet, margin.unrealised), margin.maintenance);
	const price = Number(subtract(mark, divide(cushion, position.size)));
	return price > 0 ? price.toFixed(decimals) : '';
}

const closedRequest = z.object({
	category: z.enum(['linear', 'inverse', 'option']),
	symbol: optionalText,
	startTime: optionalTime,
	endTime: optionalTime,
	limit: limitOf(100, 50),
	cursor: optionalText,
});

/** https://bybit-exchange.github.io/docs/v5/position/close-pnl */
function closedPnl({ venue, account, input }: PrivateCall): object {
	const request = parse(closedRequest, input);
	const wanted = [...newestFirst(venue.store.closed)].filter(
		(closed) =>
			closed.apiKey === account.apiKey &&
			request.category === 'linear' &&
			(request.symbol === undefined || closed.symbol === request.symbol) &&
			closed.createdTime >= (request.startTime ?? 0) &&
			closed.createdTime <= (request.endTime ?? Number.POSITIVE_INFINITY),
	);
	const found = page(wanted, request.limit, request.cursor);
	const list = found.list.map((closed) => ({
		symbol: closed.symbol,
		orderId: closed.orderId,
		side: closed.side,
		qty: closed.qty,
		orderPrice: closed.exitPrice,
		orderType: closed.orderType,
		execType: 'Trade',
		closedSize: closed.qty,
		cumEntryValue: multiply(closed.qty, closed.entryPrice),
		avgEntryPrice: closed.entryPrice,
		cumExitValue: multiply(closed.qty, closed.exitPrice),
		avgExitPrice: closed.exitPrice,
		closedPnl: closed.closedPnl,
		fillCount: '1',
		leverage: closed.leverage,
		openFee: closed.openFee,
		closeFee: closed.closeFee,
		createdTime: String(closed.createdTime),
		updatedTime: String(closed.createdTime),
	}));
	return { category: request.category, nextPageCursor: found.nextPageCursor, list };
}

const leverageRequest = z.object({ category: text, symbol: text, buyLeverage: text, sellLeverage: text });

/** https://bybit-exchange.github.io/docs/v5/position/leverage */
function setLeverage({ venue, account, input, now }: PrivateCall): object {
	const request = parse(leverageRequest, input);
	const { instrument } = findListing(venue, request.category, request.symbol);
	if (instrument.category !== 'linear') throw new ApiError(10001, 'category is not supported');
	if (compare(request.buyLeverage, request.sellLeverage) !== 0)
		throw new ApiError(10001, 'Buy leverage must equal sell leverage in one-way mode');
	const leverage = plain(request.buyLeverage, 2);
	if (!(Number(leverage) >= 1)) throw new ApiError(10001, 'Leverage invalid');
	if (Number(leverage) > instrument.maxLeverage)
		throw new ApiError(
			110013,
			`cannot set leverage [${leverage}00] gt maxLeverage [${instrument.maxLeverage}00] by risk limit`,
		);
	const before = leverageOf(account, instrument.symbol);
	if (compare(before, leverage) === 0) throw new ApiError(110043, 'leverage not modified');
	account.leverage[instrument.symbol] = leverage;
	if (compare(summarizeMargin(venue, account, now).available, '0') < 0) {
		account.leverage[instrument.symbol] = before;
		throw new ApiError(110012, 'ab not enough for setting leverage');
	}
	venue.store.putAccount(account);
	return {};
}

const modeRequest = z.object({ category: text, mode: z.coerce.number(), symbol: optionalText, coin: optionalText });

/** https://bybit-exchange.github.io/docs/v5/position/position-mode: one-way is all there is here. */
function switchMode({ input }: PrivateCall): object {
	const { mode } = parse(modeRequest, input);
	if (mode === 0) throw new ApiError(110025, 'Position mode is not modified');
	if (mode === 3) throw new ApiError(110029, 'Hedge mode is not available for this symbol');
	throw new ApiError(10001, 'params error: mode invalid');
}

const isolatedRequest = z.object({ category: text, symbol: text, tradeMode: z.coerce.number() });

/** https://bybit-exchange.github.io/docs/v5/position/cross-isolate: unified accounts have no margin mode per symbol. */
function switchIsolated({ venue, input }: PrivateCall): object {
	const request = parse(isolatedRequest, input);
	findListing(venue, request.category, request.symbol);
	if (request.tradeMode === 0) throw new ApiError(110026, 'Cross/isolated margin mode is not modified');
	throw new ApiError(100028, 'unified account is forbidden');
}

const stopRequest = z.object({
	category: text,
	symbol: text,
	takeProfit: text.optional(),
	stopLoss: text.optional(),
	trailingStop: text.optional(),
	activePrice: text.optional(),
	tpTriggerBy: triggerBy.optional(),
	slTriggerBy: triggerBy.optional(),
	tpslMode: z.enum(['Full', 'Partial']).optional(),
	tpSize: text.optional(),
	slSize: text.optional(),
	tpLimitPrice: text.optional(),
	slLimitPrice: text.optional(),
	positionIdx: z.coerce.number().optional(),
});

/** https://bybit-exchange.github.io/docs/v5/position/trading-stop: "0" takes a stop away. */
function tradingStop({ venue, account, input, now }: PrivateCall): object {
	const request = parse(stopRequest, input);
	const listing = findListing(venue, request.category, request.symbol);
	if (listing.instrument.category !== 'linear') throw new ApiError(10001, 'category is not supported');
	if ((request.positionIdx ?? 0) !== 0) throw new ApiError(10001, 'position idx not match position mode');
	const position = venue.store.position(account.apiKey, request.symbol);
	if (position === undefined || isZero(position.size))
		throw new ApiError(10001, 'can not set tp/sl/ts for zero position');
	const side = compare(position.size, '0') > 0 ? 'Buy' : 'Sell';
	const fixed = (value: string | undefined): string | undefined =>
		value === undefined
			? undefined
			: Number(value) === 0
				? ''
				: Number(value).toFixed(listing.instrument.priceDecimals);
	const wanted = {
		takeProfit: fixed(request.takeProfit),
		stopLoss: fixed(request.stopLoss),
		trailing: fixed(request.trailingStop),
	};
	const last = lastPrice(listing, now);
	checkStopsSide(side, { takeProfit: wanted.takeProfit ?? '', stopLoss: wanted.stopLoss ?? '' }, last);
	const isPartial = request.tpslMode === 'Partial';
	let changed = 0;
	for (const [kind, price, by, size, limit] of [
		['TakeProfit', wanted.takeProfit, request.tpTriggerBy, request.tpSize, request.tpLimitPrice],
		['StopLoss', wanted.stopLoss, request.slTriggerBy, request.slSize, request.slLimitPrice],
		['TrailingStop', wanted.trailing, undefined, undefined, undefined],
	] as const) {
		if (price === undefined) continue;
		const partial = isPartial && size !== undefined && price !== '';
		const before = fullStop(venue, account.apiKey, request.symbol, kind);
		const standing = kind === 'TrailingStop' ? before?.trailing : before?.triggerPrice;
		if (!partial && (standing ?? '') === price) continue;
		changed += 1;
		const extra = partial ? { size, limitPrice: fixed(limit) || undefined } : {};
		const activePrice = kind === 'TrailingStop' ? fixed(request.activePrice) || undefined : undefined;
		if (price === '') removeStop(venue, position, kind, now);
		else putStop(venue, position, { kind, price, triggerBy: by ?? 'LastPrice', activePrice, ...extra }, now);
	}
	if (changed === 0) throw new ApiError(34040, 'not modified');
	return {};
}
