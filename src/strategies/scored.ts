/** Strategies that weigh factors into a score and decide by thresholds: their common parameters and their decision. */
import { z } from 'zod';
import { type RegimeDirection, regimeDirections, type Timeframe } from '../domain.ts';
import type {
	DecisionReason,
	Evaluation,
	Factor,
	FactorResult,
	HeldPosition,
	MarketView,
	PreparedStrategy,
	WindowNeed,
} from './strategy.ts';

/** Timeframes on which a strategy may decide. */
const decisionTimeframes = ['1m', '5m', '15m', '1h'] as const;

interface Defaults<Name extends string> {
	readonly timeframe: (typeof decisionTimeframes)[number];
	/** Every factor of the strategy, in the order in which results list them. */
	readonly weights: Readonly<Record<Name, number>>;
	readonly entryThreshold: number;
	readonly exitThreshold: number;
	readonly stopLossFraction: number;
	readonly takeProfitFraction: number;
	readonly trailingStopFraction: number | null;
	readonly maxHoldingMinutes: number;
	readonly favourableRegimes: RegimeDirection[];
}

const fraction = z.number().gt(0).lt(1);

/**
 * The fields that every scored strategy has, with its defaults: `weights` names exactly its factors (each 0 to 1, summing to 1),
 * thresholds lie in [-1, 1], stops are fractions of the entry price, a trailing one of the best price since (null sets none), times are in
 * minutes (null: no limit).
 */
export function scoredFields<Name extends string>(defaults: Defaults<Name>) {
	const names = Object.keys(defaults.weights) as Name[];
	return {
		timeframe: z.enum(decisionTimeframes).default(defaults.timeframe),
		weights: z.record(z.enum(names), z.number().min(0).max(1)).default({ ...defaults.weights }),
		entry_threshold: z.number().min(-1).max(1).default(defaults.entryThreshold),
		exit_threshold: z.number().min(-1).max(1).default(defaults.exitThreshold),
		stop_loss_fraction: fraction.nullable().default(defaults.stopLossFraction),
		take_profit_fraction: fraction.nullable().default(defaults.takeProfitFraction),
		trailing_stop_fraction: fraction.nullable().default(defaults.trailingStopFraction),
		max_holding_minutes: z.int().min(1).nullable().default(defaults.maxHoldingMinutes),
		favourable_regimes: z.array(z.enum(regimeDirections)).min(1).default(defaults.favourableRegimes),
		max_lots: z.literal(1).default(1),
		allow_short: z.boolean().default(true),
	};
}

export interface ScoredParameters {
	readonly timeframe: (typeof decisionTimeframes)[number];
	readonly weights: Readonly<Record<string, number>>;
	readonly entry_threshold: number;
	readonly exit_threshold: number;
	readonly stop_loss_fraction: number | null;
	readonly take_profit_fraction: number | null;
	readonly trailing_stop_fraction: number | null;
	readonly max_holding_minutes: number | null;
	readonly favourable_regimes: readonly RegimeDirection[];
	readonly max_lots: number;
	readonly allow_short: boolean;
}

/** What one field alone cannot say; for `superRefine` of a scored strategy's schema. */
export function checkScored(parameters: ScoredParameters, context: z.RefinementCtx): void {
	const sum = Object.values(parameters.weights).reduce((total, weight) => total + weight, 0);
	if (Math.abs(sum - 1) > 1e-9) {
		context.addIssue({ code: 'custom', path: ['weights'], message: `must sum to 1, not ${readable(sum)}` });
	}
	if (parameters.exit_threshold > parameters.entry_threshold) {
		context.addIssue({
			code: 'custom',
			path: ['exit_threshold'],
			message: `must not exceed entry_threshold (${parameters.entry_threshold}), is ${parameters.exit_threshold}`,
		});
	}
}

/** A sum without the last digits that floats make up, and with those by which it misses 1. */
export function readable(sum: number): number {
	return Number(sum.toPrecision(10));
}

/** Adds an issue at `smaller` unless `parameters[smaller] < parameters[larger]`. */
export function checkBelow<Field extends string>(
	parameters: Readonly<Record<Field, number>>,
	context: z.RefinementCtx,
	smaller: Field,
	larger: Field,
): void {
	if (parameters[smaller] < parameters[larger]) return;
	context.addIssue({
		code: 'custom',
		path: [smaller],
		message: `must be below ${larger} (${parameters[larger]}), is ${parameters[smaller]}`,
	});
}

interface Scored {
	readonly score: number | null;
	readonly factors: readonly FactorResult[];
}

/**
 * Binds parameters that passed their schema to the strategy's factors, each of which must have a weight. A factor of weight 0 is not
 * there: it is neither evaluated nor shown, and neither its history nor its timeframes are asked for.
 */
