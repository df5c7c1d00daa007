/** Public market data. */
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { fromSteps } from '../decimals.ts';
import type { Instrument } from '../market/instruments.ts';
import { fundingIntervalMs, type Listing } from '../market/market.ts';
import { pointMs } from '../market/path-source.ts';
import type { Candle } from '../market/series.ts';
import { feeRates, findListing, isTraded, type Venue } from '../trading/venue.ts';
import { limitOf, optionalText, optionalTime, parse } from './input.ts';
import type { PublicCall, Route } from './route.ts';

/** Categories that Bybit has; the simulator lists markets in spot and linear only. */
const category = z.enum(['spot', 'linear', 'inverse', 'option']);
const minute = 60_000;
const day = 86_400_000;
/** Kline intervals in milliseconds; W begins on Monday, M on the first. */
const intervals: Readonly<Record<string, number>> = {
	1: minute,
	3: 3 * minute,
	5: 5 * minute,
	15: 15 * minute,
	30: 30 * minute,
	60: 60 * minute,
	120: 120 * minute,
	240: 240 * minute,
	360: 360 * minute,
	720: 720 * minute,
	D: day,
	W: 7 * day,
};
/** 1 January 1970 was a Thursday: weeks begin four days later. */
const firstMonday = 4 * day;

export const marketRoutes: readonly Route[] = [
	{ method: 'GET', path: '/v5/market/time', access: 'public', handle: time },
	{ method: 'GET', path: '/v5/system/status', access: 'public', handle: () => ({ list: [] }) },
	{ method: 'GET', path: '/v5/market/instruments-info', access: 'public', handle: instrumentsInfo },
	{ method: 'GET', path: '/v5/market/kline', access: 'public', handle: kline },
	{ method: 'GET', path: '/v5/market/tickers', access: 'public', handle: tickers },
	{ method: 'GET', path: '/v5/market/orderbook', access: 'public', handle: orderbook },
	{ method: 'GET', path: '/v5/market/funding/history', access: 'public', handle: fundingHistory },
	{ method: 'GET', path: '/v5/market/recent-trade', access: 'public', handle: recentTrade },
	{ method: 'GET', path: '/v5/market/risk-limit', access: 'public', handle: riskLimit },
];

/** https://bybit-exchange.github.io/docs/v5/market/time */
function time({ now }: PublicCall): object {
	return { timeSecond: String(Math.floor(now / 1000)), timeNano: `${now}000000` };
}

const instrumentsRequest = z.object({
	category,
	symbol: optionalText,
	status: optionalText,
	baseCoin: optionalText,
	limit: limitOf(1000, 500),
	cursor: optionalText,
});

/** https://bybit-exchange.github.io/docs/v5/market/instrument */
function instrumentsInfo({ venue, input }: PublicCall): object {
	const request = parse(instrumentsRequest, input);
	const trading = request.status === undefined || request.status === 'Trading';
	const wanted = (trading ? venue.market.inCategory(request.category) : [])
		.map((listing) => listing.instrument)
		.filter((instrument) => instrument.isDelisted !== true)
		.filter((instrument) => request.symbol === undefined || instrument.symbol === request.symbol)
		.filter((instrument) => request.baseCoin === undefined || instrument.base === request.baseCoin);
	// Spot answers all at once, without pages.
	if (request.category === 'spot') return { category: 'spot', list: wanted.map(describeSpot) };
	const from = request.cursor === undefined ? 0 : Number(/^page_(\d+)$/.exec(request.cursor)?.[1] ?? Number.NaN);
	if (Number.isNaN(from)) throw new ApiError(10001, 'params error: cursor invalid');
	const next = from + request.limit;
	return {
		category: request.category,
		list: wanted.slice(from, next).map(describeLinear),
		nextPageCursor: next < wanted.length ? `page_${next}` : '',
	};
}

