/** `botbox candles`: files with bad rows, instruments that no exchange lists, backfill from a real (simulated) exchange. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setExchangeAddress } from '../../src/database/functions/administration.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { empty, one } from '../db/books.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeInstrument } from '../support/factories/world.ts';
import { type CommandResult, runCommand } from './command.ts';

let database: TestDatabase;
let folder: string;
let simulator: Simulator;
beforeAll(async () => {
	database = await createTestDatabase();
	folder = await mkdtemp(join(tmpdir(), 'botbox-candles-'));
	simulator = await startSimulator({ seed: 3, instrumentCount: 3 });
});
beforeEach(async () => {
	await empty(database.pool);
	await setExchangeAddress(database.pool, { exchangeId: 'sim', baseUrl: simulator.url });
});
afterEach(() => {
	process.exitCode = undefined;
});
afterAll(async () => {
	await simulator.close();
	await rm(folder, { recursive: true });
	await database.drop();
});

type Row = Readonly<Record<string, unknown>>;
const run = (...args: string[]): Promise<CommandResult> =>
	runCommand(['candles', ...args], { DATABASE_URL: database.url, BOTBOX_DATA_DIR: folder });
async function json<T = Row>(code: number, ...args: string[]): Promise<T> {
	const result = await run(...args, '--json');
	expect(result, result.stderr).toMatchObject({ code });
	return JSON.parse(result.stdout) as T;
}

const header = 'timestamp,open,high,low,close,volume';
const noon = Date.UTC(2025, 5, 12, 12);
const row = (index: number, price = 10) =>
	`${new Date(noon + index * 60_000).toISOString()},${price},${price + 2},${price - 1},${price + 1},5.5`;
async function file(...lines: string[]): Promise<string> {
	const path = join(folder, 'T-USDT_1m.csv');
	await writeFile(path, `${[header, ...lines].join('\n')}\n`);
	return path;
}
const stored = async () =>
	(await one<{ n: number }>(database.pool, `select count(*) as n from botbox.candles where timeframe = '1m'`)).n;

describe('import', () => {
	test('a good file: stored, rolled up, gaps counted; again: nothing changes', async () => {
		const instrument = await makeInstrument(database.pool);
		const path = await file(...Array.from({ length: 60 }, (_, index) => row(index)).toSpliced(30, 2));
		const args = ['import', path, '--instrument', String(instrument.id), '--timeframe', '1m'];
		expect(await json(0, ...args)).toMatchObject({
			...{
				instrument_id: instrument.id,
				rows: 58,
				stored: 58,
				unchanged: 0,
				refused: 0,
				rolled_up: 14,
				gaps: 1,
				missing: 2,
			},
			...{ from: new Date(noon).toISOString(), to: new Date(noon + 59 * 60_000).toISOString(), refused_rows: [] },
		});
		expect(await json(0, ...args)).toMatchObject({ stored: 0, unchanged: 58, rolled_up: 0 });
		expect(await stored()).toBe(58);
		const listed = await json<Row[]>(0, 'gaps', '--instrument', `sim:${instrument.symbol}`, '--timeframe', '1m');
		expect(listed).toMatchObject([
			{ symbol: instrument.symbol, missing: 2, state: 'OPEN', gap_from: new Date(noon + 30 * 60_000).toISOString() },
		]);
		expect((await run('gaps')).stdout).toMatch(
			/sim +T\d+\/USDT:USDT +1m +2025-06-12 12:30:00 +2025-06-12 12:32:00 +2 +OPEN/,
		);
	});

	test('bad rows are told line by line, the good ones are stored, and the command exits 1', async () => {
		const instrument = await makeInstrument(database.pool);
		const path = await file(
			...[row(0), 'text,10,12,9,11,5', row(1), row(2).replace('5.5', 'NaN'), row(3).replace(',12,', ',8,')],
			...[row(4), row(4), row(6), row(5), `${row(7)},9`, row(8).replace('5.5', '-1'), row(9)],
		);
		const args = ['import', path, '--instrument', instrument.symbol, '--timeframe', '1m'];
		const result = await run(...args);
		expect(result.code).toBe(1);
		const told = result.stderr.split('\n').filter((line) => line.startsWith('line '));
		expect(told.map((line) => Number(/^line (\d+): \S/.exec(line)?.[1]))).toEqual([3, 5, 6, 8, 10, 11, 12]);
		expect(result.stdout).toMatch(/refused +7\n/);
		expect(await stored()).toBe(5);
		const summary = await json<{ refused_rows: Row[] }>(1, ...args);
		expect(summary.refused_rows).toHaveLength(7);
		expect(summary.refused_rows[0]).toEqual({ line: 3, reason: expect.stringMatching(/timestamp/) });
	});

	test('a market that no exchange lists is made when asked for, with the steps of the file, and trades nothing', async () => {
		const path = join(folder, 'ADA-BTC_5m.csv');
		await writeFile(
			path,
			`${header}\n2018-01-10T04:55:00.000Z,0.00005330000000000001,0.0000534,0.00005288000000000001,0.0000529,431401.97869504\n`,
		);
		const args = ['import', path, '--instrument', 'sim:ADA-BTC', '--timeframe', '5m'];
		const refused = await run(...args);
		expect(refused).toMatchObject({ code: 1, stdout: '' });
		expect(refused.stderr).toMatch(/there is no instrument sim:ADA-BTC: --create/);
		expect(await json(0, ...args, '--create')).toMatchObject({ symbol: 'ADA/BTC', stored: 1 });
		expect(
			await one(
				database.pool,
				`select symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size::text, lot_size::text, is_trading from botbox.instruments`,
			),
		).toEqual({
			...{ symbol: 'ADA/BTC', exchange_symbol: 'ADABTC', market_type: 'SPOT', base_asset: 'ADA', quote_asset: 'BTC' },
			...{ settle_asset: 'BTC', tick_size: '0.00000001', lot_size: '0.00000001', is_trading: false },
		});
		// As it stands in the file.
		expect(await one(database.pool, `select open::text, timeframe from botbox.candles`)).toEqual({
			open: '0.00005330000000000001',
			timeframe: '5m',
		});
		expect(await json(0, ...args, '--create')).toMatchObject({ stored: 0, unchanged: 1 });
		expect(await one(database.pool, `select action from botbox.audit_log`)).toEqual({ action: 'instrument.create' });
	});

	test('steps may be given, and a perpetual named', async () => {
		const args = ['--timeframe', '1m', '--create', '--tick-size', '0.5', '--lot-size', '2'];
		await json(0, 'import', await file(row(0)), '--instrument', 'sim:T-USDT-USDT', ...args);
		expect(
			await one(database.pool, `select symbol, market_type, tick_size::text, lot_size::text from botbox.instruments`),
		).toEqual({ symbol: 'T/USDT:USDT', market_type: 'LINEAR', tick_size: '0.5', lot_size: '2' });
	});

	test('five-minute candles are rolled up as minutes are', async () => {
		const instrument = await makeInstrument(database.pool);
		const lines = Array.from({ length: 12 }, (_, index) => row(index * 5, 10 + index));
		const path = await file(...lines);
		expect(await json(0, 'import', path, '--instrument', String(instrument.id), '--timeframe', '5m')).toMatchObject({
			rolled_up: 5,
		});
		expect(
			await one(
				database.pool,
				`select open::float, high::float, low::float, close::float, volume::text, is_native from botbox.candles where timeframe = '1h'`,
			),
		).toEqual({ open: 10, high: 23, low: 9, close: 22, volume: '66.0', is_native: false });
	});

	test('longer candles are no minutes: refused in one line, and nothing is stored; those of a thin market are', async () => {
		const five = await file(...[0, 5, 10, 20, 25].map((minute) => row(minute)));
		const args = ['--instrument', 'sim:T/USDT', '--timeframe', '1m', '--create'];
		const refused = await run('import', five, ...args);
		expect(refused).toMatchObject({ code: 2, stdout: '' });
		expect(refused.stderr).toMatch(/^botbox: \S+: its candles are 5m apart: they are not those of 1m[^\n]*\n$/);
		const left = `select (select count(*) from botbox.candles) + (select count(*) from botbox.instruments) as n`;
		expect(await one(database.pool, left)).toEqual({ n: 0 });
		const thin = await file(...[0, 5, 10, 12, 25].map((minute) => row(minute)));
		expect(await json(0, 'import', thin, ...args)).toMatchObject({ stored: 5 });
	});

	test('imported minutes are marked as asked for, until they are forgotten', async () => {
		const instrument = await makeInstrument(database.pool);
		await json(0, 'import', await file(row(0), row(9)), '--instrument', String(instrument.id), '--timeframe', '1m');
		const kept = `select covered::text from botbox.candle_coverage where source = 'IMPORT' and timeframe = '1m'`;
		expect(await one(database.pool, kept)).toEqual({
			covered: '{["2025-06-12 12:00:00+00","2025-06-12 12:10:00+00")}',
		});
		expect((await run('forget', '--instrument', String(instrument.id))).stdout).toMatch(/live as long as others/);
		expect((await database.pool.query(kept)).rowCount).toBe(0);
		expect((await run('forget', '--instrument', String(instrument.id))).stdout).toMatch(/has no/);
	});

	test.each([
		[
			'no such file',
			1,
			/^botbox: \/nowhere\.csv: there is no such file$/m,
			['import', '/nowhere.csv', '--instrument', 'sim:A/B', '--timeframe', '1m'],
		],
		[
			'a folder',
			1,
			/^botbox: \/tmp: is not a file$/m,
			['import', '/tmp', '--instrument', 'sim:A/B', '--timeframe', '1m'],
		],
		[
			'a timeframe of no kind',
			2,
			/Expected one of 1m/,
			['import', 'x.csv', '--instrument', 'sim:A/B', '--timeframe', '7m'],
		],
		[
			'steps without --create',
			2,
			/go with --create/,
			['import', 'x.csv', '--instrument', '1', '--timeframe', '1m', '--tick-size', '1'],
		],
		['an unknown instrument', 1, /there is no instrument 999/, ['gaps', '--instrument', '999']],
		[
			'both names',
			2,
			/either --instrument or/,
			['backfill', '--instrument', '1', '--symbol', 'X', '--exchange', 'sim', '--timeframe', '1m'],
		],
		['a symbol alone', 2, /--symbol needs --exchange/, ['backfill', '--symbol', 'X', '--timeframe', '1m']],
		[
			'an empty range',
			2,
			/is not before/,
			['backfill', '--instrument', '1', '--timeframe', '1m', '--from', '2026-01-02', '--to', '2026-01-01'],
		],
		[
			'a time that is none',
			2,
			/Expected a time/,
			['backfill', '--instrument', '1', '--timeframe', '1m', '--from', 'soon'],
		],
	])('%s is refused in one line', async (_, code, message, args) => {
		const result = await run(...args);
		expect(result).toMatchObject({ code, stdout: '' });
		expect(result.stderr).toMatch(message);
		expect(result.stderr.trim().split('\n')).toHaveLength(1);
	});

	test('an unknown exchange, and a file without a header', async () => {
		const create = ['--timeframe', '1m', '--create'];
		expect(await run('import', await file(row(0)), '--instrument', 'nowhere:T/USDT', ...create)).toMatchObject({
			code: 2,
			stderr: expect.stringMatching(/there is no exchange nowhere/),
		});
		const path = join(folder, 'headless.csv');
		await writeFile(path, `${row(0)}\n`);
		const instrument = await makeInstrument(database.pool);
		expect(await run('import', path, '--instrument', String(instrument.id), '--timeframe', '1m')).toMatchObject({
			code: 2,
			stderr: expect.stringMatching(/expected a header/),
		});
	});
});

/** So many days ago, as a person writes it. */
const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);

