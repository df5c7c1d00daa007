/** Rows of a CSV: the good ones as they stand there, the bad ones with line and reason, whatever the chunks. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FileRow, readCandleRows } from '../../src/market/candle-rows.ts';

const header = 'timestamp,open,high,low,close,volume';
const asOf = Date.UTC(2026, 0, 1);
const noon = Date.UTC(2025, 5, 12, 12);
const at = (index: number) => new Date(noon + index * 60_000).toISOString();
const good = (index: number) => `${at(index)},10,12,9,11,5`;

async function read(
	text: string,
	chunkSize = text.length,
	options = { timeframe: '1m', asOf } as const,
): Promise<FileRow[]> {
	async function* chunks() {
		for (let start = 0; start < text.length; start += Math.max(chunkSize, 1))
			yield text.slice(start, start + chunkSize);
	}
	const rows: FileRow[] = [];
	for await (const row of readCandleRows(chunks(), options)) rows.push(row);
	return rows;
}
const read1 = async (row: string, head = header) => (await read(`${head}\n${row}\n`))[0];

test('figures are taken as they stand in the file', async () => {
	const row = `${at(0)},0.00005330000000000001,0.0000534,5.2e-5,0.0000533,431401.97869504`;
	expect(await read1(row)).toEqual({
		kind: 'CANDLE',
		line: 2,
		candle: [noon, '0.00005330000000000001', '0.0000534', '5.2e-5', '0.0000533', '431401.97869504'],
	});
});

test.each([
	['ISO with Z', '2025-06-12T12:00:00.000Z'],
	['ISO without a zone', '2025-06-12T12:00:00'],
	['with a space', '2025-06-12 12:00:00'],
	['with an offset', '2025-06-12T14:00:00+02:00'],
	['epoch milliseconds', '1749729600000'],
	['in quotes', '"2025-06-12T12:00:00Z"'],
])('a time %s', async (_, time) => {
	expect(await read1(`${time},10,12,9,11,5`)).toMatchObject({
		kind: 'CANDLE',
		candle: [noon, '10', '12', '9', '11', '5'],
	});
});

test('columns in another order, among others, in capitals, after a byte order mark, with carriage returns', async () => {
	const text = `\uFEFFDate,Volume,Close,Low,High,Open,Trades\r\n${at(0)},5,11,9,12,10,77\r\n\r\n${at(1)},5,11,9,12,10,78\r\n`;
	expect(await read(text)).toMatchObject([
		{ line: 2, candle: [noon, '10', '12', '9', '11', '5'] },
		{ line: 4, candle: [noon + 60_000, '10', '12', '9', '11', '5'] },
	]);
});

describe('refused', () => {
	test.each([
		['text', `${at(0)},ten,12,9,11,5`, /open: expected a number, got "ten"/],
		['NaN', `${at(0)},10,NaN,9,11,5`, /high: expected a number/],
		['infinity', `${at(0)},10,Infinity,9,11,5`, /high: expected a number/],
		['infinity by exponent', `${at(0)},10,1e999,9,11,5`, /high: expected a number/],
		['nothing', `${at(0)},10,12,,11,5`, /low: expected a number, got ""/],
		['hexadecimal', `${at(0)},0x10,12,9,11,5`, /open: expected a number/],
		['a zero price', `${at(0)},10,12,0,11,5`, /low: expected a number above 0/],
		['a negative price', `${at(0)},10,12,-9,11,5`, /low: expected a number above 0/],
		['a negative volume', `${at(0)},10,12,9,11,-5`, /volume: expected a number not below 0/],
		['high below low', `${at(0)},10,8,9,10,5`, /the high 8 is below the low 9/],
		['open above high', `${at(0)},13,12,9,11,5`, /the open 13 is above the high 12/],
		['close below low', `${at(0)},10,12,9,8,5`, /the close 8 is below the low 9/],
		['off the grid', `2025-06-12T12:00:30Z,10,12,9,11,5`, /is not the opening time of a 1m candle/],
		['in the future', `2030-06-12T12:00:00Z,10,12,9,11,5`, /is not over yet/],
		['a time that is text', 'yesterday,10,12,9,11,5', /timestamp: expected epoch milliseconds/],
		['a day that is none', '2025-02-30T12:00:00Z,10,12,9,11,5', /timestamp: expected/],
		['seconds for milliseconds', '1749729600,10,12,9,11,5', /timestamp: expected epoch milliseconds/],
		['too few fields', `${at(0)},10,12,9,11`, /expected 6 fields, got 5/],
		['too many fields', `${at(0)},10,12,9,11,5,6`, /expected 6 fields, got 7/],
		['a line without end', 'x'.repeat(10_000), /more than 1000 characters/],
	])('%s, and the rows around it are not', async (_, bad, reason) => {
		const rows = await read(`${header}\n${good(-1)}\n${bad}\n${good(1)}\n`);
		expect(rows.map(({ kind, line }) => [kind, line])).toEqual([
			['CANDLE', 2],
			['BAD', 3],
			['CANDLE', 4],
		]);
		expect((rows[1] as { reason: string }).reason).toMatch(reason);
	});

	test('times that come again or go back', async () => {
		const rows = await read([header, good(0), good(1), good(1), good(3), good(2), good(4)].join('\n'));
		expect(rows.map((row) => (row.kind === 'BAD' ? `${row.line} ${row.reason}` : row.line))).toEqual([
			...[2, 3, '4 the time is that of an earlier row', 5],
			...['6 the time is before that of an earlier row', 7],
		]);
	});

	test('a time far ahead of all that follow, instead of all that follow', async () => {
		const rows = await read([header, good(0), good(50_000), good(1), good(2)].join('\n'));
		expect(rows.map(({ kind, line }) => `${kind} ${line}`)).toEqual(['CANDLE 2', 'BAD 3', 'CANDLE 4', 'CANDLE 5']);
	});

	test('but a long gap is a gap, also before the last row', async () => {
		const gap = await read([header, good(0), good(50_000), good(50_001)].join('\n'));
		const atEnd = await read([header, good(0), good(50_000)].join('\n'));
		const withDuplicate = await read([header, good(0), good(50_000), good(0), good(50_001)].join('\n'));
		expect(gap.map(({ kind, line }) => `${kind} ${line}`)).toEqual(['CANDLE 2', 'CANDLE 3', 'CANDLE 4']);
		expect(atEnd.map(({ kind, line }) => `${kind} ${line}`)).toEqual(['CANDLE 2', 'CANDLE 3']);
		expect(withDuplicate.map(({ kind, line }) => `${kind} ${line}`)).toEqual([
			'CANDLE 2',
			'BAD 4',
			'CANDLE 3',
			'CANDLE 5',
		]);
	});
});

test.each([
	['', /the file is empty/],
	['a,b,c\n1,2,3', /line 1: expected a header/],
	[`${good(0)}\n${good(1)}`, /line 1: expected a header/],
])('a file without a header is refused whole', async (text, message) => {
	await expect(read(text)).rejects.toThrow(message);
});

test('where a chunk ends makes no difference', async () => {
	const text = `${header}\r\n${Array.from({ length: 20 }, (_, index) => (index === 7 ? 'bad' : good(index))).join('\r\n')}`;
	const whole = await read(text);
	expect(whole).toHaveLength(20);
	await fc.assert(
		fc.asyncProperty(fc.integer({ min: 1, max: 400 }), async (size) => {
			expect(await read(text, size)).toEqual(whole);
		}),
		{ numRuns: 50 },
	);
});
