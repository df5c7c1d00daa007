/**
 * Strategies of one's own: what a user writes in one file, checked and turned into the contract that botbox's own strategies
 * fulfil. A definition either says what to look at and decides by rules (`needs`, `decide`), or prepares the whole contract itself
 * (`prepare`), as one of weighted factors does with `prepareScored`.
 */
import type { z } from 'zod';
import { type IntervalMinutes, intervals, type RegimeDirection, regimeDirections, type Timeframe } from '../domain.ts';
import { historyOf } from './history.ts';
import type {
	Evaluation,
	HeldPosition,
	IndicatorSpec,
	MarketView,
	PreparedStrategy,
	Strategy,
	WindowNeed,
} from './strategy.ts';

/** Checks `definition` and makes it a strategy; the file's one export. Throws TypeError that names the wrong field. */
export function defineStrategy<S extends ParameterSchema>(definition: RuleDefinition<S>): Strategy<S>;
export function defineStrategy<S extends ParameterSchema>(definition: PreparedDefinition<S>): Strategy<S>;
export function defineStrategy<S extends ParameterSchema>(
	definition: RuleDefinition<S> | PreparedDefinition<S>,
): Strategy<S> {
	assertDescribed(definition);
	const { id, name, title, defaultInterval, legs, parameters } = definition;
	const strategy: Strategy<S> = {
		id,
		name,
		title,
		defaultInterval,
		...(legs === undefined ? {} : { legs }),
		parameters,
		prepare: 'prepare' in definition ? (values) => definition.prepare(values) : (values) => bind(definition, values),
	};
	defined.add(strategy);
	return strategy;
}

/** Whether `value` came from `defineStrategy`, of this very module. */
export function isDefined(value: unknown): value is Strategy {
	return typeof value === 'object' && value !== null && defined.has(value);
}

const defined = new WeakSet<object>();

/** A strict object of JSON values: it is stored and parsed again, and a name that is not in it is refused. */
export type ParameterSchema = z.ZodType<Readonly<Record<string, unknown>>>;

interface Described<S extends ParameterSchema> {
	/** Unique in the installation, e.g. `MY-001`; `ST-` is botbox's own. Never change it: stored versions belong to it. */
	readonly id: string;
	/** Unique too, in snake case, e.g. `channel_breakout`: by this name bots are created. */
	readonly name: string;
	readonly title: string;
	/** How often a bot is checked unless told otherwise, in minutes. */
	readonly defaultInterval: IntervalMinutes;
	/** Instruments that a bot of it trades together; 1 if left out. */
	readonly legs?: 1 | 2;
	/** `z.strictObject({...})`, each field with a default or required of whoever makes a bot. */
	readonly parameters: S;
}

/** Decides by rules of its own. */
export interface RuleDefinition<S extends ParameterSchema> extends Described<S> {
	/** What `decide` looks at: views hold that and nothing else. */
	needs(parameters: z.output<S>): MarketNeeds;
	/** Directions of the market in which entries are let through; all three if left out. */
	readonly favourableRegimes?: readonly RegimeDirection[] | ((parameters: z.output<S>) => readonly RegimeDirection[]);
	/** Entries of one direction that a bot may hold at a time; 1 if left out. */
	readonly maxLots?: number | ((parameters: z.output<S>) => number);
	/**
	 * Called at each check with as many closed candles as were asked for, and only then. Null: nothing to do. `nowMs` is the time of the
	 * check, epoch milliseconds; for what happens at a candle read `view.candles`.
	 */
	decide(
		view: MarketView,
		position: HeldPosition | null,
		parameters: z.output<S>,
		nowMs: number,
	): StrategyDecision | null;
}

/** Prepares the contract of `strategy.ts` itself. */
export interface PreparedDefinition<S extends ParameterSchema> extends Described<S> {
	prepare(parameters: z.output<S>): PreparedStrategy;
}

/** Candles of one timeframe: `candles` of them, and what `indicators` are computed from. */
export interface TimeframeNeeds {
	readonly timeframe: Timeframe;
	/** Every indicator that is asked for, with the same parameters. */
	readonly indicators?: readonly IndicatorSpec[];
	/** Closed candles that are read directly; 1 if left out. */
	readonly candles?: number;
}

export interface MarketNeeds extends TimeframeNeeds {
	/** Longer timeframes of the same instrument. */
	readonly further?: readonly TimeframeNeeds[];
	/** Whether `view.funding` is read. */
	readonly funding?: boolean;
}

interface Explained {
	/** What the decision was made by, shown with the check: name to value. */
	readonly figures?: Readonly<Record<string, number | null>>;
	/** How strongly the rules speak, in [-1, 1]; for people. */
	readonly score?: number | null;
}

