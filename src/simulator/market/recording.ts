/** Recorded candles of one market, moved to the present: read from a CSV, repeated at their end, gaps kept. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { errorMessage, UsageError } from '../../errors.ts';
import { keyOf, uniform } from './noise.ts';
import { minuteMs, type PathSource, pointsPerMinute } from './path-source.ts';

export interface Recording {
	readonly base: string;
	readonly quote: string;
	readonly category: 'spot' | 'linear';
	readonly candleMs: number;
	readonly priceDecimals: number;
	readonly lotDecimals: number;
	/** Opening time of the first candle, as recorded. */
	readonly start: number;
	/** Candles by slot since `start`; a slot without a candle has open 0. */
	readonly open: Float64Array;
	readonly high: Float64Array;
	readonly low: Float64Array;
	readonly close: Float64Array;
	readonly lots: Float64Array;
}

const header = 'timestamp,open,high,low,close,volume';
const mostDecimals = 8;
/** Where in the recording the present falls when it is first used: the past to look back on, and some future to come. */
const presentShare = 0.75;

/** Reads `BASE-QUOTE_1m.csv` (spot) or `BASE-QUOTE-SETTLE_5m.csv` (linear). Throws one UsageError that names file and line. */
export function readRecording(file: string): Recording {
	const market = parseFileName(file);
	let text: string;
	try {
		text = readFileSync(file, 'utf8');
	} catch (error) {
		throw new UsageError(`${file}: cannot be read: ${errorMessage(error)}`);
	}
	const lines = text.split(/\r?\n/);
	if (lines[0]?.trim() !== header)
		throw new UsageError(`${file}:1: expected the header "${header}", got "${lines[0] ?? ''}"`);
	const rows: Row[] = [];
	for (const [index, line] of lines.entries()) {
		if (index === 0 || line.trim() === '') continue;
		const row = parseRow(line, market.candleMs, rows.at(-1)?.time);
		if (typeof row === 'string') throw new UsageError(`${file}:${index + 1}: ${row}`);
		rows.push(row);
	}
	const first = rows[0];
	const last = rows.at(-1);
	if (first === undefined || last === undefined || rows.length < 2)
		throw new UsageError(`${file}:${lines.length}: expected at least two candles, got ${rows.length}`);
	const slots = (last.time - first.time) / market.candleMs + 1;
	const lotDecimals = decimalsOf(rows.map((row) => row.volume));
	const recording: Recording = {
		...market,
		start: first.time,
		priceDecimals: decimalsOf(rows.flatMap((row) => [row.open, row.high, row.low, row.close])),
		lotDecimals,
		open: new Float64Array(slots),
		high: new Float64Array(slots),
		low: new Float64Array(slots),
		close: new Float64Array(slots),
		lots: new Float64Array(slots),
	};
	for (const row of rows) {
		const slot = (row.time - first.time) / market.candleMs;
		recording.open[slot] = row.open;
		recording.high[slot] = row.high;
		recording.low[slot] = row.low;
		recording.close[slot] = row.close;
		recording.lots[slot] = Math.round(row.volume * 10 ** lotDecimals);
	}
	return recording;
}

/** By how many milliseconds to move a recording so that `now` falls three quarters into it: whole candles only. */
export function recordingOffset(recording: Recording, now: number): number {
	const present = Math.floor(now / recording.candleMs) * recording.candleMs;
	return present - recording.start - Math.floor(recording.open.length * presentShare) * recording.candleMs;
}

export class RecordedSource implements PathSource {
	readonly firstMinute: number;
	private readonly recording: Recording;
	private readonly slots: number;
	private readonly minutesPerCandle: number;
	/** What a whole repetition multiplies prices by, so that its first open continues the last close. */
	private readonly growth: number;
	private readonly orderKey: number;

	constructor(recording: Recording, offset: number, seed: number) {
		this.recording = recording;
		this.slots = recording.open.length;
		this.minutesPerCandle = recording.candleMs / minuteMs;
		this.firstMinute = (recording.start + offset) / minuteMs;
		this.growth = (recording.close[this.slots - 1] ?? 1) / (recording.open[0] ?? 1);
		this.orderKey = keyOf(seed, recording.base, recording.quote, 'recording');
	}

	minuteWithPrices(minute: number): number | undefined {
		if (minute < this.firstMinute) return undefined;
		const slot = Math.floor((minute - this.firstMinute) / this.minutesPerCandle);
		// The first slot always has a candle, so that the search ends.
		let known = slot;
		while ((this.recording.open[known % this.slots] ?? 0) === 0) known -= 1;
		return known === slot ? minute : this.firstMinute + (known + 1) * this.minutesPerCandle - 1;
	}

