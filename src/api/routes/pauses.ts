/** Pauses of entries: made, and lifted. Positions, their stops and their closes go on. */
import { z } from 'zod';
import { pauseEntries, resumeEntries } from '../../database/functions/guards.ts';
import { databaseTime } from '../../database/installation.ts';
import { findRow } from '../../database/views/define.ts';
import { pauses } from '../../database/views/operation.ts';
import { BotboxError } from '../../errors.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import { idParams, idSchema, lineSchema } from '../schemas.ts';
import { rows } from './rows.ts';

const common = {
	reason: lineSchema(200),
	for_minutes: z
		.number()
		.int()
		.min(1)
		.max(525_600)
		.optional()
		.meta({ description: 'It lifts itself after so many minutes; by default it stays until it is lifted' }),
	cancel_queued: z
		.boolean()
		.optional()
		.meta({ description: 'Cancels entries that wait in the queue, instead of letting their time run out' }),
};
const newPause = z
	.discriminatedUnion('scope', [
		z.strictObject({ scope: z.literal('ALL'), ...common }),
		z.strictObject({ scope: z.literal('EXCHANGE'), exchange_id: lineSchema(50), ...common }),
		z.strictObject({ scope: z.literal('ACCOUNT'), account_id: idSchema, ...common }),
		z.strictObject({ scope: z.literal('BOT'), bot_id: idSchema, ...common }),
	])
	.meta({ id: 'NewPause' });

export function addPauses(app: ApiServer, context: ApiContext): void {
	const { pool } = context;
	app.post(
		'/pauses',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['operation'],
				summary: 'Stop entries of a bot, an account, an exchange or all',
				body: newPause,
				response: { 201: rows.pause, ...problemResponses },
			},
		},
		async (request, reply) => {
			const { scope, reason, for_minutes: minutes, cancel_queued: cancelQueued, ...subject } = request.body;
			const now = context.clock?.() ?? (await databaseTime(pool));
			const pauseId = await pauseEntries(pool, {
				scope,
				reason,
				exchangeId: 'exchange_id' in subject ? subject.exchange_id : null,
				accountId: 'account_id' in subject ? subject.account_id : null,
				botId: 'bot_id' in subject ? subject.bot_id : null,
				liftsAt: minutes === undefined ? null : new Date(now.getTime() + minutes * 60_000),
				cancelQueued,
				actor: callerOf(request).actor,
				now,
			});
			return await reply.code(201).send(await existingPause(context, pauseId));
		},
	);
	app.delete(
		'/pauses/:id',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['operation'],
				summary: 'Lift a pause, with every other one in force of exactly its scope',
				params: idParams,
				response: { 200: rows.pause, ...problemResponses },
			},
		},
		async (request) => {
			const pause = await existingPause(context, request.params.id);
			const lifted = await resumeEntries(pool, {
				scope: pause.scope,
				exchangeId: pause.exchange_id,
				accountId: pause.account_id,
				botId: pause.bot_id,
				actor: callerOf(request).actor,
				now: context.clock?.(),
			});
			if (lifted === 0) throw new BotboxError('TRANSITION_REFUSED', `pause ${pause.pause_id} is not in force any more`);
			return await existingPause(context, pause.pause_id);
		},
	);
}

async function existingPause({ pool }: ApiContext, pauseId: number) {
	const pause = await findRow(pool, pauses, { pause_id: pauseId });
	if (pause === null) throw new BotboxError('NOT_FOUND', `there is no pause ${pauseId}`);
	return pause;
}
