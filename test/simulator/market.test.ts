import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { makeClock, noon, type TestClock } from './client.ts';

interface Answer<Result> {
	readonly retCode: number;
	readonly retMsg: string;
	readonly result: Result;
}
type Row = [string, string, string, string, string, string, string];

const minute = 60_000;
const limits = { ipRequests: 1e6 };
let clock: TestClock;
let simulator: Simulator;

beforeAll(async () => {
	clock = makeClock();
	simulator = await startSimulator({ clock, limits });
});
afterAll(() => simulator.close());

async function get<Result>(base: Simulator, path: string): Promise<Answer<Result>> {
	return (await (await fetch(`${base.url}${path}`)).json()) as Answer<Result>;
}

async function klines(base: Simulator, query: string): Promise<Row[]> {
	return (await get<{ list: Row[] }>(base, `/v5/market/kline?${query}`)).result.list;
}

test('klines come newest first, the last one open, and only the newest of a range that is too long', async () => {
	clock.now = noon + 23_000;
	const rows = await klines(simulator, 'category=linear&symbol=BTCUSDT&interval=1&limit=5');
	expect(rows.map((row) => Number(row[0]))).toEqual([0, 1, 2, 3, 4].map((back) => noon - back * minute));
	clock.now = noon + 59_999;
	const [closing] = await klines(simulator, 'category=linear&symbol=BTCUSDT&interval=1&limit=1');
	clock.now = noon + minute;
	const [, closed] = await klines(simulator, 'category=linear&symbol=BTCUSDT&interval=1&limit=2');
	expect(closed).toEqual(closing);
	const range = await klines(
		simulator,
		`category=linear&symbol=BTCUSDT&interval=5&start=${noon - 100 * minute}&end=${noon}`,
	);
	expect(range).toHaveLength(21);
	const most = await klines(simulator, 'category=linear&symbol=BTCUSDT&interval=1&limit=5000');
	expect(most).toHaveLength(1000);
});

test('a past candle is the same whatever was asked before, and again from another simulator of the same seed', async () => {
	const other = await startSimulator({ clock: makeClock(noon + 40 * 86_400_000), limits });
	try {
		for (const symbol of ['BTCUSDT', 'DOGEUSDT'])
			for (const category of ['spot', 'linear']) {
				const query = `category=${category}&symbol=${symbol}&interval=1&end=${noon - 300 * minute}&limit=300`;
				const once = await klines(simulator, query);
				await klines(simulator, `category=${category}&symbol=${symbol}&interval=D&limit=100`);
				expect(await klines(simulator, query)).toEqual(once);
				expect(await klines(other, query)).toEqual(once);
			}
	} finally {
		await other.close();
	}
});

test('another seed makes another market', async () => {
	const other = await startSimulator({ clock: makeClock(), limits, seed: 2 });
	try {
		const query = `category=linear&symbol=BTCUSDT&interval=1&end=${noon - minute}&limit=50`;
		expect(await klines(other, query)).not.toEqual(await klines(simulator, query));
	} finally {
		await other.close();
	}
});

test('every higher timeframe equals the roll-up of its minutes', async () => {
	clock.now = noon + 17 * minute + 8_000;
	for (const [interval, minutes] of [
		['5', 5],
		['15', 15],
		['60', 60],
		['240', 240],
		['D', 1440],
	] as const) {
		const [open, previous] = await klines(simulator, `category=spot&symbol=ETHUSDT&interval=${interval}&limit=2`);
		for (const candle of [open!, previous!]) {
			const start = Number(candle[0]);
			const parts: Row[] = [];
			for (let from = start; from < start + minutes * minute; from += 720 * minute) {
				const to = Math.min(from + 720 * minute, start + minutes * minute) - 1;
				const chunk = await klines(
					simulator,
					`category=spot&symbol=ETHUSDT&interval=1&start=${from}&end=${to}&limit=1000`,
				);
				parts.push(...chunk.reverse());
			}
			expect(candle.slice(0, 6)).toEqual(rollUp(parts));
		}
	}
});

