/** The strategies that botbox ships, and the way from a stored name and stored parameters to code. */
import type { z } from 'zod';
import { BotboxError, UsageError } from '../errors.ts';
import { fundingArbitrage } from './funding-arbitrage.ts';
import { grid } from './grid.ts';
import { meanReversion } from './mean-reversion.ts';
import { scalping } from './scalping.ts';
import type { PreparedStrategy, Strategy } from './strategy.ts';
import { trendFollowing } from './trend-following.ts';

/** By catalogue id. */
export const strategies: readonly Strategy[] = [scalping, meanReversion, trendFollowing, grid, fundingArbitrage];

/** The strategy of this catalogue id (`ST-003`) or name (`trend_following`); null when there is none. */
export function findStrategy(idOrName: string): Strategy | null {
	return strategies.find((strategy) => strategy.id === idOrName || strategy.name === idOrName) ?? null;
}

/**
 * Completes `parameters` (a parsed JSON object) with the strategy's defaults: what a strategy version stores.
 * Throws BotboxError STRATEGY_NOT_FOUND, and UsageError that names every wrong field.
 */
export function parseParameters(idOrName: string, parameters: unknown): Readonly<Record<string, unknown>> {
	return parseFor(existing(idOrName), parameters);
}

/**
 * Binds a strategy to `parameters` (a parsed JSON object, complete or not). The same input gives the same behaviour, so callers
 * keep the result per strategy version: bots that share one result share their scores too. Errors as `parseParameters`.
 */
export function prepareStrategy(idOrName: string, parameters: unknown): PreparedStrategy {
	const strategy = existing(idOrName);
	return strategy.prepare(parseFor(strategy, parameters));
}

function existing(idOrName: string): Strategy {
	const strategy = findStrategy(idOrName);
	if (strategy !== null) return strategy;
	const known = strategies.map(({ name }) => name).join(', ');
	throw new BotboxError('STRATEGY_NOT_FOUND', `no strategy is called ${idOrName}; there are ${known}`);
}

/** `parseParameters` of a strategy at hand. */
export function parseFor(strategy: Strategy, parameters: unknown): Readonly<Record<string, unknown>> {
	const parsed = strategy.parameters.safeParse(parameters);
	if (parsed.success) return parsed.data as Readonly<Record<string, unknown>>;
	throw parametersRefused(strategy.name, parsed.error);
}

/** What is wrong with parameters, field by field, in one line; the cause is zod's error. */
export function parametersRefused(name: string, error: z.ZodError): UsageError {
	const issues = error.issues.filter((issue) => !isConsequence(issue, error.issues));
	const unknown = issues.filter(({ code }) => code === 'unrecognized_keys');
	const others = issues.filter(({ code }) => code !== 'unrecognized_keys');
	const text = [...unknown, ...others].flatMap(describeIssue).join('; ');
	return new UsageError(`parameters of ${name}: ${text}`, { cause: error });
}

/** What the fields of an object say together, such as that weights sum to 1, means nothing while one of them is wrong itself. */
function isConsequence({ code, path }: z.core.$ZodIssue, issues: readonly z.core.$ZodIssue[]): boolean {
	if (code !== 'custom' || path.length === 0) return false;
	return issues.some((other) => other.code !== 'custom' && path.every((part, index) => part === other.path[index]));
}

/** One line per wrong field, e.g. `weights.macd: Too small: expected number to be >=0`. */
function describeIssue(issue: z.core.$ZodIssue): string[] {
	const path = issue.path.join('.');
	if (issue.code === 'unrecognized_keys') {
		return issue.keys.map((key) => `${path === '' ? key : `${path}.${key}`}: unknown parameter`);
	}
	return [`${path === '' ? 'parameters' : path}: ${issue.message}`];
}