function describeSpot(instrument: Instrument): object {
	return {
		symbol: instrument.symbol,
		baseCoin: instrument.base,
		quoteCoin: instrument.quote,
		innovation: '0',
		status: 'Trading',
		marginTrading: 'none',
		stTag: '0',
		lotSizeFilter: {
			basePrecision: instrument.qtyStep ?? fromSteps(1, instrument.lotDecimals),
			quotePrecision: '0.00000001',
			minOrderQty: instrument.minQty,
			maxOrderQty: instrument.maxQty,
			minOrderAmt: instrument.minValue,
			maxOrderAmt: instrument.maxValue,
			maxLimitOrderQty: instrument.maxQty,
			maxMarketOrderQty: instrument.maxMarketQty,
		},
		priceFilter: { tickSize: instrument.tickSize ?? fromSteps(1, instrument.priceDecimals) },
		riskParameters: { priceLimitRatioX: '0.1', priceLimitRatioY: '0.1' },
	};
}

function describeLinear(instrument: Instrument): object {
	const tick = instrument.tickSize ?? fromSteps(1, instrument.priceDecimals);
	return {
		symbol: instrument.symbol,
		contractType: 'LinearPerpetual',
		status: 'Trading',
		baseCoin: instrument.base,
		quoteCoin: instrument.quote,
		launchTime: String(instrument.launchTime),
		deliveryTime: '0',
		deliveryFeeRate: '',
		priceScale: String(instrument.priceDecimals),
		leverageFilter: { minLeverage: '1', maxLeverage: `${instrument.maxLeverage}.00`, leverageStep: '0.01' },
		priceFilter: { minPrice: tick, maxPrice: fromSteps(1_999_999_8, instrument.priceDecimals), tickSize: tick },
		lotSizeFilter: {
			maxOrderQty: instrument.maxQty,
			minOrderQty: instrument.minQty,
			qtyStep: instrument.qtyStep ?? fromSteps(1, instrument.lotDecimals),
			postOnlyMaxOrderQty: instrument.maxQty,
			maxMktOrderQty: instrument.maxMarketQty,
			minNotionalValue: instrument.minValue,
		},
		unifiedMarginTrade: true,
		fundingInterval: fundingIntervalMs / minute,
		settleCoin: 'USDT',
		copyTrading: 'none',
		upperFundingRate: '0.001',
		lowerFundingRate: '-0.001',
		isPreListing: false,
		preListingInfo: null,
		riskParameters: { priceLimitRatioX: '0.1', priceLimitRatioY: '0.1' },
	};
}

const klineRequest = z.object({
	category: category.default('linear'),
	symbol: z.string(),
	interval: z.string(),
	start: optionalTime,
	end: optionalTime,
	limit: limitOf(1000, 200),
});

/**
 * https://bybit-exchange.github.io/docs/v5/market/kline: newest first, the last one still open. Of more than `limit` the
 * newest are kept, but a start without an end asks for the candles that follow it.
 */
function kline({ venue, input, now }: PublicCall): object {
	const request = parse(klineRequest, input);
	const listing = findListing(venue, request.category, request.symbol);
	const length = intervals[request.interval];
	if (length === undefined && request.interval !== 'M') throw new ApiError(10001, 'Invalid period!');
	const list: string[][] = [];
	const newest = Math.min(request.end ?? now, now);
	const oldest = Math.max(request.start ?? 0, openOf(listing.instrument.launchTime, length));
	const isForward = request.start !== undefined && request.end === undefined;
	let open = isForward ? firstOpen(oldest, length) : openOf(newest, length);
	while (open >= oldest && open <= newest && list.length < request.limit) {
		const end = endOf(open, length);
		const candle = listing.series.candle(open, end, now);
		if (candle !== undefined) list.push(describeCandle(listing.instrument, open, candle));
		open = isForward ? end : openOf(open - 1, length);
	}
	if (isForward) list.reverse();
	return { category: request.category, symbol: request.symbol, list };
}

function openOf(at: number, length: number | undefined): number {
	if (length === undefined) return Date.UTC(new Date(at).getUTCFullYear(), new Date(at).getUTCMonth());
	const origin = length === 7 * day ? firstMonday : 0;
	return Math.floor((at - origin) / length) * length + origin;
}

