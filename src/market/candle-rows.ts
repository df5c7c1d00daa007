/**
 * Rows of a CSV of candles, one line at a time: good ones as candles, bad ones with their line and what is wrong with them. A file of
 * hundreds of megabytes is never in memory.
 */
import { type Timeframe, timeframeMs } from '../domain.ts';
import { UsageError } from '../errors.ts';
import type { CandleRow } from '../exchange/venue.ts';

export type FileRow =
	| { readonly kind: 'CANDLE'; readonly line: number; readonly candle: CandleRow }
	| { readonly kind: 'BAD'; readonly line: number; readonly reason: string };

export interface CandleRowOptions {
	readonly timeframe: Timeframe;
	/** Candles must have closed by then, epoch ms. */
	readonly asOf: number;
}

/** No candle is longer than this, in characters: a file that is no text is refused rather than read whole. */
const longestLine = 1_000;
/** A row that lies further ahead than this, in candles, must be confirmed by the next one. */
const farAhead = 1_000;

/**
 * `chunks` of text to rows. The first line names the columns: timestamp, open, high, low, close and volume in any order, and others,
 * which are passed over. Throws UsageError where it does not. Bad is a row of another number of fields; with text, NaN, infinity, a
 * price that is not above zero or a volume below it; a high that is not the highest or a low that is not the lowest; a time that is no
 * time, off the timeframe's grid or not over yet; a row that repeats an earlier time or goes back behind one.
 */
export async function* readCandleRows(
	chunks: AsyncIterable<string>,
	options: CandleRowOptions,
): AsyncGenerator<FileRow> {
	let columns: Columns | undefined;
	let line = 0;
	/** Time of the last good row. */
	let last = Number.NEGATIVE_INFINITY;
	/** A good row far ahead of the others, until the next one tells whether the others follow it. */
	let held: { readonly line: number; readonly candle: CandleRow } | undefined;

	for await (const text of splitLines(chunks)) {
		line += 1;
		if (text.trim() === '') continue;
		if (columns === undefined) {
			columns = readHeader(text);
			continue;
		}
		const candle =
			text.length > longestLine ? `a line of more than ${longestLine} characters` : readRow(text, columns, options);
		if (typeof candle === 'string') {
			yield { kind: 'BAD', line, reason: candle };
			continue;
		}
		const [openAt] = candle;
		if (openAt <= last) {
			const relation = openAt === last ? 'is that of' : 'is before that of';
			yield { kind: 'BAD', line, reason: `the time ${relation} an earlier row` };
			continue;
		}
		if (held !== undefined && openAt < held.candle[0]) {
			yield { kind: 'BAD', line: held.line, reason: 'the time is ahead of those of the rows after it' };
			held = undefined;
		}
		if (held !== undefined) {
			yield { kind: 'CANDLE', ...held };
			last = held.candle[0];
			held = undefined;
		}
		const isFarAhead = Number.isFinite(last) && openAt - last > farAhead * timeframeMs[options.timeframe];
		if (openAt === last) yield { kind: 'BAD', line, reason: 'the time is that of an earlier row' };
		else if (isFarAhead) held = { line, candle };
		else {
			last = openAt;
			yield { kind: 'CANDLE', line, candle };
		}
	}
	if (held !== undefined) yield { kind: 'CANDLE', ...held };
	if (columns === undefined)
		throw new UsageError('the file is empty: expected a header such as timestamp,open,high,low,close,volume');
}

async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
	let rest = '';
	for await (const chunk of chunks) {
		const lines = (rest + chunk).split('\n');
		rest = lines.pop() ?? '';
		// What is too long for a row is told as such; the rest of it need not be kept.
		if (rest.length > 2 * longestLine) rest = rest.slice(0, longestLine + 1);
		yield* lines;
	}
	if (rest !== '') yield rest;
}

const names = ['open', 'high', 'low', 'close', 'volume'] as const;
const timeNames: readonly string[] = ['timestamp', 'time', 'date', 'datetime', 'open_time', 'open_at'];

