/** Public market data of one exchange, by ccxt's unified calls, behind the limiter. */
import type { Market, Ticker } from 'ccxt';
import { type MarketType, type Timeframe, timeframeMs } from '../domain.ts';
import { cleanCandles } from './candles.ts';
import type { ExchangeLink } from './exchange-link.ts';
import { reading } from './reading.ts';
import { callTrace } from './transport.ts';
import { isUnlisted } from './unlisted-markets.ts';
import type { CandleFetch, FundingRate, MarketData, MarketInfo, Quote } from './venue.ts';

/** Candles of one request; more are fetched in pages. */
const pageSize = 1_000;
const fundingPageSize = 200;
const mostPages = 100;

export function createMarketData(link: ExchangeLink): MarketData {
	const { ccxt, family } = link.client;
	return {
		exchangeId: link.exchange.exchangeId,

		async markets() {
			return await reading(link, 'the list of markets', async () => {
				await link.loadMarkets(true);
				return Object.values(ccxt.markets ?? {}).flatMap((market) => describeMarket(market as Market) ?? []);
			});
		},

		async candles(symbol, timeframe, options) {
			return await reading(link, `candles of ${symbol}`, async () => {
				await link.knowSymbol(symbol);
				return await fetchCandles(link, symbol, timeframe, options);
			});
		},

		async quotes(marketTypes) {
			return await reading(link, 'the prices', async () => {
				await link.loadMarkets();
				const ofTypes = await Promise.all([...new Set(marketTypes)].map((type) => fetchQuotes(link, type)));
				return ofTypes.flat();
			});
		},

		async fundingRates(symbol, sinceMs) {
			return await reading(link, `funding rates of ${symbol}`, async () => {
				await link.knowSymbol(symbol);
				const rates = new Map<number, FundingRate>();
				for (let since = sinceMs, page = 0; page < mostPages; page += 1) {
					const rows = await ccxt.fetchFundingRateHistory(symbol, since, fundingPageSize);
					for (const row of rows)
						if (row.timestamp !== undefined && row.timestamp >= sinceMs)
							rates.set(row.timestamp, { fundingAt: row.timestamp, rate: String(row.fundingRate) });
					const last = rows.at(-1)?.timestamp;
					if (last === undefined || last < since || rows.length < fundingPageSize) break;
					since = last + 1;
				}
				return [...rates.values()].sort((left, right) => left.fundingAt - right.fundingAt);
			});
		},

		async measureClock() {
			return await reading(link, 'the exchange time', () => link.measureClock());
		},
	};

	function describeMarket(market: Market): MarketInfo | undefined {
		const marketType = market === undefined ? undefined : marketTypeOf(market);
		if (market === undefined || marketType === undefined || isUnlisted(market)) return undefined;
		const { precision, limits, base = '', quote = '' } = market;
		const tickSize = text(precision.price);
		const lotSize = text(precision.amount);
		if (tickSize === null || lotSize === null) return undefined;
		return {
			symbol: market.symbol,
			exchangeSymbol: market.id ?? market.symbol,
			marketType,
			baseAsset: base,
			quoteAsset: quote,
			settleAsset: marketType === 'SPOT' ? quote : (market.settle ?? quote),
			tickSize,
			lotSize,
			minimumQuantity: text(limits.amount?.min),
			maximumQuantity: text(mostOfMarketOrder(market) ?? limits.amount?.max),
			minimumNotional: text(limits.cost?.min),
			maximumNotional: text(limits.cost?.max),
			contractSize: text(market.contractSize) ?? '1',
			takerFeeRate: text(market.taker),
			makerFeeRate: text(market.maker),
			isTrading: market.active !== false,
		};
	}

	/** Market orders, which are all that botbox sends, often have a lower maximum of their own. */
	function mostOfMarketOrder(market: NonNullable<Market>): unknown {
		if (family === 'binance') return market.limits.market?.max;
		const filter = market.info?.lotSizeFilter;
		return filter?.maxMktOrderQty ?? filter?.maxMarketOrderQty;
	}
}

