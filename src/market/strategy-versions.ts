/** From a strategy's code and parameters to the immutable version that bots point to. */

import { recordStrategies, recordStrategyVersion } from '../database/functions/administration.ts';
import type { Queryable } from '../database/functions/define.ts';
import { UsageError } from '../errors.ts';
import { findStrategy, parseParameters, prepareStrategy, strategies } from '../strategies/registry.ts';
import { regimeHistory } from './regime.ts';

/** Writes the code's registry of strategies into the database; needed before versions are recorded. */
export async function publishStrategies(db: Queryable): Promise<void> {
	await recordStrategies(db, {
		strategies: strategies.map(({ id, name, title, defaultInterval }) => ({
			id,
			name,
			title,
			default_interval_minutes: defaultInterval,
		})),
	});
}

/**
 * The id of the version of this strategy with these parameters (completed with defaults), made if it is new.
 * Throws UsageError naming each wrong parameter, STRATEGY_NOT_FOUND for an unknown name.
 */
export async function ensureStrategyVersion(db: Queryable, name: string, parameters: unknown): Promise<number> {
	const complete = parseParameters(name, parameters);
	const prepared = prepareStrategy(name, complete);
	const strategy = findStrategy(name);
	if (strategy === null) throw new UsageError(`no strategy is called ${name}`);
	return await recordStrategyVersion(db, {
		strategyId: strategy.id,
		parameters: complete,
		timeframe: prepared.timeframe,
		// Enough candles for the factors and for the regime that validation asks for.
		history: Math.max(prepared.history, regimeHistory),
		favourableRegimes: prepared.favourableRegimes,
		maxLots: prepared.maxLots,
		furtherWindows: prepared.furtherWindows ?? [],
		legs: strategy.legs ?? 1,
	});
}