test('ticker, book and candle show one price; the book has a spread and depth', async () => {
	clock.now = noon + 3 * minute + 31_000;
	for (const symbol of ['BTCUSDT', 'XRPUSDT', 'TRXUSDT']) {
		const { result } = await get<{ list: Record<string, string>[] }>(
			simulator,
			`/v5/market/tickers?category=linear&symbol=${symbol}`,
		);
		const ticker = result.list[0]!;
		const [candle] = await klines(simulator, `category=linear&symbol=${symbol}&interval=1&limit=1`);
		expect(ticker.lastPrice).toBe(candle![4]);
		const book = (
			await get<{ b: [string, string][]; a: [string, string][] }>(
				simulator,
				`/v5/market/orderbook?category=linear&symbol=${symbol}&limit=50`,
			)
		).result;
		expect(book.b[0]![0]).toBe(ticker.bid1Price);
		expect(book.a[0]![0]).toBe(ticker.ask1Price);
		expect(Number(ticker.bid1Price)).toBeLessThan(Number(ticker.lastPrice));
		expect(Number(ticker.ask1Price)).toBeGreaterThan(Number(ticker.lastPrice));
		expect(book.b.length).toBeGreaterThan(20);
		expect([...book.a].sort((left, right) => Number(left[0]) - Number(right[0]))).toEqual(book.a);
		expect(Math.abs(Number(ticker.markPrice) / Number(ticker.lastPrice) - 1)).toBeLessThan(0.01);
		expect(Math.abs(Number(ticker.indexPrice) / Number(ticker.lastPrice) - 1)).toBeLessThan(0.01);
	}
});

test('markets differ, move as real ones do, trend and range', async () => {
	clock.now = noon;
	const ranges: number[] = [];
	for (const symbol of ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'DOGEUSDT']) {
		const closes = (await klines(simulator, `category=linear&symbol=${symbol}&interval=1&limit=1000`)).map((row) =>
			Number(row[4]),
		);
		const returns = closes.slice(1).map((close, index) => Math.log(close / closes[index]!));
		const deviation = Math.sqrt(returns.reduce((sum, value) => sum + value * value, 0) / returns.length);
		expect(deviation).toBeGreaterThan(0.0002);
		expect(deviation).toBeLessThan(0.004);
		const days = (await klines(simulator, `category=linear&symbol=${symbol}&interval=D&limit=400`)).map((row) =>
			Number(row[4]),
		);
		expect(days).toHaveLength(400);
		const moves = days.slice(1).map((close, index) => Math.log(days[index]! / close));
		// One-minute returns have no memory: nothing is to be earned from the last minute alone.
		const products = returns.slice(1).map((value, index) => value * returns[index]!);
		expect(Math.abs(products.reduce((sum, value) => sum + value, 0) / returns.length) / deviation ** 2).toBeLessThan(
			0.15,
		);
		ranges.push(Math.max(...moves));
		expect(moves.some((move) => move > 0.01)).toBe(true);
		expect(moves.some((move) => move < -0.01)).toBe(true);
		expect(moves.some((move) => Math.abs(move) < 0.005)).toBe(true);
	}
	expect(new Set(ranges).size).toBe(4);
});

test('every candle of every market is well formed at any time', async () => {
	const symbols = simulator.symbols;
	await fc.assert(
		fc.asyncProperty(fc.nat(symbols.length - 1), fc.integer({ min: 10, max: 400 * 1440 }), async (index, back) => {
			const { symbol, category } = symbols[index]!;
			const rows = await klines(
				simulator,
				`category=${category}&symbol=${symbol}&interval=1&end=${noon - back * minute}&limit=3`,
			);
			expect(rows).toHaveLength(3);
			for (const [, open, high, low, close, volume] of rows.map((row) => row.map(Number) as number[])) {
				expect(low).toBeLessThanOrEqual(Math.min(open!, close!));
				expect(high).toBeGreaterThanOrEqual(Math.max(open!, close!));
				expect(low).toBeGreaterThan(0);
				expect(volume).toBeGreaterThan(0);
			}
		}),
		{ numRuns: 60 },
	);
});

