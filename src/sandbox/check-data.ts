/** From a view of this process to what a strategy's thread is given of it. */
import { lastCandles } from '../market/view.ts';
import type { CandleWindow, HeldPosition, MarketView, WindowNeed } from '../strategies/strategy.ts';
import type { CheckData, MarketData } from './protocol.ts';

/** How much a strategy version looks at. */
export interface Looked {
	readonly parameters: unknown;
	readonly history: number;
	readonly furtherWindows: readonly WindowNeed[];
}

/** Copies of what the strategy may see and of no more: a view's arrays may be parts of longer ones, and those are what would be copied. */
export function checkDataOf(
	view: MarketView,
	{ parameters, history, furtherWindows }: Looked,
	position: HeldPosition | null,
	nowMs: number,
): CheckData {
	return {
		parameters,
		main: copyOf(view.candles, history),
		regime: view.regime,
		funding: view.funding,
		further: furtherWindows.flatMap((need) => {
			const further = view.timeframe(need.timeframe);
			return further === null ? [] : [copyOf(further.candles, need.history)];
		}),
		legs: view.legs.map(({ candles, funding }) => ({ market: copyOf(candles, history), funding })),
		position,
		nowMs,
	};
}

function copyOf(window: CandleWindow, candles: number): MarketData {
	const { timeframe, openAt, open, high, low, close, volume } = lastCandles(window, candles);
	return {
		timeframe,
		openAt: openAt.slice(),
		open: open.slice(),
		high: high.slice(),
		low: low.slice(),
		close: close.slice(),
		volume: volume.slice(),
	};
}
