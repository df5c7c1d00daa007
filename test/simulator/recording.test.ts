import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';
import { makeClock, noon, place, startHarness } from './client.ts';

/** Real recordings lie beside the checkout where they are available; they are not part of it. */
const recordings = fileURLToPath(new URL('../../../shared/data/candles', import.meta.url));
const minute = 60_000;
const header = 'timestamp,open,high,low,close,volume';
const limits = { ipRequests: 1e6 };
let folder: string;

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'botbox-recording-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Row = [string, string, string, string, string, string, string];

async function klines(simulator: Simulator, query: string): Promise<Row[]> {
	const answer = (await (await fetch(`${simulator.url}/v5/market/kline?${query}`)).json()) as {
		result: { list: Row[] };
	};
	return answer.result.list;
}

function writeRecording(name: string, rows: readonly (readonly [number, ...number[]])[]): string {
	const file = join(folder, name);
	const lines = rows.map(([time, ...values]) => `${new Date(time).toISOString()},${values.join(',')}`);
	writeFileSync(file, `${[header, ...lines].join('\n')}\n`);
	return file;
}

/** Eight minutes, the fourth missing. */
const start = Date.UTC(2020, 0, 1);
const eight = [0, 1, 2, 4, 5, 6, 7].map(
	(at) => [start + at * minute, 10 + at, 11.5 + at, 9.5 + at, 10.25 + at, 100 + at] as const,
);

async function on(options: SimulatorOptions, work: (simulator: Simulator) => Promise<void>): Promise<void> {
	const simulator = await startSimulator({ limits, ...options });
	try {
		await work(simulator);
	} finally {
		await simulator.close();
	}
}

test('the present falls three quarters into the recording, candles are exact, gaps stay gaps', async () => {
	const marketFile = writeRecording('UNITTEST-BTC_1m.csv', eight);
	const clock = makeClock(noon + 30_000);
	await on({ marketFile, clock }, async (simulator) => {
		expect(simulator.symbols).toEqual([{ symbol: 'UNITTESTBTC', category: 'spot' }]);
		clock.now = noon + 2 * minute;
		const rows = await klines(simulator, 'category=spot&symbol=UNITTESTBTC&interval=1');
		// Slot 6 is the present: slots 0 to 5 are past, and 3 is the gap.
		const closed = rows.filter((row) => Number(row[0]) < noon + 2 * minute).reverse();
		expect(closed.map((row) => row.slice(0, 6).map(Number))).toEqual(
			eight.map(([time, ...values]) => [time - start + noon - 6 * minute, ...values]),
		);
		// In the gap the ticker keeps the last price.
		expect(simulator.price('UNITTESTBTC', 'spot', noon - 3 * minute + 5_000)).toBe(12.25);
	});
});

test('at its end the recording repeats without a jump, gaps included', async () => {
	const marketFile = writeRecording('UNITTEST-BTC_1m.csv', eight);
	const clock = makeClock(noon);
	await on({ marketFile, clock }, async (simulator) => {
		clock.now = noon + 11 * minute;
		const rows = (await klines(simulator, 'category=spot&symbol=UNITTESTBTC&interval=1'))
			.reverse()
			.map((row) => row.map(Number));
		const last = rows.find((row) => row[0] === noon + minute)!;
		const again = rows.find((row) => row[0] === noon + 2 * minute)!;
		expect(last[4]).toBe(17.25);
		expect(again[1]).toBe(17.25);
		// Prices go on at the same proportions: 11 of the second candle over 10 of the first.
		expect(rows.find((row) => row[0] === noon + 3 * minute)![1]).toBeCloseTo((17.25 * 11) / 10, 2);
		expect(rows.some((row) => row[0] === noon + 5 * minute)).toBe(false);
	});
});

test('a restart goes on at the same place of the recording', async () => {
	const marketFile = writeRecording('UNITTEST-BTC_1m.csv', eight);
	const stateDir = join(folder, 'state');
	const clock = makeClock(noon);
	let before: Row[] = [];
	await on({ marketFile, clock, stateDir }, async (simulator) => {
		before = await klines(simulator, `category=spot&symbol=UNITTESTBTC&interval=1&end=${noon - minute}`);
	});
	clock.advance(3 * minute);
	await on({ marketFile, clock, stateDir }, async (simulator) => {
		expect(await klines(simulator, `category=spot&symbol=UNITTESTBTC&interval=1&end=${noon - minute}`)).toEqual(before);
	});
	await expect(startSimulator({ stateDir, clock })).rejects.toThrow(/another market \(UNITTEST-BTC-spot\)/);
});

