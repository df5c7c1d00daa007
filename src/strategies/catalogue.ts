/** What there is to make bots of: botbox's own strategies, and, where a folder of them is configured, the user's. */
import { z } from 'zod';
import type { IntervalMinutes, RegimeDirection, Timeframe } from '../domain.ts';
import { findStrategy, parseParameters, prepareStrategy, strategies } from './registry.ts';
import type { Evaluation, HeldPosition, MarketView, PreparedStrategy, Strategy, WindowNeed } from './strategy.ts';

/** A strategy as people and tables see it. */
export interface StrategyInfo {
	readonly id: string;
	readonly name: string;
	readonly title: string;
	readonly defaultInterval: IntervalMinutes;
	readonly legs: 1 | 2;
	/** The file that a user wrote; null for those that botbox ships. */
	readonly file: string | null;
	/** JSON schema of the parameters. */
	readonly schema: Readonly<Record<string, unknown>>;
	/** Null where a parameter has no default: whoever makes a bot has to say it. */
	readonly defaults: Readonly<Record<string, unknown>> | null;
}

/** What a strategy with given parameters asks of the pipeline. */
export interface StrategyDescription {
	readonly timeframe: Timeframe;
	readonly history: number;
	readonly furtherWindows: readonly WindowNeed[];
	readonly readsFunding: boolean;
	readonly maxLots: number;
	readonly favourableRegimes: readonly RegimeDirection[];
}

/** A strategy whose code does not run in this thread. */
export interface StrategyElsewhere {
	readonly description: StrategyDescription;
	evaluate(view: MarketView, position: HeldPosition | null, nowMs: number): Promise<Evaluation>;
}

/** A file from which no strategy came, and why. */
export interface StrategyFault {
	readonly file: string;
	readonly message: string;
}

export interface StrategyCatalogue {
	list(): Promise<readonly StrategyInfo[]>;
	faults(): Promise<readonly StrategyFault[]>;
	/** By id or name; null when there is none. */
	find(idOrName: string): Promise<StrategyInfo | null>;
	/** The parameters, completed with defaults. Throws STRATEGY_NOT_FOUND, and UsageError that names every wrong field. */
	parse(idOrName: string, parameters: unknown): Promise<Readonly<Record<string, unknown>>>;
	/** Of parameters that were parsed; the same errors. */
	describe(idOrName: string, parameters: unknown): Promise<StrategyDescription>;
}

/** Botbox's own strategies, without any of a user's. */
export const shippedStrategies: StrategyCatalogue = {
	list: async () => strategies.map((strategy) => infoOf(strategy)),
	faults: async () => [],
	find: async (idOrName) => {
		const strategy = findStrategy(idOrName);
		return strategy === null ? null : infoOf(strategy, null);
	},
	parse: async (idOrName, parameters) => parseParameters(idOrName, parameters),
	describe: async (idOrName, parameters) => describePrepared(prepareStrategy(idOrName, parameters)),
};

/** `file` is the name of the user's file that it came from. */
export function infoOf(strategy: Strategy, file: string | null = null): StrategyInfo {
	const defaults = strategy.parameters.safeParse({});
	return {
		id: strategy.id,
		name: strategy.name,
		title: strategy.title,
		defaultInterval: strategy.defaultInterval,
		legs: strategy.legs ?? 1,
		file,
		schema: z.toJSONSchema(strategy.parameters, { unrepresentable: 'any', io: 'input' }),
		defaults: defaults.success ? (defaults.data as Readonly<Record<string, unknown>>) : null,
	};
}

export function describePrepared(prepared: PreparedStrategy): StrategyDescription {
	return {
		timeframe: prepared.timeframe,
		history: prepared.history,
		furtherWindows: prepared.furtherWindows ?? [],
		readsFunding: prepared.readsFunding ?? false,
		maxLots: prepared.maxLots,
		favourableRegimes: prepared.favourableRegimes,
	};
}
