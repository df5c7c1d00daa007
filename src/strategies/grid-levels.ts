/**
 * The lines of a grid and the lots that belong to a price: arithmetic only. A price is told as its distance from the centre in
 * levels, negative below; everything else is counted in levels.
 */
import type { Direction } from '../domain.ts';
import type { CandleWindow } from './strategy.ts';

/** Evenly spaced lines: line k lies at `center + k × step`, or, where there is a ratio, at `center × ratio^k`. */
export interface Ladder {
	readonly center: number;
	/** Distance of the first line above the centre, in price. */
	readonly step: number;
	/** Of a line to the one below it; null: the lines are as far apart in price. */
	readonly ratio: number | null;
}

/** A price that misses a line by less than this many levels is on it: floats do not hit lines exactly. */
const tolerance = 1e-9;

/** Line `k` of the ladder, as a price. */
export function linePrice({ center, step, ratio }: Ladder, k: number): number {
	return ratio === null ? center + k * step : center * ratio ** k;
}

/** How many levels `price` lies from the centre, negative below it. */
export function levelsAway({ center, step, ratio }: Ladder, price: number): number {
	return ratio === null ? (price - center) / step : Math.log(price / center) / Math.log(ratio);
}

/**
 * The ladder that divides `lower` to `upper` so that `levels` lines lie on each side that is traded and both ends are one level
 * beyond the last: the centre is `upper` for LONG, `lower` for SHORT, the (arithmetic or geometric) middle for BOTH.
 */
export function rangeLadder(range: {
	readonly lower: number;
	readonly upper: number;
	readonly levels: number;
	readonly direction: Direction | 'BOTH';
	readonly spacing: 'arithmetic' | 'geometric';
}): Ladder {
	const { lower, upper, direction } = range;
	const steps = (range.levels + 1) * (direction === 'BOTH' ? 2 : 1);
	if (range.spacing === 'arithmetic') {
		const center = direction === 'LONG' ? upper : direction === 'SHORT' ? lower : (lower + upper) / 2;
		return { center, step: (upper - lower) / steps, ratio: null };
	}
	const center = direction === 'LONG' ? upper : direction === 'SHORT' ? lower : Math.sqrt(lower * upper);
	const ratio = (upper / lower) ** (1 / steps);
	return { center, step: center * (ratio - 1), ratio };
}

export interface RangeRule {
	readonly centerPeriod: number;
	readonly atrPeriod: number;
	readonly atrFactor: number;
	readonly minStepFraction: number;
	readonly spacing: 'arithmetic' | 'geometric';
}

/** Candles that `ladderAt` looks at, the one that is asked for included. */
export function ladderHistory({ centerPeriod, atrPeriod }: RangeRule): number {
	return Math.max(centerPeriod, atrPeriod + 1);
}

/**
 * The ladder as of the close of candle `index`: its centre is the mean of the last `centerPeriod` closes, its step `atrFactor` times
 * the mean of the last `atrPeriod` true ranges, but at least `minStepFraction` of the centre. Both are plain means, not Wilder's, so
 * that they depend on exactly these candles and are the same in whatever window. Null without them.
 */
export function ladderAt(candles: CandleWindow, index: number, rule: RangeRule): Ladder | null {
	if (index + 1 < ladderHistory(rule)) return null;
	const { high, low, close } = candles;
	const center = mean(rule.centerPeriod, (back) => close[index - back] ?? Number.NaN);
	const range = mean(rule.atrPeriod, (back) => {
		const before = close[index - back - 1] ?? Number.NaN;
		return Math.max(high[index - back] ?? Number.NaN, before) - Math.min(low[index - back] ?? Number.NaN, before);
	});
	const step = Math.max(rule.atrFactor * range, rule.minStepFraction * center);
	return { center, step, ratio: rule.spacing === 'geometric' ? 1 + step / center : null };
}

function mean(count: number, value: (back: number) => number): number {
	let sum = 0;
	for (let back = 0; back < count; back++) sum += value(back);
	return sum / count;
}

/** How far `away` is from the centre towards the side on which `direction` holds lots, in levels; negative beyond the centre. */
export function depthOf(direction: Direction, away: number): number {
	return direction === 'LONG' ? -away : away;
}

/** Lines of this side that the price has reached. */
export function linesReached(depth: number): number {
	return Math.floor(depth + tolerance);
}

/** Whether the price has reached the end of the grid: the line after the last of `levels`. */
export function isBeyond(depth: number, levels: number): boolean {
	return linesReached(depth) > levels;
}

/**
 * Lots that belong to a price: lot i is entered at line i and closed at line i − 1, so that between two lines nothing changes. Of
 * `held` lots as many stay as lines lie at most one level away, and as many are added as lines were reached; both at most `cap`.
 */
export function targetLots(depth: number, held: number, cap: number): number {
	const clamp = (lots: number) => Math.min(Math.max(lots, 0), cap);
	const reached = clamp(linesReached(depth));
	const kept = clamp(Math.ceil(depth - tolerance));
	return Math.min(Math.max(held, reached), kept);
}
