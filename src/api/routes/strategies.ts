/** Strategies: what bots can be made of, their versions compared, their parameters changed. */
import { z } from 'zod';
import { listView } from '../../database/listing.ts';
import { strategies } from '../../database/views/bots.ts';
import { findRow } from '../../database/views/define.ts';
import { BotboxError } from '../../errors.ts';
import { diffParameters, type Parameters } from '../../market/parameters.ts';
import { changeStrategy } from '../../market/strategy-change.ts';
import { type StrategyInfo, shippedStrategies } from '../../strategies/catalogue.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { namingParameters } from '../parameter-errors.ts';
import { problemResponses } from '../problems.ts';
import { idSchema, nameParams } from '../schemas.ts';
import { rows } from './rows.ts';

const strategy = z
	.object({
		strategy_id: z.string(),
		name: z.string(),
		title: z.string(),
		default_interval_minutes: z.int(),
		legs: z.int(),
		file: z.string().nullable().meta({ description: "The user's file; null for those that botbox ships" }),
		schema: z.unknown().meta({ description: 'JSON schema of the parameters' }),
		defaults: z.unknown().meta({ description: 'null where a parameter has no default' }),
	})
	.meta({ id: 'Strategy' });
const difference = z
	.object({
		parameter: z.string().meta({ description: 'Dotted path, such as weights.macd' }),
		before: z.unknown(),
		after: z.unknown(),
	})
	.meta({ id: 'ParameterDifference' });
const strategyChange = z
	.strictObject({
		parameters: z.record(z.string(), z.unknown()).meta({ description: 'The parameters that change' }),
		from_version: z.int().min(1).max(1_000_000).optional().meta({
			description: "The version that is changed; the bots' own, or the defaults, if left out",
		}),
		bot_ids: z.array(idSchema).max(5_000).optional().meta({ description: 'Bots that move to it' }),
		is_for_all: z.boolean().default(false).meta({ description: 'Every bot of the strategy moves to it' }),
	})
	.refine((change) => !(change.is_for_all && change.bot_ids !== undefined), 'takes either bot_ids or is_for_all')
	.meta({ id: 'StrategyChange' });
const changed = z
	.object({
		strategy_version_id: z.int(),
		version: z.int(),
		is_new: z.boolean().meta({ description: 'false: a version with these parameters existed already' }),
		differences: z.array(difference),
		moved: z.array(z.object({ bot_id: z.int(), name: z.string(), from_version: z.int() })),
	})
	.meta({ id: 'ChangedStrategy' });

export function addStrategies(app: ApiServer, context: ApiContext): void {
	const catalogue = context.catalogue ?? shippedStrategies;
	const existing = async (id: string): Promise<StrategyInfo> => {
		const info = await catalogue.find(id);
		if (info === null) throw new BotboxError('STRATEGY_NOT_FOUND', `there is no strategy ${id}`);
		return info;
	};
	app.get(
		'/strategy-catalogue',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['strategies'],
				summary: 'What bots can be made of, with the JSON schema of the parameters',
				response: {
					200: z.object({
						items: z.array(strategy),
						not_loaded: z.array(z.object({ file: z.string(), message: z.string() })),
					}),
					...problemResponses,
				},
			},
		},
		async () => {
			const [all, faults] = await Promise.all([catalogue.list(), catalogue.faults()]);
			return { items: all.map(described), not_loaded: faults.map(({ file, message }) => ({ file, message })) };
		},
	);
	app.get(
		'/strategies/:id',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['strategies'],
				summary: 'One strategy by name or id, with the JSON schema of its parameters',
				params: nameParams,
				response: { 200: strategy, ...problemResponses },
			},
		},
		async (request) => described(await existing(request.params.id)),
	);
	app.get(
		'/strategies/:id/diff',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['strategies'],
				summary: 'Every parameter that differs between two versions, nested ones too',
				params: nameParams,
				querystring: z.strictObject({ from: idSchema, to: idSchema }),
				response: { 200: z.object({ items: z.array(difference) }), ...problemResponses },
			},
		},
		async (request) => {
			const { name } = await existing(request.params.id);
			const { from, to } = request.query;
			const [left, right] = await Promise.all([findVersion(context, name, from), findVersion(context, name, to)]);
			return { items: diffParameters(left, right).map(nullsForNothing) };
		},
	);
	app.get(
		'/strategies/:id/versions/:version',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['strategies'],
				summary: 'One version of a strategy with its parameters',
				params: nameParams.extend({ version: idSchema }),
				response: { 200: rows.strategyVersion, ...problemResponses },
			},
		},
		async (request) => {
			const { name } = await existing(request.params.id);
			return await versionRow(context, name, request.params.version);
		},
	);
	app.post(
		'/strategies/:id/set',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['strategies'],
				summary: 'Change parameters: makes a version if it is new, and moves bots to it from their next check on',
				params: nameParams,
				body: strategyChange,
				response: { 200: changed, ...problemResponses },
			},
		},
		async (request) => {
			const { name } = await existing(request.params.id);
			const { parameters, from_version: fromVersion = null, bot_ids: botIds, is_for_all: isForAll } = request.body;
			const bots =
				isForAll || botIds !== undefined ? await botsOf(context, name, isForAll ? null : (botIds ?? [])) : [];
			const { actor } = callerOf(request);
			const change = await namingParameters(() =>
				changeStrategy(context.pool, catalogue, { strategy: name, parameters, fromVersion, bots, actor }),
			);
			return {
				strategy_version_id: change.strategyVersionId,
				version: change.version,
				is_new: change.isNew,
				differences: change.differences.map(nullsForNothing),
				moved: change.moved.map((bot) => ({ bot_id: bot.botId, name: bot.name, from_version: bot.fromVersion })),
			};
		},
	);
}

const described = (info: StrategyInfo) => ({
	strategy_id: info.id,
	name: info.name,
	title: info.title,
	default_interval_minutes: info.defaultInterval,
	legs: info.legs,
	file: info.file,
	schema: info.schema,
	defaults: info.defaults,
});

/** JSON has no undefined: a side without the parameter says null. */
const nullsForNothing = ({ parameter, before, after }: ReturnType<typeof diffParameters>[number]) => ({
	parameter,
	before: before ?? null,
	after: after ?? null,
});

async function versionRow({ pool }: ApiContext, name: string, version: number) {
	const row = await findRow(pool, strategies, { name, version });
	if (row === null) throw new BotboxError('NOT_FOUND', `${name} has no version ${version}`);
	return row;
}

async function findVersion(context: ApiContext, name: string, version: number): Promise<Parameters> {
	return (await versionRow(context, name, version)).parameters as Parameters;
}

/** Null: all of the strategy. Throws BOT_NOT_FOUND for one that there is not. */
async function botsOf({ pool }: ApiContext, name: string, botIds: readonly number[] | null) {
	if (botIds === null) return await listView(pool, 'bot_status', { where: { strategy: name }, limit: 1_000_000 });
	const found = [];
	for (const botId of botIds) {
		const [bot] = await listView(pool, 'bot_status', { where: { bot_id: botId }, limit: 1 });
		if (bot === undefined) throw new BotboxError('BOT_NOT_FOUND', `there is no bot ${botId}`);
		found.push(bot);
	}
	return found;
}
