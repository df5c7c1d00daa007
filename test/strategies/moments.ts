/** What a strategy sees at one moment of a market, as a worker loads it: closed candles only, of every timeframe it names. */
import { type Timeframe, timeframeMs } from '../../src/domain.ts';
import { regimeHistory } from '../../src/market/regime.ts';
import { createMarketView } from '../../src/market/view.ts';
import { viewOf } from '../../src/market/views.ts';
import type { Market } from '../../src/market/windows.ts';
import type { CandleWindow, FundingRates, MarketView, WindowNeed } from '../../src/strategies/strategy.ts';
import { slice } from '../market/market-windows.ts';

/** Of a factor or a strategy. */
export interface Needs {
	readonly history: number;
	readonly furtherWindows?: readonly WindowNeed[];
}

/** `window` in candles of `timeframe`: every one that it covers from the first to the last of its own, gaps included. */
export function rolledUp(window: CandleWindow, timeframe: Timeframe): CandleWindow {
	if (timeframe === window.timeframe) return window;
	const [own, length] = [timeframeMs[window.timeframe], timeframeMs[timeframe]];
	if (length < own) throw new RangeError(`candles of ${window.timeframe} hold none of ${timeframe}`);
	const columns = ['openAt', 'open', 'high', 'low', 'close', 'volume'] as const;
	const rolled = { openAt: [], open: [], high: [], low: [], close: [], volume: [] } as Record<string, number[]>;
	const count = window.close.length;
	for (let from = 0, to = 0; from < count; from = to) {
		const openAt = Math.floor(window.openAt[from]! / length) * length;
		while (to < count && window.openAt[to]! < openAt + length) to += 1;
		const isCut = (from === 0 && window.openAt[0]! > openAt) || window.openAt[to - 1]! + own < openAt + length;
		if (isCut && (from === 0 || to === count)) continue;
		rolled.openAt!.push(openAt);
		rolled.open!.push(window.open[from]!);
		rolled.high!.push(Math.max(...window.high.subarray(from, to)));
		rolled.low!.push(Math.min(...window.low.subarray(from, to)));
		rolled.close!.push(window.close[to - 1]!);
		rolled.volume!.push(window.volume.subarray(from, to).reduce((sum, volume) => sum + volume, 0));
	}
	const [openAt, open, high, low, close, volume] = columns.map((name) => Float64Array.from(rolled[name]!));
	return { timeframe, openAt: openAt!, open: open!, high: high!, low: low!, close: close!, volume: volume! };
}

/** Candles of a market that stand still while moments of it are looked at. */
export class History {
	readonly #windows = new Map<Timeframe, CandleWindow>();
	readonly #last = new Map<Timeframe, { end: number; count: number; window: CandleWindow }>();
	readonly #base: CandleWindow;

	constructor(base: CandleWindow) {
		this.#base = base;
	}

	candles(timeframe: Timeframe): CandleWindow {
		const known = this.#windows.get(timeframe) ?? rolledUp(this.#base, timeframe);
		this.#windows.set(timeframe, known);
		return known;
	}

	/** The last `count` candles of `timeframe` that have closed by `at`, or all there are; the same object until another closes. */
	closedBy(at: number, timeframe: Timeframe, count: number): CandleWindow {
		const window = this.candles(timeframe);
		let [from, end] = [0, window.openAt.length];
		while (from < end) {
			const middle = (from + end) >> 1;
			if (window.openAt[middle]! + timeframeMs[timeframe] <= at) from = middle + 1;
			else end = middle;
		}
		const last = this.#last.get(timeframe);
		if (last?.end === end && last.count === count) return last.window;
		const closed = slice(window, Math.max(0, end - count), end);
		this.#last.set(timeframe, { end, count, window: closed });
		return closed;
	}
}

export interface MomentOptions {
	readonly funding?: FundingRates | null;
	readonly legs?: readonly CandleWindow[];
}

/** The view at the time `at`, for `needs` on `timeframe`. */
export function viewAt(
	history: History,
	at: number,
	timeframe: Timeframe,
	needs: Needs,
	{ funding = null, legs = [] }: MomentOptions = {},
): MarketView {
	const marketOf = (window: CandleWindow): Market => {
		const last = window.close.length - 1;
		const view = createMarketView(window, null);
		return {
			view,
			regime: null,
			regimeFigures: null,
			candleAt: window.openAt[last] ?? 0,
			price: window.close[last] ?? 0,
		};
	};
	return viewOf({
		main: marketOf(history.closedBy(at, timeframe, needs.history)),
		funding,
		further: (needs.furtherWindows ?? [])
			.map((need) => history.closedBy(at, need.timeframe, need.history))
			.filter(({ close }) => close.length > 0)
			.map(marketOf),
		legs: legs.map((window) => ({ market: marketOf(window), funding: null })),
	});
}

/** As a strategy version's needs: enough for the regime too. */
export function withRegime(needs: Needs): Needs {
	return { ...needs, history: Math.max(needs.history, regimeHistory) };
}

/** `walk` with volumes of its own: lognormal, the same for the same seed, larger in candles that move. */
export function withVolume(walk: CandleWindow, seed: number): CandleWindow {
	let state = (seed ^ 0x9e3779b9) >>> 0;
	const volume = walk.close.map((close, index) => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		const move = Math.abs(close / walk.open[index]! - 1);
		const range = walk.high[index]! / walk.low[index]! - 1;
		return Math.exp(state / 2 ** 32 + (range > 0 ? move / range : 0));
	});
	return { ...walk, volume };
}