test('a moved market keeps its past, moves both of its markets, and stays moved', async () => {
	const own = await startSimulator({ clock, limits });
	try {
		clock.now = noon + 30 * minute + 12_000;
		const query = `category=linear&symbol=SOLUSDT&interval=1&end=${noon + 29 * minute}&limit=20`;
		const past = await klines(own, query);
		const before = own.price('SOLUSDT', 'spot');
		const target = Math.round(own.price('SOLUSDT', 'linear') * 110) / 100;
		const moved = await fetch(`${own.url}/_sim/prices`, {
			method: 'POST',
			body: JSON.stringify({ symbol: 'SOLUSDT', price: target }),
		});
		expect(await moved.json()).toEqual({ symbol: 'SOLUSDT', price: target });
		expect(own.price('SOLUSDT', 'linear')).toBe(target);
		expect(own.price('SOLUSDT', 'spot') / before).toBeCloseTo(1.1, 3);
		expect(await klines(own, query)).toEqual(past);
		const [candle] = await klines(own, 'category=linear&symbol=SOLUSDT&interval=1&limit=1');
		expect(candle!.slice(2, 3)).toEqual([target.toFixed(2)]);
		clock.advance(10 * minute);
		expect(own.price('SOLUSDT', 'linear') / simulator.price('SOLUSDT', 'linear')).toBeCloseTo(1.1, 3);
		const [hour] = await klines(own, 'category=linear&symbol=SOLUSDT&interval=60&limit=1');
		const minutes = await klines(own, `category=linear&symbol=SOLUSDT&interval=1&start=${noon}&limit=60`);
		expect(hour!.slice(0, 6)).toEqual(rollUp(minutes.reverse()));
	} finally {
		await own.close();
	}
});

test('two hundred markets, and prices for the coins that have none of their own', async () => {
	const many = await startSimulator({ clock: makeClock(), limits, instrumentCount: 200 });
	try {
		const { result } = await get<{ list: { symbol: string; lastPrice: string }[] }>(
			many,
			'/v5/market/tickers?category=linear',
		);
		expect(new Set(result.list.map((ticker) => ticker.symbol)).size).toBe(200);
		expect(result.list.every((ticker) => Number(ticker.lastPrice) > 0)).toBe(true);
	} finally {
		await many.close();
	}
});

test('bad questions are refused as Bybit refuses them', async () => {
	for (const [path, code] of [
		['/v5/market/kline?category=linear&symbol=NOPEUSDT&interval=1', 10001],
		['/v5/market/kline?category=spot&symbol=NOPEUSDT&interval=1', 170121],
		['/v5/market/kline?category=linear&symbol=BTCUSDT&interval=7', 10001],
		['/v5/market/tickers?category=margin', 10001],
		['/v5/market/instruments-info?category=linear&cursor=x', 10001],
		[`/v5/market/funding/history?category=linear&symbol=BTCUSDT&startTime=${noon}`, 10001],
	] as const)
		expect(await get(simulator, path), path).toMatchObject({ retCode: code });
	const lost = await fetch(`${simulator.url}/v5/market/nothing`);
	expect(lost.status).toBe(404);
	expect(await lost.json()).toMatchObject({ retCode: 10017 });
});

function rollUp(minutes: readonly Row[]): string[] {
	const highs = minutes.map((row) => row[2]);
	const lows = minutes.map((row) => row[3]);
	const decimals = minutes[0]![5].split('.')[1]?.length ?? 0;
	const volume = minutes.reduce((sum, row) => sum + Number(row[5]), 0);
	return [
		minutes[0]![0],
		minutes[0]![1],
		highs.reduce((left, right) => (Number(right) > Number(left) ? right : left)),
		lows.reduce((left, right) => (Number(right) < Number(left) ? right : left)),
		minutes.at(-1)![4],
		volume.toFixed(decimals),
	];
}