export function marketTypeOf(market: NonNullable<Market>): MarketType | undefined {
	if (market.spot === true) return 'SPOT';
	return market.swap === true && market.linear === true ? 'LINEAR' : undefined;
}

/** ccxt's number as the text it is (see ccxt-client.ts), null where there is none. */
function text(value: unknown): string | null {
	return value === undefined || value === null || value === '' ? null : String(value);
}

async function fetchCandles(
	link: ExchangeLink,
	symbol: string,
	timeframe: Timeframe,
	{ sinceMs, limit }: { sinceMs?: number; limit: number },
): Promise<CandleFetch> {
	const length = timeframeMs[timeframe];
	const from = sinceMs === undefined ? undefined : Math.ceil(sinceMs / length) * length;
	// The newest row is the open candle, so one more is asked for.
	const rowsWanted = limit + 1;
	const first = from ?? Math.floor(link.exchangeTime() / length) * length - limit * length;
	const pages: { rows: readonly unknown[]; askedAt: number }[] = [];
	if (from === undefined && rowsWanted <= pageSize) {
		pages.push(await fetchPage(link, symbol, timeframe, undefined, rowsWanted));
	} else {
		for (let start = first; start <= link.exchangeTime() && start < first + limit * length; start += pageSize * length)
			pages.push(await fetchPage(link, symbol, timeframe, start, pageSize));
	}
	const asOf = pages.at(-1)?.askedAt ?? link.exchangeTime();
	const { candles, refusedRows } = cleanCandles(
		pages.flatMap((page) => page.rows),
		{ timeframe, asOf, limit, ...(sinceMs === undefined ? {} : { sinceMs }) },
	);
	// Data is only as fresh as the answer that was asked for first.
	return { candles, refusedRows, fetchedAt: pages[0]?.askedAt ?? asOf };
}

async function fetchPage(
	link: ExchangeLink,
	symbol: string,
	timeframe: Timeframe,
	start: number | undefined,
	limit: number,
): Promise<{ rows: readonly unknown[]; askedAt: number }> {
	const trace: { sentAt?: number } = {};
	// With an end as well: exchanges disagree whether a limit keeps the oldest or the newest rows after a start.
	const until = start === undefined ? {} : { until: start + limit * timeframeMs[timeframe] - 1 };
	const rows: readonly unknown[] = await callTrace.run(trace, () =>
		link.client.ccxt.fetchOHLCV(symbol, timeframe, start, limit, until),
	);
	return { rows, askedAt: trace.sentAt ?? link.exchangeTime() };
}

async function fetchQuotes(link: ExchangeLink, marketType: MarketType): Promise<Quote[]> {
	const { ccxt, family } = link.client;
	const trace: { sentAt?: number } = {};
	const params =
		marketType === 'SPOT' ? { type: 'spot' } : { type: 'swap', subType: 'linear', defaultSubType: 'linear' };
	const tickers = Object.values(await callTrace.run(trace, () => ccxt.fetchTickers(undefined, params)));
	// Binance's futures tickers come without the book's top, which is a call of its own.
	const needsBook = family === 'binance' && marketType === 'LINEAR';
	const tops = needsBook ? await ccxt.fetchBidsAsks(undefined, params) : {};
	return tickers.flatMap((ticker) => describeQuote(ticker, trace.sentAt ?? link.exchangeTime()));

	function describeQuote(ticker: Ticker, askedAt: number): Quote[] {
		const { symbol } = ticker;
		const last = text(ticker.last);
		const market = symbol === undefined ? undefined : ccxt.markets?.[symbol];
		if (symbol === undefined || last === null || market === undefined || marketTypeOf(market) !== marketType) return [];
		const top = tops[symbol];
		const bid = text(top?.bid ?? ticker.bid);
		const ask = text(top?.ask ?? ticker.ask);
		const mark = text(ticker.markPrice ?? ticker.info?.markPrice);
		return [{ symbol, bid, ask, last, mark, quotedAt: askedAt }];
	}
}
