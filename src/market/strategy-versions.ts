/** From a strategy's code and parameters to the immutable version that bots point to. */

import { recordStrategies, recordStrategyVersion } from '../database/functions/administration.ts';
import type { Queryable } from '../database/functions/define.ts';
import { BotboxError } from '../errors.ts';
import {
	type StrategyCatalogue,
	type StrategyDescription,
	type StrategyFault,
	type StrategyInfo,
	shippedStrategies,
} from '../strategies/catalogue.ts';
import { regimeHistory } from './regime.ts';

/**
 * Writes the catalogue's strategies into the database; needed before versions are recorded. A user's strategy that the database
 * refuses, since another one has had its name, is answered and the others are written. Not in a transaction if there are users' ones.
 */
export async function publishStrategies(
	db: Queryable,
	catalogue: StrategyCatalogue = shippedStrategies,
): Promise<StrategyFault[]> {
	const all = await catalogue.list();
	await publish(
		db,
		all.filter(({ file }) => file === null),
	);
	const faults: StrategyFault[] = [];
	for (const info of all) {
		if (info.file === null) continue;
		try {
			await publish(db, [info]);
		} catch (error) {
			if (!(error instanceof Error && 'code' in error && error.code === '23505')) throw error;
			faults.push({ file: info.file, message: `its name ${info.name} belongs to a strategy of another id` });
		}
	}
	return faults;
}

async function publish(db: Queryable, strategies: readonly StrategyInfo[]): Promise<void> {
	await recordStrategies(db, {
		strategies: strategies.map(({ id, name, title, defaultInterval }) => ({
			id,
			name,
			title,
			default_interval_minutes: defaultInterval,
		})),
	});
}

/** A strategy with complete parameters, ready to be recorded. */
export interface DescribedVersion {
	readonly info: StrategyInfo;
	readonly parameters: Readonly<Record<string, unknown>>;
	readonly description: StrategyDescription;
}

/**
 * Completes the parameters and asks what the strategy needs with them: a user's code may take its time, so this comes before any
 * transaction. Throws UsageError naming each wrong parameter, STRATEGY_NOT_FOUND for an unknown name.
 */
export async function describeVersion(
	name: string,
	parameters: unknown,
	catalogue: StrategyCatalogue = shippedStrategies,
): Promise<DescribedVersion> {
	const complete = await catalogue.parse(name, parameters);
	const description = await catalogue.describe(name, complete);
	const info = await catalogue.find(name);
	if (info === null) throw new BotboxError('STRATEGY_NOT_FOUND', `no strategy is called ${name}`);
	return { info, parameters: complete, description };
}

/** The id of the version, made if it is new. */
export async function recordVersion(db: Queryable, version: DescribedVersion): Promise<number> {
	const { info, parameters, description } = version;
	if (info.file !== null) await publish(db, [info]);
	return await recordStrategyVersion(db, {
		strategyId: info.id,
		parameters,
		timeframe: description.timeframe,
		// Enough candles for the factors and for the regime that validation asks for.
		history: Math.max(description.history, regimeHistory),
		favourableRegimes: description.favourableRegimes,
		maxLots: description.maxLots,
		furtherWindows: description.furtherWindows,
		legs: info.legs,
	});
}

/** Both at once; the same errors. */
export async function ensureStrategyVersion(
	db: Queryable,
	name: string,
	parameters: unknown,
	catalogue: StrategyCatalogue = shippedStrategies,
): Promise<number> {
	return await recordVersion(db, await describeVersion(name, parameters, catalogue));
}