	readPath(minute: number, prices: Float64Array): number {
		if (minute < this.firstMinute) return -1;
		const sinceStart = minute - this.firstMinute;
		const running = Math.floor(sinceStart / this.minutesPerCandle);
		const slot = running % this.slots;
		const { open, high, low, close, lots } = this.recording;
		const first = open[slot] ?? 0;
		if (first === 0) return -1;
		const scale = this.growth ** Math.floor(running / this.slots);
		const knots = this.knotsOf(running, first, high[slot] ?? first, low[slot] ?? first, close[slot] ?? first);
		const part = sinceStart - running * this.minutesPerCandle;
		for (let point = 0; point < pointsPerMinute; point += 1)
			prices[point] = interpolate(knots, part * pointsPerMinute + point) * scale;
		// Floors of running shares: the minutes of a candle always sum to its volume exactly.
		const volume = lots[slot] ?? 0;
		const upTo = (minutes: number): number => Math.floor((volume * minutes) / this.minutesPerCandle);
		return upTo(part + 1) - upTo(part);
	}

	/** Open, the two extremes in a seeded order, close: the points through which the candle's path goes straight. */
	private knotsOf(running: number, open: number, high: number, low: number, close: number): readonly Knot[] {
		const last = this.minutesPerCandle * pointsPerMinute - 1;
		const early = 1 + Math.floor(uniform(this.orderKey, running * 3) * (last / 2 - 1));
		const late = Math.ceil(last / 2) + Math.floor(uniform(this.orderKey, running * 3 + 1) * (last / 2 - 1));
		// A rising candle more often falls first.
		const lowFirst = uniform(this.orderKey, running * 3 + 2) < (close >= open ? 0.75 : 0.25);
		return [
			{ point: 0, price: open },
			{ point: early, price: lowFirst ? low : high },
			{ point: late, price: lowFirst ? high : low },
			{ point: last, price: close },
		];
	}
}

interface Knot {
	readonly point: number;
	readonly price: number;
}

function interpolate(knots: readonly Knot[], point: number): number {
	let left = knots[0];
	for (const right of knots) {
		if (left === undefined || point === right.point) return right.price;
		if (point < right.point) {
			const share = (point - left.point) / (right.point - left.point);
			return left.price + (right.price - left.price) * share;
		}
		left = right;
	}
	return left?.price ?? 0;
}

function parseFileName(file: string): Pick<Recording, 'base' | 'quote' | 'category' | 'candleMs'> {
	const match = /^([A-Z0-9]+)-([A-Z0-9]+)(-[A-Z0-9]+)?_(1m|5m)\.csv$/.exec(basename(file));
	const [, base, quote, settle, timeframe] = match ?? [];
	if (base === undefined || quote === undefined)
		throw new UsageError(
			`${file}: expected a file name like UNITTEST-BTC_1m.csv (spot) or XRP-USDT-USDT_5m.csv (linear), timeframe 1m or 5m`,
		);
	if (settle !== undefined && (settle !== '-USDT' || quote !== 'USDT'))
		throw new UsageError(`${file}: perpetuals are quoted and settled in USDT, got ${quote}${settle}`);
	return {
		base,
		quote,
		category: settle === undefined ? 'spot' : 'linear',
		candleMs: timeframe === '5m' ? 5 * minuteMs : minuteMs,
	};
}

interface Row {
	readonly time: number;
	readonly open: number;
	readonly high: number;
	readonly low: number;
	readonly close: number;
	readonly volume: number;
}

/** The row, or what is wrong with it. */
function parseRow(line: string, candleMs: number, previous: number | undefined): Row | string {
	const cells = line.split(',').map((cell) => cell.trim());
	if (cells.length !== 6) return `expected 6 values (${header}), got ${cells.length}`;
	const [stamp = '', ...texts] = cells;
	const time = /^\d{4}-\d\d-\d\dT/.test(stamp) ? Date.parse(stamp) : Number.NaN;
	if (!Number.isFinite(time)) return `expected an ISO timestamp, got "${stamp}"`;
	if (time % candleMs !== 0) return `expected the opening time of a candle of ${candleMs / minuteMs}m, got "${stamp}"`;
	if (previous !== undefined && time <= previous) return `expected a time after the previous row's, got "${stamp}"`;
	const numbers = texts.map((text) => (text === '' ? Number.NaN : Number(text)));
	const wrong = numbers.findIndex((number) => !Number.isFinite(number));
	if (wrong >= 0) return `expected a number, got "${texts[wrong]}"`;
	const [open = 0, high = 0, low = 0, close = 0, volume = 0] = numbers;
	if (Math.min(open, high, low, close) <= 0) return 'expected prices above zero';
	if (volume < 0) return `expected a volume of zero or more, got ${volume}`;
	if (high < Math.max(open, close) || low > Math.min(open, close)) return 'expected low ≤ open, close ≤ high';
	return { time, open: clean(open), high: clean(high), low: clean(low), close: clean(close), volume: clean(volume) };
}

/** Recordings carry the dust of binary floats (0.00005330000000000001): fifteen digits are what a price means. */
function clean(value: number): number {
	return Number(value.toPrecision(15));
}

function decimalsOf(values: readonly number[]): number {
	let most = 0;
	for (const value of values) {
		const decimals = value.toFixed(mostDecimals).replace(/0+$/, '').split('.')[1]?.length ?? 0;
		most = Math.max(most, decimals);
	}
	return most;
}