test('the minutes of a 5m recording roll up to its candles exactly', async () => {
	const rows = Array.from(
		{ length: 12 },
		(_, at) => [start + at * 5 * minute, 1.1 + at / 100, 1.2 + at / 100, 1.05, 1.15 + at / 100, 1000.3 + at] as const,
	);
	const marketFile = writeRecording('XRP-USDT-USDT_5m.csv', rows);
	const clock = makeClock(noon);
	await on({ marketFile, clock }, async (simulator) => {
		expect(simulator.symbols).toEqual([{ symbol: 'XRPUSDT', category: 'linear' }]);
		const fives = (await klines(simulator, `category=linear&symbol=XRPUSDT&interval=5&end=${noon - 1}`)).reverse();
		expect(fives.map((row) => row.slice(1, 6).map(Number))).toEqual(
			rows.slice(0, 9).map((row) => row.slice(1).map((value) => Number(value.toFixed(4)))),
		);
		const ones = (await klines(simulator, `category=linear&symbol=XRPUSDT&interval=1&end=${noon - 1}`)).reverse();
		expect(ones).toHaveLength(45);
		for (const [index, five] of fives.entries()) {
			const parts = ones.slice(index * 5, index * 5 + 5);
			expect(parts[0]![1]).toBe(five[1]);
			expect(Math.max(...parts.map((row) => Number(row[2])))).toBe(Number(five[2]));
			expect(Math.min(...parts.map((row) => Number(row[3])))).toBe(Number(five[3]));
			expect(parts[4]![4]).toBe(five[4]);
			expect(parts.reduce((sum, row) => sum + Number(row[5]), 0)).toBeCloseTo(Number(five[5]), 6);
		}
	});
});

test.each([
	['no header', '1,2,3', /:1: expected the header/],
	['too few values', `${header}\n2020-01-01T00:00:00Z,1,2,3`, /:2: expected 6 values/],
	['no time', `${header}\nyesterday,1,2,1,1,1`, /:2: expected an ISO timestamp, got "yesterday"/],
	['between candles', `${header}\n2020-01-01T00:00:30Z,1,2,1,1,1`, /:2: expected the opening time of a candle of 1m/],
	['not a number', `${header}\n2020-01-01T00:00:00Z,1,2,1,x,1`, /:2: expected a number, got "x"/],
	['zero price', `${header}\n2020-01-01T00:00:00Z,0,2,0,1,1`, /:2: expected prices above zero/],
	['high below close', `${header}\n2020-01-01T00:00:00Z,1,2,1,3,1`, /:2: expected low ≤ open, close ≤ high/],
	['negative volume', `${header}\n2020-01-01T00:00:00Z,1,2,1,1,-1`, /:2: expected a volume of zero or more/],
	[
		'back in time',
		`${header}\n2020-01-01T00:01:00Z,1,2,1,1,1\n2020-01-01T00:00:00Z,1,2,1,1,1`,
		/:3: expected a time after/,
	],
	['one candle', `${header}\n2020-01-01T00:00:00Z,1,2,1,1,1\n`, /expected at least two candles, got 1/],
])('a bad recording is one clear error: %s', async (_, content, message) => {
	const marketFile = join(folder, 'UNITTEST-BTC_1m.csv');
	writeFileSync(marketFile, content);
	await expect(startSimulator({ marketFile })).rejects.toThrow(message);
});

test('a bad file name or a file that is not there is one clear error', async () => {
	await expect(startSimulator({ marketFile: join(folder, 'candles.csv') })).rejects.toThrow(
		/expected a file name like/,
	);
	await expect(startSimulator({ marketFile: join(folder, 'A-BTC-BTC_1m.csv') })).rejects.toThrow(
		/quoted and settled in USDT/,
	);
	await expect(startSimulator({ marketFile: join(folder, 'NONE-BTC_1m.csv') })).rejects.toThrow(/cannot be read/);
});

test.skipIf(!existsSync(recordings))(
	`recorded candles of ${recordings} play and trade (skipped where the folder is absent)`,
	async () => {
		for (const [name, symbol] of [
			['UNITTEST-BTC_1m.csv', 'UNITTEST/BTC'],
			['ADA-BTC_5m.csv', 'ADA/BTC'],
			['ETH-BTC_5m.csv', 'ETH/BTC'],
			['XRP-USDT-USDT_5m.csv', 'XRP/USDT:USDT'],
		] as const) {
			const marketFile = join(recordings, name);
			const { simulator, client, clock } = await startHarness({ marketFile });
			try {
				const timeframe = name.includes('5m') ? '5m' : '1m';
				const candles = await client.fetchOHLCV(symbol, timeframe, undefined, 1000);
				const recorded = new Set(
					readFileSync(marketFile, 'utf8')
						.trim()
						.split('\n')
						.slice(1)
						.map((line) =>
							line
								.split(',')
								.slice(1)
								.map((value) => Number(Number(value).toFixed(8)))
								.join(),
						),
				);
				for (const [, ...values] of candles.slice(0, -1)) expect(recorded).toContain(values.join());
				// Small enough to be paid, large enough to be taken.
				const amount = symbol === 'XRP/USDT:USDT' ? 100 : symbol === 'ETH/BTC' ? 1 : 200;
				const order = await place(client, symbol, 'market', 'buy', amount);
				expect(await client.fetchOrder(order.id, symbol, { acknowledged: true })).toMatchObject({
					status: 'closed',
					filled: amount,
				});
				clock.advance(60 * minute);
				const sale = await place(client, symbol, 'market', 'sell', amount / 2);
				expect(await client.fetchOrder(sale.id, symbol, { acknowledged: true })).toMatchObject({
					status: 'closed',
					filled: amount / 2,
				});
			} finally {
				await simulator.close();
			}
		}
	},
);
