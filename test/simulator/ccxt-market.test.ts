import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, makeClient, noon, startHarness } from './client.ts';

let harness: Harness;
beforeAll(async () => {
	harness = await startHarness();
});
afterAll(() => harness.simulator.close());

test('markets load with their steps and minimums, spot and linear', async () => {
	const { client } = harness;
	await client.loadMarkets();
	expect(Object.keys(client.markets ?? {}).filter((symbol) => symbol.endsWith(':USDT'))).toHaveLength(12);
	expect(Object.keys(client.markets ?? {})).toHaveLength(24);
	expect(client.market('BTC/USDT:USDT')).toMatchObject({
		id: 'BTCUSDT',
		active: true,
		linear: true,
		contractSize: 1,
		precision: { amount: 0.001, price: 0.1 },
		limits: { amount: { min: 0.001 }, cost: { min: 5 }, leverage: { max: 100 } },
	});
	expect(client.market('BTC/USDT')).toMatchObject({
		spot: true,
		precision: { amount: 0.00001, price: 0.1 },
		limits: { cost: { min: 5 } },
	});
});

test("ccxt's default options load too: categories without markets are empty", async () => {
	const client = makeClient(harness.simulator.url, harness.clock, {
		fetchMarkets: { types: ['spot', 'linear', 'inverse', 'option'], options: ['BTC'] },
		fetchCurrencies: true,
	});
	await client.loadMarkets();
	expect(Object.keys(client.markets ?? {})).toHaveLength(24);
	expect(Object.keys(await client.fetchCurrencies())).toContain('BTC');
});

test('instruments come in pages', async () => {
	const seen: string[] = [];
	let cursor: string | undefined;
	for (let pages = 0; cursor !== ''; pages += 1) {
		const query: string = `category=linear&limit=5${cursor ? `&cursor=${cursor}` : ''}`;
		const answer = await fetch(`${harness.simulator.url}/v5/market/instruments-info?${query}`);
		const { result } = (await answer.json()) as { result: { list: { symbol: string }[]; nextPageCursor: string } };
		seen.push(...result.list.map((instrument) => instrument.symbol));
		cursor = result.nextPageCursor;
		expect(pages).toBeLessThan(3);
	}
	expect(seen).toHaveLength(12);
	expect(new Set(seen).size).toBe(12);
});

test('time, status, candles, tickers, books, trades and fees', async () => {
	const { client, clock } = harness;
	expect(await client.fetchTime()).toBe(clock());
	const candles = await client.fetchOHLCV('ETH/USDT:USDT', '5m', noon - 3_600_000, 12);
	expect(candles.map((candle) => candle[0])).toEqual(
		Array.from({ length: 12 }, (_, at) => noon - 3_600_000 + at * 300_000),
	);
	const tickers = await client.fetchTickers(['BTC/USDT:USDT', 'ETH/USDT:USDT']);
	expect(tickers['ETH/USDT:USDT']).toMatchObject({
		last: expect.any(Number),
		bid: expect.any(Number),
		ask: expect.any(Number),
		markPrice: expect.any(Number),
	});
	const spot = await client.fetchTicker('ETH/USDT');
	expect(spot.bid!).toBeLessThan(spot.ask!);
	expect(spot.quoteVolume!).toBeGreaterThan(spot.baseVolume!);
	expect((await client.fetchOrderBook('ETH/USDT:USDT', 10)).bids).toHaveLength(10);
	expect((await client.fetchTrades('ETH/USDT:USDT', undefined, 10)).length).toBeGreaterThan(0);
	expect(await client.fetchTradingFee('ETH/USDT:USDT')).toMatchObject({ taker: 0.00055, maker: 0.0002 });
	expect((await client.fetchMarketLeverageTiers('ETH/USDT:USDT'))[0]).toMatchObject({ maxLeverage: 100 });
});

test('funding rates: history newest last through ccxt, every eight hours, and the next one with the ticker', async () => {
	const { client } = harness;
	const history = await client.fetchFundingRateHistory('BTC/USDT:USDT', undefined, 10);
	expect(history).toHaveLength(10);
	for (const [index, entry] of history.entries()) {
		expect(entry.timestamp).toBe(Math.floor(noon / 28_800_000) * 28_800_000 - (9 - index) * 28_800_000);
		expect(Math.abs(entry.fundingRate!)).toBeLessThanOrEqual(0.001);
	}
	const current = await client.fetchFundingRate('BTC/USDT:USDT');
	expect(current.fundingTimestamp).toBe(Math.ceil(noon / 28_800_000) * 28_800_000);
	const since = await client.fetchFundingRateHistory('BTC/USDT:USDT', noon - 86_400_000, 100);
	expect(since).toHaveLength(3);
});