export function prepareScored(parameters: ScoredParameters, factors: readonly Factor[]): PreparedStrategy {
	const weighted = factors
		.map((factor) => ({ factor, weight: parameters.weights[factor.name] ?? 0 }))
		.filter(({ weight }) => weight > 0);
	const { history, furtherWindows } = needsOf(weighted, parameters.timeframe);
	const readsFunding = weighted.some(({ factor }) => factor.readsFunding === true);
	/** The score does not depend on the bot, so all bots of this version that see the same view share it. */
	const scoredViews = new WeakMap<MarketView, Scored>();

	function scoreOf(view: MarketView): Scored {
		const known = scoredViews.get(view);
		if (known !== undefined) return known;
		const scored = view.candles.close.length < history ? unscored(weighted) : weigh(weighted, view);
		scoredViews.set(view, scored);
		return scored;
	}

	return {
		timeframe: parameters.timeframe,
		history,
		furtherWindows,
		readsFunding,
		maxLots: parameters.max_lots,
		favourableRegimes: parameters.favourable_regimes,
		evaluate(view, position, nowMs) {
			const scored = scoreOf(view);
			const evaluation =
				position === null ? decideEntry(parameters, scored) : decideExit(parameters, scored, position, nowMs);
			// Funding is settled, and missing history filled, without any candle closing: then the next check has to look again.
			if (readsFunding || scored.score === null) return evaluation;
			return { ...evaluation, validUntilMs: validUntil(parameters, evaluation, position) };
		},
	};
}

type Weighted = readonly { readonly factor: Factor; readonly weight: number }[];

/** The candles that the weighted factors look at, by timeframe: the most that any of them asks for. */
function needsOf(weighted: Weighted, own: Timeframe): { history: number; furtherWindows: readonly WindowNeed[] } {
	const most = new Map<Timeframe, number>([[own, 1]]);
	for (const { factor } of weighted) {
		for (const { timeframe, history } of [
			{ timeframe: own, history: factor.history },
			...(factor.furtherWindows ?? []),
		]) {
			most.set(timeframe, Math.max(history, most.get(timeframe) ?? 0));
		}
	}
	const further = [...most].filter(([timeframe]) => timeframe !== own);
	return {
		history: most.get(own) ?? 1,
		furtherWindows: further.map(([timeframe, history]) => ({ timeframe, history })),
	};
}

function unscored(weighted: Weighted): Scored {
	const factors = weighted.map(({ factor, weight }) => {
		return { name: factor.name, value: null, score: null, weight, contribution: null };
	});
	return { score: null, factors };
}

function weigh(weighted: Weighted, view: MarketView): Scored {
	let score: number | null = 0;
	const factors = weighted.map(({ factor, weight }) => {
		const result = factor.evaluate(view);
		const contribution = result.score === null ? null : result.score * weight;
		score = score === null || contribution === null ? null : score + contribution;
		return { name: factor.name, value: result.value, score: result.score, weight, contribution };
	});
	return { score: score === null ? null : Math.max(-1, Math.min(1, score)), factors };
}

/** LONG at or above the entry threshold, else SHORT at or below its negative. */
function decideEntry(parameters: ScoredParameters, scored: Scored): Evaluation {
	const { score } = scored;
	if (score === null) return decision(scored, 'NONE', 'INSUFFICIENT_HISTORY');
	const short = parameters.allow_short && score <= -parameters.entry_threshold;
	const direction = score >= parameters.entry_threshold ? 'LONG' : short ? 'SHORT' : null;
	if (direction === null) return decision(scored, 'NONE', 'BELOW_THRESHOLD');
	return {
		...scored,
		decision: direction,
		reason: 'ENTRY_THRESHOLD',
		stopLossFraction: parameters.stop_loss_fraction,
		takeProfitFraction: parameters.take_profit_fraction,
		trailingStopFraction: parameters.trailing_stop_fraction,
	};
}

/** CLOSE once the score, signed to the position, is at or below the exit threshold, or the time is up; the time needs no score. */
function decideExit(parameters: ScoredParameters, scored: Scored, position: HeldPosition, nowMs: number): Evaluation {
	const { score } = scored;
	const signed = score === null ? null : position.direction === 'LONG' ? score : -score;
	if (signed !== null && signed <= parameters.exit_threshold) return decision(scored, 'CLOSE', 'EXIT_THRESHOLD');
	if (nowMs >= timeExitAt(parameters, position)) return decision(scored, 'CLOSE', 'TIME_EXIT');
	return decision(scored, 'NONE', score === null ? 'INSUFFICIENT_HISTORY' : 'HOLDING');
}

function decision(scored: Scored, what: 'CLOSE' | 'NONE', reason: DecisionReason): Evaluation {
	return { ...scored, decision: what, reason, stopLossFraction: null, takeProfitFraction: null };
}

/** When the position's time is up, epoch ms; Infinity where no time is set. */
function timeExitAt({ max_holding_minutes: limit }: ScoredParameters, { openedAt }: HeldPosition): number {
	return limit === null ? Number.POSITIVE_INFINITY : openedAt + limit * 60_000;
}

/**
 * Time takes part in one way only: a position that is held is closed from its time exit on. A flat bot's answer is the score's
 * alone, and whatever closes a position now closes it later too.
 */
function validUntil(parameters: ScoredParameters, { decision }: Evaluation, position: HeldPosition | null): number {
	return position === null || decision === 'CLOSE' ? Number.POSITIVE_INFINITY : timeExitAt(parameters, position);
}