function endOf(open: number, length: number | undefined): number {
	if (length !== undefined) return open + length;
	return Date.UTC(new Date(open).getUTCFullYear(), new Date(open).getUTCMonth() + 1);
}

/** The first candle that opens at or after a time. */
function firstOpen(at: number, length: number | undefined): number {
	const open = openOf(at, length);
	return open === at ? open : endOf(open, length);
}

function describeCandle({ priceDecimals, lotDecimals }: Instrument, open: number, candle: Candle): string[] {
	return [
		String(open),
		fromSteps(candle.openTicks, priceDecimals),
		fromSteps(candle.highTicks, priceDecimals),
		fromSteps(candle.lowTicks, priceDecimals),
		fromSteps(candle.closeTicks, priceDecimals),
		fromSteps(candle.lots, lotDecimals),
		candle.turnover.toFixed(Math.min(8, priceDecimals + 2)),
	];
}

const tickersRequest = z.object({ category, symbol: optionalText, baseCoin: optionalText });

/** https://bybit-exchange.github.io/docs/v5/market/tickers */
function tickers({ venue, input, now }: PublicCall): object {
	const request = parse(tickersRequest, input);
	const listings =
		request.symbol === undefined
			? venue.market.inCategory(request.category)
			: [findListing(venue, request.category, request.symbol)];
	return { category: request.category, list: listings.map((listing) => describeTicker(venue, listing, now)) };
}

function describeTicker(venue: Venue, listing: Listing, now: number): object {
	const { instrument, series } = listing;
	const price = (ticks: number): string => fromSteps(ticks, instrument.priceDecimals);
	const qty = (lots: number): string => fromSteps(lots, instrument.lotDecimals);
	const ticker = venue.market.ticker(listing, now);
	const book = venue.market.book(listing, now);
	const [bid, ask] = [book.bids.find((level) => level.lots > 0), book.asks.find((level) => level.lots > 0)];
	const shared = {
		symbol: instrument.symbol,
		bid1Price: bid === undefined ? '' : price(bid.ticks),
		bid1Size: qty(bid?.lots ?? 0),
		ask1Price: ask === undefined ? '' : price(ask.ticks),
		ask1Size: qty(ask?.lots ?? 0),
		lastPrice: price(ticker.last),
		prevPrice24h: price(ticker.previousDay),
		price24hPcnt: ticker.previousDay === 0 ? '0' : (ticker.last / ticker.previousDay - 1).toFixed(6),
		highPrice24h: price(ticker.day?.highTicks ?? ticker.last),
		lowPrice24h: price(ticker.day?.lowTicks ?? ticker.last),
		turnover24h: (ticker.day?.turnover ?? 0).toFixed(4),
		volume24h: qty(ticker.day?.lots ?? 0),
	};
	if (instrument.category === 'spot')
		return instrument.quote === 'USDT' ? { ...shared, usdIndexPrice: price(ticker.last) } : shared;
	const next = (Math.floor(now / fundingIntervalMs) + 1) * fundingIntervalMs;
	const openInterest = (instrument.minuteValue * 300) / instrument.price;
	return {
		...shared,
		indexPrice: price(ticker.index),
		markPrice: price(ticker.mark),
		prevPrice1h: price(ticker.previousHour),
		openInterest: openInterest.toFixed(instrument.lotDecimals),
		openInterestValue: ((openInterest * ticker.mark) / series.pricesPerUnit).toFixed(2),
		fundingRate: venue.market.fundingRate(instrument.symbol, next).toFixed(8),
		nextFundingTime: String(next),
		fundingIntervalHour: '8',
		predictedDeliveryPrice: '',
		basisRate: '',
		deliveryFeeRate: '',
		deliveryTime: '0',
		basis: '',
	};
}

const orderbookRequest = z.object({ category, symbol: z.string(), limit: limitOf(500, 25) });

