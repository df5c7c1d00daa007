/** What goes to a strategy's thread and what comes back: plain data, copied, and parsed on the side that must not believe it. */
import { z } from 'zod';
import { intervals, type Regime, regimeDirections, timeframes } from '../domain.ts';
import type { StrategyDescription, StrategyInfo } from '../strategies/catalogue.ts';
import type { CandleWindow, DecisionReason, Evaluation, FundingRates, HeldPosition } from '../strategies/strategy.ts';

/** What a thread is started with. */
export interface ThreadData {
	/** Absolute path: relative imports start from it. */
	readonly path: string;
	/** Its text as it was first read: a thread that replaces another runs the same code, whatever the file says by then. */
	readonly source: string;
}

export type Request =
	| { readonly kind: 'parse'; readonly parameters: unknown }
	| { readonly kind: 'describe'; readonly parameters: unknown }
	| { readonly kind: 'evaluate'; readonly check: CheckData };

/** One check: the parameters, and a copy of everything that the strategy may see. */
export interface CheckData {
	readonly parameters: unknown;
	readonly main: MarketData;
	readonly regime: Regime | null;
	readonly funding: FundingRates | null;
	readonly further: readonly MarketData[];
	readonly legs: readonly { readonly market: MarketData; readonly funding: FundingRates | null }[];
	readonly position: HeldPosition | null;
	readonly nowMs: number;
}

export type MarketData = CandleWindow;

/** Answers carry the number of their request; 0 says that the thread runs, 1 what the file that it loaded is. */
export const answerSchema = z.union([
	z.object({ id: z.int(), ok: z.literal(true), value: z.unknown() }),
	z.object({
		id: z.int(),
		ok: z.literal(false),
		message: z.string(),
		/** Of parameters that were refused. */
		issues: z.array(z.custom<z.core.$ZodIssue>((issue) => typeof issue === 'object' && issue !== null)).optional(),
	}),
]);
export type Answer = z.output<typeof answerSchema>;

const json = z.record(z.string(), z.unknown());

export const infoSchema: z.ZodType<StrategyInfo> = z.object({
	id: z.string(),
	name: z.string(),
	title: z.string(),
	defaultInterval: z.literal([...intervals]),
	legs: z.literal([1, 2]),
	file: z.string().nullable(),
	schema: json,
	defaults: json.nullable(),
});

export const parametersSchema = json;

const need = z.object({ timeframe: z.enum(timeframes), history: z.int().min(1).max(5_000) });

export const descriptionSchema: z.ZodType<StrategyDescription> = need.extend({
	furtherWindows: z.array(need).max(5),
	readsFunding: z.boolean(),
	maxLots: z.int().min(1),
	favourableRegimes: z.array(z.enum(regimeDirections)),
});

/** More factors, or longer names, than anybody reads are a mistake; a thread sends no more than these. */
export const maxFactors = 64;
export const maxNameLength = 100;

const figure = z.number().nullable();

/** A record, so that the compiler misses a reason that is not here. */
const reasons: Readonly<Record<DecisionReason, true>> = {
	ENTRY_THRESHOLD: true,
	EXIT_THRESHOLD: true,
	TIME_EXIT: true,
	GRID_ENTRY: true,
	GRID_EXIT: true,
	GRID_OUT_OF_RANGE: true,
	FUNDING_ENTRY: true,
	FUNDING_EXIT: true,
	ENTRY_RULE: true,
	EXIT_RULE: true,
	NO_RULE: true,
	BELOW_THRESHOLD: true,
	HOLDING: true,
	INSUFFICIENT_HISTORY: true,
};

export const evaluationSchema: z.ZodType<Evaluation> = z.object({
	score: figure,
	factors: z
		.array(
			z.object({
				name: z.string().min(1).max(maxNameLength),
				value: figure,
				score: figure,
				weight: z.number(),
				contribution: figure,
			}),
		)
		.max(maxFactors),
	decision: z.enum(['NONE', 'LONG', 'SHORT', 'CLOSE']),
	reason: z.enum(Object.keys(reasons) as DecisionReason[]),
	stopLossFraction: figure,
	takeProfitFraction: figure,
	trailingStopFraction: figure.default(null),
	lots: figure.default(null),
	// Left out: it is asked at every check.
	validUntilMs: z.union([z.number(), z.literal(Number.POSITIVE_INFINITY)]).default(0),
});

/** The value as `schema` has it; throws TypeError that names the first wrong field. */
export function parseAnswer<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
	const parsed = schema.safeParse(value);
	if (parsed.success) return parsed.data;
	const [issue] = parsed.error.issues;
	throw new TypeError(`${what}${issue?.path.map((part) => `.${String(part)}`).join('') ?? ''}: ${issue?.message}`);
}
