/** A change of a strategy's parameters: another immutable version, and the bots that are to use it from their next check on. */
import { setBotsStrategyVersion } from '../database/functions/administration.ts';
import type { Queryable } from '../database/functions/define.ts';
import { listView, type ViewRow } from '../database/listing.ts';
import type { Pool } from '../database/pool.ts';
import { inTransaction } from '../database/transaction.ts';
import { BotboxError, UsageError } from '../errors.ts';
import type { StrategyCatalogue } from '../strategies/catalogue.ts';
import { type Difference, diffParameters, mergeParameters, type Parameters } from './parameters.ts';
import { describeVersion, publishStrategies, recordVersion } from './strategy-versions.ts';

export interface ChangeRequest {
	/** Name of the strategy. */
	readonly strategy: string;
	readonly parameters: Parameters;
	/** The version to change; null: the one that the bots are on, or the defaults where no bots are chosen. */
	readonly fromVersion: number | null;
	/** Rows of `bot_status`. */
	readonly bots: readonly ViewRow[];
	/** As the audit log names who changes it. */
	readonly actor: string;
}

export interface Change {
	readonly strategy: string;
	/** What was changed; null: the defaults. */
	readonly fromVersion: number | null;
	readonly version: number;
	readonly strategyVersionId: number;
	/** False: a version with these parameters existed already. */
	readonly isNew: boolean;
	readonly differences: readonly Difference[];
	readonly moved: readonly { readonly botId: number; readonly name: string; readonly fromVersion: number }[];
}

/** Throws UsageError naming each wrong parameter, and for bots of another strategy or of several versions; then nothing has changed. */
export async function changeStrategy(
	pool: Pool,
	catalogue: StrategyCatalogue,
	request: ChangeRequest,
): Promise<Change> {
	const { strategy, bots } = request;
	const foreign = bots.find((bot) => bot.strategy !== strategy);
	if (foreign !== undefined)
		throw new UsageError(`bot ${foreign.name} is one of ${foreign.strategy}, not of ${strategy}`);
	const fromVersion = request.fromVersion ?? commonVersion(bots);
	const base =
		fromVersion === null
			? await catalogue.parse(strategy, {})
			: parametersOf(await findVersion(pool, strategy, fromVersion));
	const described = await describeVersion(strategy, mergeParameters(base, request.parameters), catalogue);
	return await inTransaction(pool, async (db) => {
		await publishStrategies(db);
		const known = await listView(db, 'strategies', { where: { name: strategy }, limit: 100_000 });
		const id = await recordVersion(db, described);
		const [made] = await listView(db, 'strategies', { where: { strategy_version_id: id }, limit: 1 });
		const moved = await setBotsStrategyVersion(db, {
			botIds: bots.map((bot) => Number(bot.bot_id)),
			strategyVersionId: id,
			actor: request.actor,
		});
		return {
			strategy,
			fromVersion,
			version: Number(made?.version),
			strategyVersionId: id,
			isNew: !known.some((row) => row.strategy_version_id === id),
			differences: diffParameters(base, described.parameters),
			moved: moved.map(({ botId, name, fromVersion: from }) => ({ botId, name, fromVersion: from })),
		};
	});
}

/** The version's row of `strategies`; throws NOT_FOUND. */
export async function findVersion(db: Queryable, strategy: string, version: number): Promise<ViewRow> {
	const [row] = await listView(db, 'strategies', { where: { name: strategy, version }, limit: 1 });
	if (row === undefined) throw new BotboxError('NOT_FOUND', `${strategy} has no version ${version}`);
	return row;
}

export function parametersOf(version: ViewRow): Parameters {
	return version.parameters as unknown as Parameters;
}

function commonVersion(bots: readonly ViewRow[]): number | null {
	const versions = [...new Set(bots.map((bot) => Number(bot.strategy_version)))].sort((a, b) => a - b);
	if (versions.length > 1) {
		throw new UsageError(
			`the chosen bots are on versions ${versions.join(', ')}: say with --from-version which one is to be changed`,
		);
	}
	return versions[0] ?? null;
}
