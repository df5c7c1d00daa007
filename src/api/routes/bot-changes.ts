/** Bots changed: one by PATCH on the state that was read, many paused or resumed at once. */
import { z } from 'zod';
import { changeBot, lockBot, setBotsStatus, setBotsStrategyVersion } from '../../database/functions/administration.ts';
import { inTransaction } from '../../database/transaction.ts';
import { type BotStatusRow, findBot, strategies } from '../../database/views/bots.ts';
import { findRow } from '../../database/views/define.ts';
import { type BotStatus, intervals } from '../../domain.ts';
import { BotboxError } from '../../errors.ts';
import { mergeParameters, type Parameters } from '../../market/parameters.ts';
import { type DescribedVersion, describeVersion, recordVersion } from '../../market/strategy-versions.ts';
import { shippedStrategies } from '../../strategies/catalogue.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { botTag, ifMatchHeaders, requireMatch } from '../etag.ts';
import { namingParameters } from '../parameter-errors.ts';
import { problemResponses } from '../problems.ts';
import { executionSchema, idParams, idSchema, lineSchema, positiveDecimal } from '../schemas.ts';
import { existingBot } from './bots.ts';
import { rows } from './rows.ts';

const botChange = z
	.strictObject({
		name: lineSchema(100).optional(),
		parameters: z
			.record(z.string(), z.unknown())
			.optional()
			.meta({ description: 'Parameters that change; the bot moves to the version of its strategy that has them' }),
		interval_minutes: z.literal([...intervals]).optional(),
		is_adaptive: z.boolean().optional(),
		sizing: z.enum(['FIXED_NOTIONAL', 'CAPITAL_FRACTION', 'VOLATILITY_TARGET']).optional(),
		sizing_value: positiveDecimal.optional(),
		leverage: z.number().min(1).max(100).optional(),
		max_position_notional: positiveDecimal.nullish().meta({ description: 'null: no limit' }),
		execution: executionSchema.optional(),
	})
	.refine((change) => Object.keys(change).length > 0, 'says nothing to change')
	.meta({ id: 'BotChange' });
type BotChange = z.output<typeof botChange>;

const many = z
	.strictObject({ bot_ids: z.array(idSchema).min(1).max(5_000), reason: lineSchema(200).optional() })
	.meta({ id: 'ManyBots' });
const moved = z
	.object({
		items: z.array(
			z.object({
				bot_id: z.int(),
				status: z.enum(['ACTIVE', 'PAUSED', 'STOPPED']),
				is_changed: z.boolean().meta({ description: 'false: it had this status already' }),
			}),
		),
		missing: z.array(z.int()).meta({ description: 'Bots that there are not' }),
	})
	.meta({ id: 'MovedBots' });

export function addBotChanges(app: ApiServer, context: ApiContext): void {
	app.patch(
		'/bots/:id',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['bots'],
				summary: 'Change a bot; If-Match says on which state the change is based',
				description:
					'A check under way decides with what it was claimed with; what is held or queued already stays as it is. Positions keep their stops.',
				params: idParams,
				headers: ifMatchHeaders,
				body: botChange,
				response: { 200: rows.bot, ...problemResponses },
			},
		},
		async (request, reply) => {
			const { id } = request.params;
			const bot = await change(context, id, request.body, callerOf(request).actor, (current) =>
				requireMatch(request, botTag(current)),
			);
			reply.header('etag', botTag(bot));
			return bot;
		},
	);
	const steer = (verb: string, summary: string, status: BotStatus) => {
		app.post(
			`/bots/${verb}`,
			{
				config: { access: 'operator' },
				schema: { tags: ['bots'], summary, body: many, response: { 200: moved, ...problemResponses } },
			},
			async (request) => {
				const { bot_ids: botIds, reason } = request.body;
				const { actor } = callerOf(request);
				const found = await setBotsStatus(context.pool, { botIds, status, reason, actor, now: context.clock?.() });
				const known = new Set(found.map(({ botId }) => botId));
				return {
					items: found.map((row) => ({
						bot_id: row.botId,
						status: row.status as 'ACTIVE' | 'PAUSED' | 'STOPPED',
						is_changed: row.isChanged,
					})),
					missing: [...new Set(botIds)].filter((id) => !known.has(id)),
				};
			},
		);
	};
	steer('pause', 'Pause up to 5,000 bots at once, all or none', 'PAUSED');
	steer('resume', 'Let up to 5,000 paused or stopped bots go on, all or none', 'ACTIVE');
}

async function change(
	context: ApiContext,
	botId: number,
	wanted: BotChange,
	actor: string,
	check: (current: BotStatusRow) => void,
): Promise<BotStatusRow> {
	const { pool } = context;
	const before = await existingBot(context, botId, 'write');
	check(before);
	// A user's strategy may take its time to answer: before the transaction, since a version never changes.
	const version = wanted.parameters === undefined ? null : await describe(context, before, wanted.parameters);
	return await inTransaction(pool, async (db) => {
		if (!(await lockBot(db, { botId }))) throw new BotboxError('BOT_NOT_FOUND', `there is no bot ${botId}`);
		const current = await existing(findBot(db, botId), botId);
		// Again, now that nobody else can change it.
		check(current);
		const now = context.clock?.();
		if (version !== null) {
			const strategyVersionId = await recordVersion(db, version);
			await setBotsStrategyVersion(db, { botIds: [botId], strategyVersionId, actor, now });
		}
		await changeBot(db, { botId, changes: columnsOf(wanted, current), actor, now });
		return await existing(findBot(db, botId), botId);
	});
}

/** What the body says, as columns of the bot. */
function columnsOf(wanted: BotChange, bot: BotStatusRow): Record<string, unknown> {
	const { parameters: _, interval_minutes: interval, is_adaptive: isAdaptive, ...columns } = wanted;
	if (interval === undefined && isAdaptive === undefined) return columns;
	const minutes = interval ?? bot.adaptive_base_minutes ?? bot.interval_minutes;
	const adapts = isAdaptive ?? bot.adaptive_base_minutes !== null;
	return { ...columns, interval_minutes: minutes, adaptive_base_minutes: adapts ? minutes : null };
}

async function describe(context: ApiContext, bot: BotStatusRow, changes: Parameters): Promise<DescribedVersion> {
	const version = await findRow(context.pool, strategies, { strategy_version_id: bot.strategy_version_id });
	const parameters = mergeParameters((version?.parameters ?? {}) as Parameters, changes);
	return await namingParameters(() =>
		describeVersion(bot.strategy, parameters, context.catalogue ?? shippedStrategies),
	);
}

async function existing(found: Promise<BotStatusRow | null>, botId: number): Promise<BotStatusRow> {
	const bot = await found;
	if (bot === null) throw new BotboxError('BOT_NOT_FOUND', `there is no bot ${botId}`);
	return bot;
}