/** https://bybit-exchange.github.io/docs/v5/market/orderbook */
function orderbook({ venue, input, now }: PublicCall): object {
	const request = parse(orderbookRequest, input);
	const listing = findListing(venue, request.category, request.symbol);
	const book = venue.market.book(listing, now);
	const describe = (levels: readonly { ticks: number; lots: number }[]): string[][] =>
		levels
			.filter((level) => level.lots > 0)
			.slice(0, request.limit)
			.map((level) => [
				fromSteps(level.ticks, listing.instrument.priceDecimals),
				fromSteps(level.lots, listing.instrument.lotDecimals),
			]);
	return {
		s: request.symbol,
		b: describe(book.bids),
		a: describe(book.asks),
		ts: now,
		u: book.point,
		seq: book.point * 2,
		cts: now,
	};
}

const fundingRequest = z.object({
	category,
	symbol: z.string(),
	startTime: optionalTime,
	endTime: optionalTime,
	limit: limitOf(200, 200),
});

/** https://bybit-exchange.github.io/docs/v5/market/history-fund-rate: newest first; a start alone is refused there too. */
function fundingHistory({ venue, input, now }: PublicCall): object {
	const request = parse(fundingRequest, input);
	const { instrument } = findListing(venue, request.category, request.symbol);
	if (instrument.category !== 'linear') throw new ApiError(10001, 'category is not supported');
	if (request.startTime !== undefined && request.endTime === undefined)
		throw new ApiError(10001, 'Time Is Invalid: endTime is required with startTime');
	const newest = Math.floor(Math.min(request.endTime ?? now, now) / fundingIntervalMs) * fundingIntervalMs;
	const oldest = Math.max(request.startTime ?? 0, instrument.launchTime);
	const list: object[] = [];
	for (let at = newest; at >= oldest && list.length < request.limit; at -= fundingIntervalMs)
		list.push({
			symbol: request.symbol,
			fundingRate: venue.market.fundingRate(request.symbol, at).toFixed(8),
			fundingRateTimestamp: String(at),
		});
	return { category: request.category, list };
}

const tradesRequest = z.object({ category, symbol: z.string(), limit: limitOf(60, 60) });

/** https://bybit-exchange.github.io/docs/v5/market/recent-trade: one trade for each point of the price path. */
function recentTrade({ venue, input, now }: PublicCall): object {
	const request = parse(tradesRequest, input);
	const { instrument, series } = findListing(venue, request.category, request.symbol);
	const list: object[] = [];
	for (let at = Math.floor(now / pointMs) * pointMs; list.length < request.limit; at -= pointMs) {
		const [ticks, before] = [series.ticksAt(at), series.ticksAt(at - pointMs)];
		if (ticks === 0 || at < instrument.launchTime) break;
		list.push({
			execId: `${at}`,
			symbol: request.symbol,
			price: fromSteps(ticks, instrument.priceDecimals),
			size: instrument.minQty,
			side: ticks >= before ? 'Buy' : 'Sell',
			time: String(at),
			isBlockTrade: false,
		});
	}
	return { category: request.category, list };
}

/** https://bybit-exchange.github.io/docs/v5/market/risk-limit: one tier for every perpetual. */
function riskLimit({ venue, input }: PublicCall): object {
	const request = parse(z.object({ category, symbol: optionalText }), input);
	const listings = isTraded(request.category) ? venue.market.inCategory(request.category) : [];
	const list = listings
		.map((listing) => listing.instrument)
		.filter((instrument) => request.symbol === undefined || instrument.symbol === request.symbol)
		.map((instrument, index) => ({
			id: index + 1,
			symbol: instrument.symbol,
			riskLimitValue: '20000000',
			maintenanceMargin: '0.005',
			initialMargin: (1 / instrument.maxLeverage).toFixed(4),
			isLowestRisk: 1,
			maxLeverage: `${instrument.maxLeverage}.00`,
			takerFee: feeRates.linear.taker,
		}));
	return { category: request.category, list, nextPageCursor: '' };
}
