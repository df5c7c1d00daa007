/** One bot: read, create, pause, resume, delete, and what it did. */
import { z } from 'zod';
import { createBot, setBotStatus } from '../../database/functions/administration.ts';
import { inTransaction } from '../../database/transaction.ts';
import {
	type BotStatusRow,
	botPnl,
	botStatus,
	checks,
	findBot,
	intervalChanges,
	signals,
} from '../../database/views/bots.ts';
import { findRow } from '../../database/views/define.ts';
import { accounts, positions, trades } from '../../database/views/execution.ts';
import { instruments } from '../../database/views/market.ts';
import { type BotStatus, type IntervalMinutes, intervals } from '../../domain.ts';
import { BotboxError } from '../../errors.ts';
import {
	type DescribedVersion,
	describeVersion,
	publishStrategies,
	recordVersion,
} from '../../market/strategy-versions.ts';
import { type StrategyCatalogue, shippedStrategies } from '../../strategies/catalogue.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { botTag } from '../etag.ts';
import { namingParameters } from '../parameter-errors.ts';
import { problemResponses } from '../problems.ts';
import { executionSchema, idParams, idSchema, lineSchema, positiveDecimal } from '../schemas.ts';
import { addBotList } from './list-route.ts';
import { rows } from './rows.ts';

const newBot = z
	.strictObject({
		name: lineSchema(100),
		strategy: lineSchema(50).meta({ description: 'Name or id, such as trend_following or ST-003' }),
		parameters: z
			.record(z.string(), z.unknown())
			.default({})
			.meta({ description: "Parameters that differ from the strategy's defaults" }),
		account_id: idSchema,
		instrument_id: idSchema,
		second_instrument_id: idSchema.optional().meta({
			description: 'The perpetual of a strategy of two legs, whose first leg is instrument_id',
		}),
		interval_minutes: z
			.literal([...intervals])
			.optional()
			.meta({ description: "The strategy's own by default" }),
		is_adaptive: z.boolean().default(false).meta({
			description: 'The interval becomes one step shorter in HIGH volatility and one longer in LOW',
		}),
		sizing: z.enum(['FIXED_NOTIONAL', 'CAPITAL_FRACTION', 'VOLATILITY_TARGET']),
		sizing_value: positiveDecimal,
		leverage: z.number().min(1).max(100).default(1),
		max_position_notional: positiveDecimal.nullish().meta({ description: 'Largest position; no limit by default' }),
		execution: executionSchema.default('AUTO'),
	})
	.meta({ id: 'NewBot' });
type NewBot = z.output<typeof newBot>;

const reasonBody = z.strictObject({ reason: lineSchema(200).optional() }).nullish();

const intervalChangesOfBot = {
	url: '/interval-changes',
	summary: "Changes of the bot's interval by volatility, newest first",
	view: intervalChanges,
	row: rows.intervalChange,
};

export function addBots(app: ApiServer, context: ApiContext): void {
	addOneBot(app, context);
	addSteering(app, context);
	const requireBot = (botId: number) => existingBot(context, botId, 'read');
	const lists = [
		{ url: '/checks', summary: "The bot's checks, newest first", view: checks, row: rows.check },
		{ url: '/signals', summary: "The bot's signals, newest first", view: signals, row: rows.signal },
		{ url: '/trades', summary: "The bot's trades, newest first", view: trades, row: rows.trade },
		{ url: '/positions', summary: "The bot's positions, newest first", view: positions, row: rows.position },
	] as const;
	const [ofChecks, ofSignals, ofTrades, ofPositions] = lists;
	addBotList(app, context, { ...ofChecks, tag: 'bots', filters: { kind: 'kind', outcome: 'outcome' } }, requireBot);
	addBotList(app, context, { ...ofSignals, tag: 'bots', filters: { status: 'status' } }, requireBot);
	addBotList(app, context, { ...ofTrades, tag: 'bots', filters: { status: 'status' } }, requireBot);
	addBotList(app, context, { ...ofPositions, tag: 'bots', filters: { status: 'status' } }, requireBot);
	addBotList(app, context, { ...intervalChangesOfBot, tag: 'bots' }, requireBot);
	app.get(
		'/bots/:id/pnl',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['bots'],
				summary: 'Profit and loss of the bot over all its positions',
				params: idParams,
				response: { 200: rows.botPnl, ...problemResponses },
			},
		},
		async (request) => {
			const row = await findRow(context.readPool, botPnl, { bot_id: request.params.id });
			return row ?? refuseUnknownBot(request.params.id);
		},
	);
}

