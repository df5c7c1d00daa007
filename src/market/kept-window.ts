/** One market's candles in a worker: loaded whole once, then extended by what is new. */
import type { Timeframe } from '../domain.ts';
import type { CandleWindow } from '../strategies/strategy.ts';
import { IndicatorStates, type Moment } from './indicator-states.ts';
import { lastCandles } from './view.ts';

/** Candles as the database tells them, oldest first; `recordedAt` in epoch microseconds. */
export interface CandleRows {
	readonly openAt: readonly number[];
	readonly open: readonly number[];
	readonly high: readonly number[];
	readonly low: readonly number[];
	readonly close: readonly number[];
	readonly volume: readonly number[];
	readonly recordedAt: readonly number[];
}

/** What the database compares with what it has, named as it takes them. */
export interface HeldCandles {
	readonly first_at: number;
	readonly last_at: number;
	readonly known: number;
	/** Decimal text: it is beyond what a number holds. */
	readonly recorded: string;
}

type Columns = Record<keyof CandleRows, Float64Array>;
const names = ['openAt', 'open', 'high', 'low', 'close', 'volume', 'recordedAt'] as const;

/** Candles that are added before the columns are copied to make room: 64 of 500 cost 13% more memory, and a copy an hour. */
const spare = 64;

/**
 * The newest `candles` candles of a market. Windows that it gave out never change, though they share its memory: candles are only
 * written behind them, and where one takes the place of another the columns are copied first.
 */
export class KeptWindow {
	readonly timeframe: Timeframe;
	readonly #candles: number;
	readonly #states = new IndicatorStates();
	#columns: Columns;
	#length = 0;
	/** Sum of `recordedAt` over the window but its last candle. */
	#recorded = 0n;
	#position = 0;
	#generation = 0;

	constructor(timeframe: Timeframe, candles: number, rows: CandleRows) {
		this.timeframe = timeframe;
		this.#candles = candles;
		this.#columns = emptyColumns(candles + spare);
		for (let index = 0; index < rows.openAt.length; index += 1) this.#append(rows, index);
	}

	/** The present window. */
	get window(): CandleWindow {
		const { openAt, open, high, low, close, volume } = this.#columns;
		const end = this.#length;
		const part = (column: Float64Array) => column.subarray(0, end);
		const whole = {
			...{ timeframe: this.timeframe, openAt: part(openAt), open: part(open), high: part(high) },
			...{ low: part(low), close: part(close), volume: part(volume) },
		};
		return lastCandles(whole, this.#candles);
	}

	get moment(): Moment {
		return { states: this.#states, position: this.#position, generation: this.#generation };
	}

	get held(): HeldCandles {
		const first = Math.max(0, this.#length - this.#candles);
		return {
			first_at: this.#columns.openAt[first] ?? Number.NaN,
			last_at: this.#columns.openAt[this.#length - 1] ?? Number.NaN,
			known: this.#length - first,
			recorded: String(this.#recorded),
		};
	}

	/**
	 * Takes candles that the database told from some known one on, and returns whether the window is another now. Null, and nothing
	 * taken, where they do not join what is held. Of two answers that cross each other the older one changes nothing.
	 */
	extend(rows: CandleRows): boolean | null {
		const last = this.#length - 1;
		const lastAt = this.#columns.openAt[last] ?? Number.NaN;
		if ((rows.openAt.at(-1) ?? Number.NaN) < lastAt) return false;
		const joint = rows.openAt.indexOf(lastAt);
		if (joint === -1) return null;
		const isCorrected = (rows.recordedAt[joint] ?? Number.NaN) > (this.#columns.recordedAt[last] ?? Number.NaN);
		if (isCorrected) {
			this.#copy();
			this.#write(rows, joint, this.#length - 1);
			this.#generation += 1;
		}
		for (let index = joint + 1; index < rows.openAt.length; index += 1) this.#append(rows, index);
		return isCorrected || joint + 1 < rows.openAt.length;
	}

	#append(rows: CandleRows, index: number): void {
		if (this.#length === this.#columns.openAt.length) this.#copy();
		const before = this.#columns.recordedAt[this.#length - 1];
		if (before !== undefined) this.#recorded += BigInt(before);
		this.#write(rows, index, this.#length);
		this.#length += 1;
		this.#position += 1;
		const leaving = this.#columns.recordedAt[this.#length - 1 - this.#candles];
		if (leaving !== undefined) this.#recorded -= BigInt(leaving);
	}

	#write(rows: CandleRows, from: number, to: number): void {
		for (const name of names) this.#columns[name][to] = rows[name][from] ?? Number.NaN;
	}

	/** New columns with the newest candles at their beginning. */
	#copy(): void {
		const from = Math.max(0, this.#length - this.#candles);
		const columns = emptyColumns(this.#candles + spare);
		for (const name of names) columns[name].set(this.#columns[name].subarray(from, this.#length));
		this.#columns = columns;
		this.#length -= from;
	}
}

function emptyColumns(length: number): Columns {
	const column = () => new Float64Array(length);
	return {
		...{ openAt: column(), open: column(), high: column(), low: column() },
		...{ close: column(), volume: column(), recordedAt: column() },
	};
}
