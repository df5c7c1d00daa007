/** Candles of a CSV file, as exchanges, data vendors and spreadsheets write them. */
import { open } from 'node:fs/promises';
import { errorMessage } from '../errors.ts';
import type { Candle } from '../market/indicators/stream.ts';
import { sizeOfFile } from './files.ts';

export interface CandleFile {
	/** The header of its time column, as it stands there. */
	readonly timeColumn: string;
	/** The times of its rows, as they stand there. */
	readonly times: readonly string[];
	/** Oldest first; volumes are 0 without a volume column, and where a cell that nobody needs is empty. */
	readonly candles: readonly Candle[];
	readonly hasVolume: boolean;
}

/** What is wrong with the file; the caller's command was right. */
class CandleFileError extends Error {}

const timeNames = ['timestamp', 'date', 'time', 'datetime', 'open_at'];

/**
 * Reads a file with the columns timestamp (or date, or time), open, high, low, close and, if there, volume, in any order and
 * among others, a candle a line, oldest first. Times are ISO 8601, in UTC where they name no zone, or seconds or milliseconds
 * since 1970. Throws an Error of one line that names file and line on anything else: nothing is repaired and nothing left out.
 */
export async function readCandleFile(path: string, { needsVolume }: { needsVolume: boolean }): Promise<CandleFile> {
	const times: string[] = [];
	const candles: Candle[] = [];
	let columns: Columns | null = null;
	let line = 0;
	await sizeOfFile(path);
	const file = await open(path);
	try {
		for await (const text of file.readLines()) {
			line += 1;
			if (text.trim() === '') continue;
			const fields = splitFields(line === 1 ? text.replace(/^\uFEFF/, '') : text);
			if (columns === null) {
				columns = readHeader(fields);
				continue;
			}
			const candle = readRow(fields, columns, needsVolume);
			if (candle.openAt <= (candles.at(-1)?.openAt ?? Number.NEGATIVE_INFINITY))
				throw new CandleFileError(`${fields[columns.time]} is not later than the candle before it`);
			candles.push(candle);
			times.push(fields[columns.time] ?? '');
		}
	} catch (error) {
		const where = error instanceof CandleFileError ? `${path}, line ${line}` : path;
		throw new Error(`${where}: ${errorMessage(error)}`, { cause: error });
	} finally {
		await file.close();
	}
	if (columns === null || candles.length === 0) throw new Error(`${path} holds no candle`);
	return { timeColumn: columns.timeName, times, candles, hasVolume: columns.volume >= 0 };
}

interface Columns {
	readonly timeName: string;
	readonly count: number;
	readonly time: number;
	readonly open: number;
	readonly high: number;
	readonly low: number;
	readonly close: number;
	/** -1 where there is none. */
	readonly volume: number;
}

function readHeader(fields: readonly string[]): Columns {
	const names = fields.map((field) => field.toLowerCase());
	const time = names.findIndex((name) => timeNames.includes(name));
	const [open = -1, high = -1, low = -1, close = -1] = ['open', 'high', 'low', 'close'].map((name) =>
		names.indexOf(name),
	);
	if (Math.min(time, open, high, low, close) < 0)
		throw new CandleFileError('expected a header such as timestamp,open,high,low,close,volume');
	const timeName = fields[time] ?? '';
	return { timeName, count: fields.length, time, open, high, low, close, volume: names.indexOf('volume') };
}

function readRow(fields: readonly string[], columns: Columns, needsVolume: boolean): Candle {
	if (fields.length !== columns.count)
		throw new CandleFileError(`expected ${columns.count} fields, found ${fields.length}`);
	const volume = fields[columns.volume] ?? '';
	const hasVolume = columns.volume >= 0 && (needsVolume || volume !== '');
	const price = (index: number, name: string) => readNumber(fields[index] ?? '', name, 'positive');
	const candle = {
		openAt: readTime(fields[columns.time] ?? ''),
		open: price(columns.open, 'open'),
		high: price(columns.high, 'high'),
		low: price(columns.low, 'low'),
		close: price(columns.close, 'close'),
		volume: hasVolume ? readNumber(volume, 'volume', 'zero') : 0,
	};
	if (candle.high < candle.low) throw new CandleFileError(`the high ${candle.high} is below the low ${candle.low}`);
	return candle;
}

function readNumber(text: string, name: string, least: 'positive' | 'zero'): number {
	const expected = least === 'positive' ? 'a number above 0' : 'a number of 0 or more';
	const value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
	if (!Number.isFinite(value) || value < 0 || (value === 0 && least === 'positive'))
		throw new CandleFileError(`expected ${expected} as ${name}, found ${JSON.stringify(text)}`);
	return value;
}

/** Epoch milliseconds. */
function readTime(text: string): number {
	let ms = Number.NaN;
	// Ten digits reach the year 2286 as seconds, and 1970 as milliseconds.
	if (/^\d{9,10}$/.test(text)) ms = Number(text) * 1_000;
	else if (/^\d{12,13}$/.test(text)) ms = Number(text);
	else if (/^\d{4}-\d\d-\d\d$/.test(text)) ms = Date.parse(text);
	else if (/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:?\d\d)?$/.test(text)) {
		const iso = text.replace(' ', 'T');
		ms = Date.parse(/(Z|[-+]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`);
	}
	if (Number.isNaN(ms))
		throw new CandleFileError(`expected a time such as 2025-06-12T00:00:00Z, found ${JSON.stringify(text)}`);
	return ms;
}

function splitFields(text: string): string[] {
	return text.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'));
}
