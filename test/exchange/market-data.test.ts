/** Public data of the simulated exchange through the gateway. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordInstruments } from '../../src/database/functions/market.ts';
import { timeframeMs, timeframes } from '../../src/domain.ts';
import { openExchange } from '../../src/exchange/exchange-link.ts';
import { createMarketData } from '../../src/exchange/market-data.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Harness, linear, noon, snakeCased, spot, startHarness } from './harness.ts';

let database: TestDatabase;
let harness: Harness;
beforeAll(async () => {
	database = await createTestDatabase();
	harness = await startHarness(database.pool);
});
afterAll(async () => {
	await harness.close();
	await database.drop();
});

describe('markets', () => {
	test('are all there, over pages, with exact precisions, and stored as instruments', async () => {
		// More derivatives than the thousand that one page holds.
		const simulator = await startSimulator({ instrumentCount: 1_010, clock: harness.clock });
		const exchange = { exchangeId: 'sim', ccxtId: 'bybit', baseUrl: simulator.url, sandbox: false };
		const context = { ...harness.context, timings: { requestTimeoutMs: 20_000 } };
		const markets = await createMarketData(openExchange(context, exchange)).markets();
		await simulator.close();
		expect(markets).toHaveLength(2_020);
		expect(new Set(markets.map((market) => market.symbol)).size).toBe(2_020);
		for (const market of markets) {
			for (const step of [market.tickSize, market.lotSize]) expect(step).toMatch(/^\d+(\.\d+)?$/);
			expect(market.settleAsset).toBe('USDT');
			expect(Number(market.minimumQuantity)).toBeGreaterThan(0);
			expect(Number(market.minimumNotional)).toBeGreaterThan(0);
		}
		const instruments = snakeCased(markets);
		expect(await recordInstruments(database.pool, { exchangeId: 'sim', instruments })).toBe(2_020);
		await recordInstruments(database.pool, {
			exchangeId: 'sim',
			instruments: snakeCased(await harness.marketData.markets()),
		});
	});
});

describe('candles', () => {
	test.each(timeframes)('%s: the newest closed ones, without the open one', async (timeframe) => {
		const fetched = await harness.marketData.candles(linear, timeframe, { limit: 5 });
		const length = timeframeMs[timeframe];
		const lastOpen = Math.floor(harness.clock() / length) * length - length;
		expect(fetched.candles.map(([openAt]) => openAt)).toEqual([4, 3, 2, 1, 0].map((back) => lastOpen - back * length));
		expect(fetched).toMatchObject({ refusedRows: 0, fetchedAt: harness.clock() });
	});

	test('from a time on, the oldest first, and of more than one page', async () => {
		const sinceMs = noon - 2_500 * 60_000;
		const { candles } = await harness.marketData.candles(spot, '1m', { sinceMs, limit: 2_400 });
		expect(candles).toHaveLength(2_400);
		expect(candles[0]?.[0]).toBe(sinceMs);
		expect(candles.every(([openAt], index) => openAt === sinceMs + index * 60_000)).toBe(true);
		const few = await harness.marketData.candles(spot, '1m', { sinceMs: sinceMs + 1, limit: 2 });
		expect(few.candles.map(([openAt]) => openAt)).toEqual([sinceMs + 60_000, sinceMs + 120_000]);
	});

	test('more than a page of the newest', async () => {
		const { candles } = await harness.marketData.candles(spot, '1h', { limit: 1_200 });
		expect(candles).toHaveLength(1_200);
		expect(candles.at(-1)?.[0]).toBe(Math.floor(harness.clock() / 3_600_000) * 3_600_000 - 3_600_000);
	});

	test('of an unknown symbol are refused', async () => {
		await expect(harness.marketData.candles('NOPE/USDT', '1m', { limit: 1 })).rejects.toMatchObject({
			code: 'INSTRUMENT_NOT_FOUND',
		});
	});
});

describe('quotes', () => {
	test('of all symbols come from one call per market type', async () => {
		// Whoever asks first also asks for the markets.
		await harness.marketData.quotes(['LINEAR']);
		const { total } = harness.simulator.requests() as { total: number };
		const quotes = await harness.marketData.quotes(['SPOT', 'LINEAR', 'SPOT']);
		expect((harness.simulator.requests() as { total: number }).total - total).toBe(2);
		expect(quotes).toHaveLength(24);
		for (const quote of quotes) {
			expect(Number(quote.bid)).toBeLessThan(Number(quote.ask));
			expect(quote.quotedAt).toBe(harness.clock());
			expect(quote.mark === null).toBe(!quote.symbol.includes(':'));
		}
	});
});

describe('funding rates', () => {
	test('come oldest first from a time on, over pages', async () => {
		const since = noon - 300 * 8 * 3_600_000;
		const rates = await harness.marketData.fundingRates(linear, since);
		expect(rates.length).toBeGreaterThan(200);
		expect(rates[0]?.fundingAt).toBeGreaterThanOrEqual(since);
		expect(rates.every((rate, n) => n === 0 || rate.fundingAt - (rates[n - 1]?.fundingAt ?? 0) === 8 * 3_600_000)).toBe(
			true,
		);
		expect(rates.every((rate) => /^-?\d+(\.\d+)?$/.test(rate.rate))).toBe(true);
	});
});

test('a symbol that was listed since is found, and an unknown one makes the list be asked for once a minute at most', async () => {
	const exchange = { exchangeId: 'sim', ccxtId: 'bybit', baseUrl: harness.simulator.url, sandbox: false };
	const link = openExchange(harness.context, exchange);
	const marketData = createMarketData(link);
	await link.loadMarkets();
	delete link.client.ccxt.markets?.[linear];
	harness.clock.advance(60_000);
	expect((await marketData.candles(linear, '1m', { limit: 1 })).candles).toHaveLength(1);
	const { total } = harness.simulator.requests() as { total: number };
	for (let n = 0; n < 5; n += 1) await marketData.candles('NOPE/USDT', '1m', { limit: 1 }).catch(() => undefined);
	expect((harness.simulator.requests() as { total: number }).total).toBe(total);
});

test('the exchange never had to refuse a call for its rate', () => {
	expect(harness.simulator.requests()).toMatchObject({ refused: { ip: 0, key: 0 }, bans: [] });
});
