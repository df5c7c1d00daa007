/** The running states of one market's indicators: each takes a new candle once, for all bots and strategies of the worker. */
import { indicatorHistory } from '../strategies/history.ts';
import type { CandleWindow, IndicatorSpec } from '../strategies/strategy.ts';
import { createIndicatorStream, indicatorKey } from './indicators/indicator.ts';
import { candleOf, type IndicatorStream } from './indicators/stream.ts';

/** Which of a market's candles a window ends with. */
export interface Moment {
	readonly states: IndicatorStates;
	/** The number of its last candle, counted since the market was loaded whole. */
	readonly position: number;
	/** How often a last candle had been replaced until then. */
	readonly generation: number;
}

interface State {
	readonly stream: IndicatorStream;
	position: number;
	generation: number;
}

/** States by indicator. They live as long as the market's window is extended; one that is not asked for costs nothing. */
export class IndicatorStates {
	readonly #states = new Map<string, State>();

	/**
	 * A stream of `spec` that has seen `window`, which ends at `moment`, to its end, and whether it was there and took only the
	 * candles that it had not seen. Read its values at once: it goes on with the market.
	 */
	read(spec: IndicatorSpec, window: CandleWindow, moment: Moment): { stream: IndicatorStream; isAdvanced: boolean } {
		const key = indicatorKey(spec);
		const state = this.#states.get(key);
		if (state !== undefined) {
			// A window of before: the states have gone on without it, and would show it candles of later.
			const isBehind = moment.position < state.position || moment.generation < state.generation;
			if (isBehind) return { stream: streamOver(spec, window), isAdvanced: false };
			if (advance(state, window, moment)) return { stream: state.stream, isAdvanced: true };
		}
		const stream = streamOver(spec, window);
		this.#states.set(key, { stream, position: moment.position, generation: moment.generation });
		return { stream, isAdvanced: false };
	}
}

/** False where the window does not reach back to what the state has seen, or gives another value than the whole past. */
function advance(state: State, window: CandleWindow, { position, generation }: Moment): boolean {
	const last = window.close.length - 1;
	let index = last - (position - state.position);
	if (index < 0) return false;
	// Only a last candle is ever replaced, and this state may have seen an older version of its own.
	if (generation !== state.generation) state.stream.replace(candleOf(window, index));
	for (index += 1; index <= last; index += 1) state.stream.add(candleOf(window, index));
	state.position = position;
	state.generation = generation;
	return !state.stream.hasFaded;
}

/** A new stream that has seen exactly the last `indicatorHistory(spec)` candles of `window`; none where it is shorter. */
export function streamOver(spec: IndicatorSpec, window: CandleWindow): IndicatorStream {
	const stream = createIndicatorStream(spec);
	const needed = indicatorHistory(spec, window.timeframe);
	const length = window.close.length;
	if (length < needed) return stream;
	for (let index = length - needed; index < length; index += 1) stream.add(candleOf(window, index));
	return stream;
}