function addOneBot(app: ApiServer, context: ApiContext): void {
	app.get(
		'/bots/:id',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['bots'],
				summary: 'One bot',
				params: idParams,
				response: { 200: rows.bot, ...problemResponses },
			},
		},
		async (request, reply) => {
			// Read where changes are made: a replica that lags would give an ETag that is refused.
			const bot = await existingBot(context, request.params.id, 'write');
			reply.header('etag', botTag(bot));
			return bot;
		},
	);
	app.post(
		'/bots',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['bots'],
				summary: 'Create a bot; it is checked from the next point of its grid on',
				body: newBot,
				response: { 201: rows.bot, ...problemResponses },
			},
		},
		async (request, reply) => {
			const bot = await create(context, request.body, callerOf(request).actor);
			return await reply
				.code(201)
				.header('location', `/api/v1/bots/${bot.bot_id}`)
				.header('etag', botTag(bot))
				.send(bot);
		},
	);
	app.delete(
		'/bots/:id',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['bots'],
				summary: 'Delete a bot for good; its history stays, an open position stays open',
				params: idParams,
				response: { 204: z.null(), ...problemResponses },
			},
		},
		async (request, reply) => {
			const { id } = request.params;
			await existingBot(context, id, 'write');
			await setBotStatus(context.pool, { botId: id, status: 'DELETED', actor: callerOf(request).actor });
			return await reply.code(204).send(null);
		},
	);
}

function addSteering(app: ApiServer, context: ApiContext): void {
	const steer = (verb: string, summary: string, status: BotStatus) => {
		app.post(
			`/bots/:id/${verb}`,
			{
				config: { access: 'operator' },
				schema: {
					tags: ['bots'],
					summary,
					params: idParams,
					body: reasonBody,
					response: { 200: rows.bot, ...problemResponses },
				},
			},
			async (request) => {
				const { id } = request.params;
				const { actor } = callerOf(request);
				await existingBot(context, id, 'write');
				await setBotStatus(context.pool, { botId: id, status, reason: request.body?.reason, actor });
				return await existingBot(context, id, 'write');
			},
		);
	};
	steer('pause', 'Pause a bot: no checks until it is resumed; its position and stops stay', 'PAUSED');
	steer('resume', 'Let a paused or stopped bot go on', 'ACTIVE');
}

/** The bot, or BOT_NOT_FOUND; `write` reads where changes are made, so that it sees them. */
export async function existingBot(context: ApiContext, botId: number, use: 'read' | 'write'): Promise<BotStatusRow> {
	const bot = await findBot(use === 'read' ? context.readPool : context.pool, botId);
	return bot ?? refuseUnknownBot(botId);
}

function refuseUnknownBot(botId: number): never {
	throw new BotboxError('BOT_NOT_FOUND', `there is no bot ${botId}`);
}

async function create(context: ApiContext, wanted: NewBot, actor: string): Promise<BotStatusRow> {
	const version = await describeWanted(context.catalogue ?? shippedStrategies, wanted);
	const { pool } = context;
	const [account, instrument] = await Promise.all([
		findRow(pool, accounts, { account_id: wanted.account_id }),
		findRow(pool, instruments, { instrument_id: wanted.instrument_id }),
	]);
	if (account === null) throw new BotboxError('ACCOUNT_NOT_FOUND', `there is no account ${wanted.account_id}`);
	if (instrument === null) {
		throw new BotboxError('INSTRUMENT_NOT_FOUND', `there is no instrument ${wanted.instrument_id}`);
	}
	const second = wanted.second_instrument_id;
	if (second !== undefined && (await findRow(pool, instruments, { instrument_id: second })) === null) {
		throw new BotboxError('INSTRUMENT_NOT_FOUND', `there is no instrument ${second}`);
	}
	const interval: IntervalMinutes = wanted.interval_minutes ?? version.info.defaultInterval;
	const botId = await inTransaction(pool, async (db) => {
		await publishStrategies(db);
		return await createBot(db, {
			name: wanted.name,
			strategyVersionId: await recordVersion(db, version),
			accountId: wanted.account_id,
			instrumentId: wanted.instrument_id,
			furtherInstrumentIds: second === undefined ? [] : [second],
			intervalMinutes: interval,
			sizing: wanted.sizing,
			sizingValue: wanted.sizing_value,
			leverage: wanted.leverage,
			isAdaptive: wanted.is_adaptive,
			maxPositionNotional: wanted.max_position_notional,
			execution: wanted.execution,
			actor,
			now: context.clock?.(),
		});
	});
	return (await findRow(pool, botStatus, { bot_id: botId })) ?? refuseUnknownBot(botId);
}

async function describeWanted(catalogue: StrategyCatalogue, wanted: NewBot): Promise<DescribedVersion> {
	const strategy = await catalogue.find(wanted.strategy);
	if (strategy === null) throw new BotboxError('STRATEGY_NOT_FOUND', `there is no strategy ${wanted.strategy}`);
	return await namingParameters(() => describeVersion(strategy.name, wanted.parameters, catalogue));
}