interface Columns {
	readonly count: number;
	readonly time: number;
	/** In the order of `names`. */
	readonly figures: readonly number[];
}

function readHeader(text: string): Columns {
	const fields = splitFields(text.replace(/^\uFEFF/, '')).map((field) => field.toLowerCase());
	const time = fields.findIndex((field) => timeNames.includes(field));
	const figures = names.map((name) => fields.indexOf(name));
	if (time < 0 || figures.includes(-1)) {
		throw new UsageError(
			`line 1: expected a header with timestamp,open,high,low,close,volume, got "${text.slice(0, 80).trim()}"`,
		);
	}
	return { count: fields.length, time, figures };
}

/** The candle, or what is wrong with the row. */
function readRow(text: string, columns: Columns, { timeframe, asOf }: CandleRowOptions): CandleRow | string {
	const fields = splitFields(text);
	if (fields.length !== columns.count) return `expected ${columns.count} fields, got ${fields.length}`;
	const openAt = readTime(fields[columns.time] ?? '');
	if (typeof openAt === 'string') return openAt;
	const figures: string[] = [];
	for (const [index, name] of names.entries()) {
		const field = fields[columns.figures[index] ?? -1] ?? '';
		const figure = readFigure(field);
		if (figure === null) return `${name}: expected a number, got "${field.slice(0, 40)}"`;
		const value = Number(figure);
		if (name === 'volume' ? value < 0 : value <= 0)
			return `${name}: expected a number ${name === 'volume' ? 'not below' : 'above'} 0, got ${field.slice(0, 40)}`;
		figures.push(figure);
	}
	const [open = '', high = '', low = '', close = '', volume = ''] = figures;
	const [top, bottom] = [Number(high), Number(low)];
	if (top < bottom) return `the high ${high} is below the low ${low}`;
	for (const [name, price] of [
		['open', open],
		['close', close],
	] as const) {
		if (Number(price) > top) return `the ${name} ${price} is above the high ${high}`;
		if (Number(price) < bottom) return `the ${name} ${price} is below the low ${low}`;
	}
	if (openAt % timeframeMs[timeframe] !== 0) return `${iso(openAt)} is not the opening time of a ${timeframe} candle`;
	if (openAt + timeframeMs[timeframe] > asOf) return `the candle of ${iso(openAt)} is not over yet`;
	return [openAt, open, high, low, close, volume];
}

function iso(ms: number): string {
	return new Date(ms).toISOString();
}

const earliest = Date.UTC(2000, 0, 1);

/** Epoch milliseconds of ISO 8601 (UTC where it names no zone) or of epoch milliseconds; or what is wrong. */
function readTime(text: string): number | string {
	const bad = `timestamp: expected epoch milliseconds or a time such as 2025-06-12T00:00:00Z, got "${text.slice(0, 40)}"`;
	if (/^\d{1,16}$/.test(text)) {
		const ms = Number(text);
		// Before that there was nothing to trade: seconds were taken for milliseconds.
		return ms >= earliest && ms < 8.64e15 ? ms : bad;
	}
	const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s?(Z|[-+]\d\d:?\d\d)?)?$/i.exec(text);
	if (match === null) return bad;
	const [, date = '', time = '00:00', zone = 'Z'] = match;
	const ms = Date.parse(`${date}T${time}${zone.toUpperCase()}`);
	// The 30th of February is read as the 2nd of March.
	const isDay = !Number.isNaN(Date.parse(date)) && iso(Date.parse(date)).startsWith(date);
	return Number.isNaN(ms) || !isDay ? bad : ms;
}

const plain = /^-?\d{1,30}(\.\d{1,30})?$/;
const scientific = /^-?\d(\.\d{1,20})?e[-+]?\d{1,2}$/i;

/** Decimal text as the database takes it, exactly as it stands in the file; null if it is no number. */
function readFigure(text: string): string | null {
	return plain.test(text) || scientific.test(text) ? text : null;
}

function splitFields(text: string): string[] {
	return text.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'));
}
