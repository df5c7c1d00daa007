/** An indicator as a state that takes one candle at a time, and whose last candle can be replaced. */
import { pushUpdate } from 'trading-signals';
import { maxBack } from '../../strategies/history.ts';
import type { CandleWindow } from '../../strategies/strategy.ts';

/** One candle; prices in the quote asset, volume in the base asset, `openAt` in epoch milliseconds. */
export interface Candle {
	readonly openAt: number;
	readonly open: number;
	readonly high: number;
	readonly low: number;
	readonly close: number;
	readonly volume: number;
}

/** What an indicator does with a candle. Every one of `src/market/indicators` is a function that makes such a state. */
export interface Calculation {
	readonly outputs: readonly string[];
	/**
	 * Takes the next candle, or with `replace` another one in place of the last, as if that had never been seen. Returns one
	 * value per output, NaN where it is undefined, or null where all are: too little history never gives a wrong number.
	 */
	update(candle: Candle, replace: boolean): readonly number[] | null;
	/**
	 * For ratios of smoothed movement: whether the market has been so still that candles of long ago counted in them by more than
	 * one part in 10^9. The values are right for the whole past, but a shorter window would give others, so whoever wants those of
	 * a window computes a new state from it.
	 */
	readonly hasFaded?: boolean;
}

/** The running state of one indicator on one market. Each candle costs at most its period, however long the state lives. */
export class IndicatorStream {
	readonly outputs: readonly string[];
	readonly #calculation: Calculation;
	readonly #undefined: readonly number[];
	/** The values of the last `maxBack + 1` candles, oldest first. */
	readonly #values: (readonly number[])[] = [];

	constructor(calculation: Calculation) {
		this.#calculation = calculation;
		this.outputs = calculation.outputs;
		this.#undefined = calculation.outputs.map(() => Number.NaN);
	}

	/** Takes the next candle. */
	add(candle: Candle): void {
		this.#update(candle, false);
	}

	/** Takes `candle` in place of the last one, because that was unfinished or is corrected. */
	replace(candle: Candle): void {
		this.#update(candle, true);
	}

	/** By output, at the last candle or `back` candles before it; NaN where undefined. Reaches `maxBack` candles back. */
	values(back = 0): readonly number[] {
		return this.#values[this.#values.length - 1 - back] ?? this.#undefined;
	}

	/** The values of the last `maxBack + 1` candles, oldest first: a copy, which later candles leave as it is. */
	recent(): readonly (readonly number[])[] {
		return this.#values.slice();
	}

	/** See `Calculation.hasFaded`. */
	get hasFaded(): boolean {
		return this.#calculation.hasFaded ?? false;
	}

	#update(candle: Candle, replace: boolean): void {
		const item = this.#calculation.update(candle, replace) ?? this.#undefined;
		pushUpdate({ array: this.#values, item, maxLength: maxBack + 1, replace });
	}
}

/** Candle `index` of `window`. */
export function candleOf(window: CandleWindow, index: number): Candle {
	return {
		openAt: window.openAt[index] ?? Number.NaN,
		open: window.open[index] ?? Number.NaN,
		high: window.high[index] ?? Number.NaN,
		low: window.low[index] ?? Number.NaN,
		close: window.close[index] ?? Number.NaN,
		volume: window.volume[index] ?? Number.NaN,
	};
}
