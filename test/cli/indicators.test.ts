/** `botbox indicators`: series of a file as CSV, and what it says of a file or a list that is wrong. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { computeIndicator, indicatorKey } from '../../src/market/indicators/indicator.ts';
import { everySpec } from '../market/indicator-specs.ts';
import { randomWalk, recorded } from '../market/market-windows.ts';
import { runCommand, spawnCommand } from './command.ts';

let folder: string;
let count = 0;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'botbox-indicators-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(...lines: readonly string[]): Promise<string> {
	count += 1;
	const path = join(folder, `candles-${count}.csv`);
	await writeFile(path, lines.map((line) => `${line}\n`).join(''));
	return path;
}

const walk = randomWalk(3, 60, 0.01, '1d');
const header = 'date,open,high,low,close,volume';
const days = Array.from(walk.openAt, (at) => new Date(at).toISOString().slice(0, 10));
const rows = days.map((day, i) =>
	[day, walk.open[i], walk.high[i], walk.low[i], walk.close[i], walk.volume[i]].join(','),
);

function cellsOf(csv: string): string[][] {
	expect(csv.endsWith('\n')).toBe(true);
	return csv
		.trimEnd()
		.split('\n')
		.map((line) => line.split(','));
}

test('prints one column an output, under the name that was asked for, to the last digit', async () => {
	const of = everySpec.filter((spec) => spec.name !== 'atr_percentile');
	const { code, stdout, stderr } = await runCommand([
		...['indicators', await fileOf(header, ...rows), '--of', of.map(indicatorKey).join(',')],
	]);
	expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
	const [names = [], ...lines] = cellsOf(stdout);
	expect(names.slice(0, 4)).toEqual(['date', 'sma:20', 'ema:21', 'rsi:14']);
	expect(lines.map(([day]) => day)).toEqual(days);
	const mains: Record<string, string> = {
		adx: 'adx',
		macd: 'macd',
		bollinger: 'middle',
		donchian: 'middle',
		stochastic: 'k',
	};
	let columns = 1;
	for (const spec of of) {
		for (const [output, series] of Object.entries(computeIndicator(spec, walk))) {
			const isMain = output === (mains[spec.name] ?? 'value');
			const column = names.indexOf(isMain ? indicatorKey(spec) : `${indicatorKey(spec)}.${output}`);
			expect(column, `${indicatorKey(spec)} ${output}`).toBeGreaterThan(0);
			columns += 1;
			for (const [index, value] of series.entries()) {
				expect(lines[index]![column]).toBe(Number.isNaN(value) ? '' : String(value));
			}
		}
	}
	expect(names).toHaveLength(columns);
});

test('heads a column as the list has it, short forms included, the main output first', async () => {
	const { stdout } = await runCommand(['indicators', await fileOf(header, ...rows), '--of', 'BB:20:2, stoch:14:3:3']);
	expect(stdout.split('\n')[0]).toBe('date,BB:20:2,BB:20:2.upper,BB:20:2.lower,stoch:14:3:3,stoch:14:3:3.d');
});

test('takes columns in any order, other columns, quotes, CRLF, and times as numbers', async () => {
	const path = await fileOf(
		'\uFEFF"Close","Adj Close","Low","High","Open","Time"\r',
		'"3","1","2","4","3","1749686400"\r',
		'5,1,2,6,3,1749686460\r',
		'',
	);
	expect((await runCommand(['indicators', path, '--of', 'sma:2'])).stdout).toBe(
		'Time,sma:2\n1749686400,\n1749686460,4\n',
	);
});

test('a file without volume serves every indicator that needs none', async () => {
	const path = await fileOf(
		'timestamp,open,high,low,close',
		'2025-06-12T00:00:00Z,1,2,1,2',
		'2025-06-12 00:01,1,2,1,2',
	);
	expect((await runCommand(['indicators', path, '--of', 'atr:1'])).stdout).toBe(
		'timestamp,atr:1\n2025-06-12T00:00:00Z,\n2025-06-12 00:01,1\n',
	);
	for (const list of ['obv', 'vwap', 'volume_zscore:2']) {
		expect(await runCommand(['indicators', path, '--of', `atr:1,${list}`])).toEqual({
			code: 1,
			stdout: '',
			stderr: `botbox: ${path} has no volume column, which ${list} needs\n`,
		});
	}
});

test('an empty volume is refused only where an indicator needs it', async () => {
	const path = await fileOf(header, '2025-06-12,1,2,1,2,', '2025-06-13,1,2,1,4,7');
	expect(await runCommand(['indicators', path, '--of', 'sma:2'])).toEqual({
		code: 0,
		stdout: 'date,sma:2\n2025-06-12,\n2025-06-13,3\n',
		stderr: '',
	});
	expect(await runCommand(['indicators', path, '--of', 'sma:2,obv'])).toEqual({
		code: 1,
		stdout: '',
		stderr: `botbox: ${path}, line 2: expected a number of 0 or more as volume, found ""\n`,
	});
});

const good = '2025-06-12T00:00:00Z,10,12,9,11,5';
const next = '2025-06-12T00:01:00Z,10,12,9,11,5';
const plain = 'timestamp,open,high,low,close,volume';
test.each([
	['no header', [good, next], /line 1: expected a header such as timestamp,open,high,low,close,volume/],
	['no line at all', [], /holds no candle/],
	['no candle', [plain], /holds no candle/],
	[
		'text for a high',
		[plain, good, next.replace(',12,', ',abc,')],
		/line 3: expected a number above 0 as high, found "abc"/,
	],
	['NaN', [plain, good.replace('11', 'NaN')], /line 2: expected a number above 0 as close, found "NaN"/],
	['an empty field', [plain, good.replace('9', '')], /line 2: expected a number above 0 as low, found ""/],
	['a price of zero', [plain, good.replace('10', '0')], /line 2: expected a number above 0 as open, found "0"/],
	[
		'a negative volume',
		[plain, good.replace(/5$/, '-5')],
		/line 2: expected a number of 0 or more as volume, found "-5"/,
	],
	['a high below the low', [plain, good.replace(',12,', ',8,')], /line 2: the high 8 is below the low 9/],
	['a candle twice', [plain, good, good], /line 3: .* is not later than the candle before it/],
	['a wrong order', [plain, next, good], /line 3: .* is not later than the candle before it/],
	['too few fields', [plain, '2025-06-12T00:00:00Z,10'], /line 2: expected 6 fields, found 2/],
	['a wrong time', [plain, good.replace('2025-06-12T', 'yesterday ')], /line 2: expected a time such as/],
])('a file with %s: one line, exit 1, nothing printed', async (_, lines, says) => {
	const { code, stdout, stderr } = await runCommand(['indicators', await fileOf(...lines), '--of', 'sma:1']);
	expect(stderr).toMatch(/^botbox: [^\n]+\n$/);
	expect(stderr).toMatch(says);
	expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
});

test('a file that is not there or not a file: one line, exit 1', async () => {
	for (const [path, says] of [
		[join(folder, 'none.csv'), 'there is no such file'],
		[folder, 'is not a file'],
	] as const) {
		const { code, stdout, stderr } = await runCommand(['indicators', path, '--of', 'sma:1']);
		expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: `botbox: ${path}: ${says}\n` });
	}
});

test.each([
	['nothing asked for', [], /--of/],
	['an empty list', ['--of', ''], /there is no indicator ""/],
	['an unknown indicator', ['--of', 'sma:2,foo:1'], /there is no indicator "foo:1"/],
	['an indicator twice', ['--of', 'sma:2,ema:2,sma:2'], /sma:2 is asked for twice/],
	['a period missing', ['--of', 'sma'], /expected sma:PERIOD/],
])('%s: exit 2', async (_, options, says) => {
	const { code, stdout, stderr } = await runCommand(['indicators', await fileOf(header, ...rows), ...options]);
	expect(stderr).toMatch(says);
	expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

test('needs no database, as the executable', async () => {
	const path = await fileOf(header, ...rows);
	const { code, stdout, stderr } = await spawnCommand(['indicators', path, '--of', 'rsi:14'], {
		DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
	});
	expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
	expect(cellsOf(stdout)).toHaveLength(61);
});

const ada = recorded('ADA-BTC_5m', '5m');
test.skipIf(ada === null)('the recorded candles as they are: every row, the series of the whole file', async () => {
	const path = new URL('../../../shared/data/candles/ADA-BTC_5m.csv', import.meta.url).pathname;
	const { stdout } = await runCommand(['indicators', path, '--of', 'rsi:14,vwap']);
	const [, ...lines] = cellsOf(stdout);
	expect(lines).toHaveLength(5_720);
	const rsi = computeIndicator({ name: 'rsi', period: 14 }, ada!).value!;
	const vwap = computeIndicator({ name: 'vwap' }, ada!).value!;
	for (const [index, [, first, second]] of lines.entries()) {
		expect([first, second]).toEqual(
			[rsi[index], vwap[index]].map((value) => (Number.isNaN(value) ? '' : String(value))),
		);
	}
});