/** What `decide` answers. Fractions are of the entry price: 0.02 sets the stop two percent away from it. */
export type StrategyDecision =
	| (Explained & {
			readonly decision: 'LONG' | 'SHORT';
			readonly stopLossFraction?: number | null;
			readonly takeProfitFraction?: number | null;
			/** How far the price may come back from its best since entry. */
			readonly trailingStopFraction?: number | null;
			/** Lots to add, 1 if left out. */
			readonly lots?: number;
	  })
	| (Explained & {
			readonly decision: 'CLOSE';
			/** Lots to close; all of the position if left out. */
			readonly lots?: number;
	  })
	| (Explained & { readonly decision: 'NONE' });

function bind<S extends ParameterSchema>(definition: RuleDefinition<S>, parameters: z.output<S>): PreparedStrategy {
	const needs = definition.needs(parameters);
	const { favourableRegimes = regimeDirections, maxLots = 1 } = definition;
	const history = candlesOf(needs);
	return {
		timeframe: needs.timeframe,
		history,
		furtherWindows: (needs.further ?? []).map((further): WindowNeed => {
			return { timeframe: further.timeframe, history: candlesOf(further) };
		}),
		readsFunding: needs.funding ?? false,
		maxLots: typeof maxLots === 'function' ? maxLots(parameters) : maxLots,
		favourableRegimes: typeof favourableRegimes === 'function' ? favourableRegimes(parameters) : favourableRegimes,
		evaluate(view, position, nowMs) {
			if (view.candles.close.length < history) return toEvaluation(null, 'INSUFFICIENT_HISTORY');
			const decision = definition.decide(view, position, parameters, nowMs);
			const idle = position === null ? 'NO_RULE' : 'HOLDING';
			return toEvaluation(decision, idle);
		},
	};
}

function candlesOf({ timeframe, indicators = [], candles = 1 }: TimeframeNeeds): number {
	return Math.max(candles, historyOf(indicators, timeframe));
}

function toEvaluation(decision: StrategyDecision | null, idle: Evaluation['reason']): Evaluation {
	if (decision !== null) assertAnswered(decision);
	const { decision: what, score = null, figures = {} } = decision ?? { decision: 'NONE' };
	const factors = Object.entries(figures).map(([name, value]) => {
		return { name, value, score: null, weight: 0, contribution: null };
	});
	const evaluation = { score, factors, decision: what, stopLossFraction: null, takeProfitFraction: null };
	if (decision === null || decision.decision === 'NONE') return { ...evaluation, reason: idle };
	const lots = decision.lots ?? null;
	if (decision.decision === 'CLOSE') return { ...evaluation, reason: 'EXIT_RULE', lots };
	return {
		...evaluation,
		reason: 'ENTRY_RULE',
		stopLossFraction: decision.stopLossFraction ?? null,
		takeProfitFraction: decision.takeProfitFraction ?? null,
		trailingStopFraction: decision.trailingStopFraction ?? null,
		lots,
	};
}

function assertAnswered(decision: unknown): void {
	if (typeof decision === 'object' && decision !== null && 'then' in decision)
		throw new TypeError('decide answered with a promise: a strategy decides at once');
	const isDecision = typeof decision === 'object' && decision !== null && 'decision' in decision;
	if (!isDecision) throw new TypeError(`decide must answer with { decision } or null, not ${String(decision)}`);
}

/** JavaScript files, too, define strategies: what the types say is looked at here. */
function assertDescribed(definition: object): void {
	const { id, name, title, defaultInterval, legs, parameters, prepare, needs, decide } = definition as Readonly<
		Record<string, unknown>
	>;
	const require = (isRight: boolean, field: string, expected: string): void => {
		if (!isRight) throw new TypeError(`defineStrategy: ${field} must be ${expected}`);
	};
	const isText = (value: unknown, pattern: RegExp): boolean => typeof value === 'string' && pattern.test(value);
	require(isText(id, /^[A-Za-z][A-Za-z0-9_-]{0,49}$/), 'id', 'letters, digits, - and _, such as MY-001');
	require(isText(name, /^[a-z][a-z0-9_]{0,49}$/), 'name', 'in snake case, such as channel_breakout');
	require(isText(title, /^\S.{0,99}$/), 'title', 'one line of text');
	require(intervals.includes(defaultInterval as IntervalMinutes), 'defaultInterval', `one of ${intervals.join(', ')}`);
	require(legs === undefined || legs === 1 || legs === 2, 'legs', '1 or 2');
	const isSchema = typeof parameters === 'object' && parameters !== null && '_zod' in parameters;
	require(isSchema, 'parameters', 'a zod schema, such as z.strictObject({})');
	if (prepare === undefined) {
		require(typeof needs === 'function', 'needs', 'a function of the parameters');
		require(typeof decide === 'function', 'decide', 'a function of view, position, parameters and time');
	} else {
		require(typeof prepare === 'function', 'prepare', 'a function');
	}
}