describe('backfill', () => {
	test('by exchange and symbol: the market list is read, pages are fetched, the rest is told', async () => {
		const args = ['backfill', '--exchange', 'sim', '--symbol', 'BTC/USDT:USDT', '--timeframe', '1m', '--days', '1'];
		const first = await run(...args, '--json');
		expect(first).toMatchObject({ code: 0 });
		expect(first.stderr).toMatch(/^sim BTC\/USDT:USDT 1m: \d+%, \d+ candles, \d+ a second$/m);
		expect(first.stderr.trim().split('\n').at(-1)).toMatch(/100%, 1440 candles/);
		expect(JSON.parse(first.stdout)).toMatchObject({ fetched: 1_440, stored: 1_440, refused: 0, gaps: 0, missing: 0 });
		expect(await stored()).toBe(1_440);
		// What has passed meanwhile, at most.
		const again = await json<{ fetched: number }>(0, ...args);
		expect(again.fetched).toBeLessThan(3);
		const instrument = await one<{ id: number }>(
			database.pool,
			`select id from botbox.instruments where symbol = 'BTC/USDT:USDT'`,
		);
		const hours = await json(
			0,
			'backfill',
			'--instrument',
			String(instrument.id),
			'--timeframe',
			'1h',
			'--from',
			day(3),
			'--to',
			day(2),
		);
		expect(hours).toMatchObject({ fetched: 24, from: `${day(3)}T00:00:00.000Z` });
	});

	test('recorded instruments do not stand in the way of the market list', async () => {
		await json(0, 'import', await file(row(0)), '--instrument', 'sim:T/USDT', '--timeframe', '1m', '--create');
		const args = ['--symbol', 'ETH/USDT', '--timeframe', '1d', '--from', day(5), '--to', day(3)];
		expect(await json(0, 'backfill', '--exchange', 'sim', ...args)).toMatchObject({ fetched: 2 });
	});
});
