/** ST-004, grid: enters a lot at each line that the price crosses away from the centre, closes it one line nearer. See docs/strategies. */
import { type Direction, timeframeMs } from '../domain.ts';
import {
	depthOf,
	isBeyond,
	type Ladder,
	ladderAt,
	ladderHistory,
	levelsAway,
	linesReached,
	rangeLadder,
	targetLots,
} from './grid-levels.ts';
import { type GridParameters, gridParameters, rangeRule } from './grid-parameters.ts';
import type {
	CandleWindow,
	DecisionReason,
	Evaluation,
	FactorResult,
	HeldPosition,
	PreparedStrategy,
	Strategy,
} from './strategy.ts';

export const grid: Strategy<typeof gridParameters> = {
	id: 'ST-004',
	name: 'grid',
	title: 'Grid',
	defaultInterval: 5,
	parameters: gridParameters,
	prepare(values) {
		return prepareGrid(values);
	},
};

function prepareGrid(values: GridParameters): PreparedStrategy {
	const { timeframe, lower, upper, levels, direction, spacing, max_holding_minutes: limit } = values;
	const candleMs = timeframeMs[timeframe];
	const rule = rangeRule(values);
	const fixed = lower !== null && upper !== null ? rangeLadder({ lower, upper, levels, direction, spacing }) : null;
	/** The ladder of the last candle does not depend on the bot: all bots of this version that see a window share it. */
	const newest = new WeakMap<CandleWindow, Ladder | null>();

	function ladderOf(candles: CandleWindow, index: number): Ladder | null {
		if (fixed !== null) return fixed;
		if (index !== candles.close.length - 1) return ladderAt(candles, index, rule);
		const known = newest.get(candles);
		if (known !== undefined) return known;
		const ladder = ladderAt(candles, index, rule);
		newest.set(candles, ladder);
		return ladder;
	}

	return {
		timeframe,
		history: fixed !== null ? 1 : ladderHistory(rule) + Math.ceil(((limit ?? 0) * 60_000) / candleMs) + 1,
		maxLots: values.max_lots ?? levels,
		favourableRegimes: values.favourable_regimes,
		evaluate({ candles }, position, nowMs) {
			const last = candles.close.length - 1;
			// While lots are held the lines stay those of the candle before the first of them was entered.
			const anchor = position === null ? last : lastClosedBy(candles, position.openedAt, candleMs);
			const moment = {
				current: ladderOf(candles, last),
				anchored: ladderOf(candles, anchor),
				price: candles.close[last] ?? Number.NaN,
				// Lines that move with the market are crossed by the price only: what lies beyond them already waits.
				before: fixed === null ? (candles.close[last - 1] ?? null) : null,
				isFixed: fixed !== null,
			};
			const endsAt =
				position === null || limit === null ? Number.POSITIVE_INFINITY : position.openedAt + limit * 60_000;
			return evaluateGrid(values, moment, position, nowMs >= endsAt, endsAt);
		},
	};
}

interface Moment {
	/** Of the last candle. */
	readonly current: Ladder | null;
	/** By which is decided. */
	readonly anchored: Ladder | null;
	readonly price: number;
	readonly before: number | null;
	readonly isFixed: boolean;
}

function evaluateGrid(
	values: GridParameters,
	moment: Moment,
	position: HeldPosition | null,
	isOver: boolean,
	endsAt: number,
): Evaluation {
	const { anchored, current, price: last } = moment;
	const known = anchored === null || current === null || !(last > 0) ? null : { anchored, current };
	const wanted: Wanted =
		isOver && position !== null
			? { target: 0, reason: 'TIME_EXIT' }
			: known === null
				? { target: signedLots(position), reason: 'INSUFFICIENT_HISTORY' }
				: position === null
					? wantedWhenFlat(values, moment, levelsAway(known.anchored, last))
					: wantedWhenHeld(values, position, levelsAway(known.anchored, last));
	const factors = known === null ? [] : explain(values, known, last, wanted.target);
	const evaluation = act(values, position, wanted, factors);
	if (wanted.reason === 'INSUFFICIENT_HISTORY') return evaluation;
	// Time takes part in one way only: a position that is held is closed when its time is up.
	return { ...evaluation, validUntilMs: evaluation.decision === 'CLOSE' ? Number.POSITIVE_INFINITY : endsAt };
}

/** Lots that the bot should hold, negative for SHORT, and why. */
interface Wanted {
	readonly target: number;
	readonly reason: DecisionReason;
}

function wantedWhenFlat(values: GridParameters, moment: Moment, away: number): Wanted {
	for (const side of sidesOf(values.direction)) {
		const depth = depthOf(side, away);
		if (isBeyond(depth, values.levels)) return { target: 0, reason: 'GRID_OUT_OF_RANGE' };
		const lots = targetLots(depth, 0, capOf(values));
		if (lots > 0 && (moment.isFixed || hasCrossed(moment, side, depth)))
			return { target: side === 'LONG' ? lots : -lots, reason: 'GRID_ENTRY' };
	}
	return { target: 0, reason: 'BELOW_THRESHOLD' };
}

function hasCrossed({ current, before }: Moment, side: Direction, depth: number): boolean {
	if (current === null || before === null) return false;
	return linesReached(depth) > linesReached(depthOf(side, levelsAway(current, before)));
}

function wantedWhenHeld(values: GridParameters, position: HeldPosition, away: number): Wanted {
	const side = position.direction;
	const sign = side === 'LONG' ? 1 : -1;
	const depth = depthOf(side, away);
	if (!sidesOf(values.direction).includes(side)) return { target: 0, reason: 'GRID_EXIT' };
	if (isBeyond(depth, values.levels)) {
		if (values.out_of_range === 'close') return { target: 0, reason: 'GRID_OUT_OF_RANGE' };
		return { target: sign * Math.min(position.lots, capOf(values)), reason: 'GRID_OUT_OF_RANGE' };
	}
	const lots = targetLots(depth, position.lots, capOf(values));
	const reason = lots > position.lots ? 'GRID_ENTRY' : lots < position.lots ? 'GRID_EXIT' : 'HOLDING';
	return { target: sign * lots, reason };
}

/** From the lots that should be held to the one order that leads there. */
function act(
	values: GridParameters,
	position: HeldPosition | null,
	{ target, reason }: Wanted,
	factors: readonly FactorResult[],
): Evaluation {
	const held = signedLots(position);
	const common = { score: factors[0]?.score ?? null, factors, reason };
	const withoutStops = { ...common, stopLossFraction: null, takeProfitFraction: null };
	if (target === held) return { ...withoutStops, decision: 'NONE' };
	if (position !== null && Math.abs(target) < position.lots)
		return { ...withoutStops, decision: 'CLOSE', lots: target === 0 ? null : position.lots - Math.abs(target) };
	return {
		...common,
		decision: target > 0 ? 'LONG' : 'SHORT',
		lots: Math.abs(target - held),
		stopLossFraction: values.stop_loss_fraction,
		takeProfitFraction: values.take_profit_fraction,
		trailingStopFraction: values.trailing_stop_fraction,
	};
}

/**
 * The score, which candles alone decide: how far the price lies from the centre towards the end of the grid. Then what the
 * decision was about: the price from the centre of the lines that count, in levels, where they lie, and the lots wanted.
 */
function explain(
	values: GridParameters,
	{ current, anchored }: { readonly current: Ladder; readonly anchored: Ladder },
	last: number,
	target: number,
): FactorResult[] {
	const scoreOf = (away: number) => Math.max(-1, Math.min(1, -away / (values.levels + 1)));
	const away = levelsAway(current, last);
	const score = scoreOf(away);
	const anchoredAway = levelsAway(anchored, last);
	const shown = (name: string, value: number): FactorResult => ({
		name,
		value,
		score: null,
		weight: 0,
		contribution: null,
	});
	return [
		{ name: 'grid_position', value: away, score, weight: 1, contribution: score },
		{ name: 'anchored_position', value: anchoredAway, score: scoreOf(anchoredAway), weight: 0, contribution: 0 },
		shown('grid_center', anchored.center),
		shown('grid_step', anchored.step),
		shown('target_lots', target),
	];
}

function capOf({ max_lots: maxLots, levels }: GridParameters): number {
	return maxLots ?? levels;
}

function sidesOf(direction: GridParameters['direction']): readonly Direction[] {
	return direction === 'BOTH' ? ['LONG', 'SHORT'] : [direction];
}

function signedLots(position: HeldPosition | null): number {
	if (position === null) return 0;
	return position.direction === 'LONG' ? position.lots : -position.lots;
}

/** Index of the last candle that had closed at `at`, epoch ms; -1 if none had. */
function lastClosedBy({ openAt }: CandleWindow, at: number, candleMs: number): number {
	let [from, to] = [0, openAt.length];
	while (from < to) {
		const middle = (from + to) >> 1;
		if ((openAt[middle] ?? Number.POSITIVE_INFINITY) + candleMs <= at) from = middle + 1;
		else to = middle;
	}
	return from - 1;
}
