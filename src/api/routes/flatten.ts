/** Flattening by the API: asked for, not waited for; positions and trades show how far it has come. */
import { z } from 'zod';
import { flattenPositions } from '../../database/functions/trades.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import { idSchema, lineSchema } from '../schemas.ts';

const reason = lineSchema(200);
const newFlatten = z
	.discriminatedUnion('scope', [
		z.strictObject({ scope: z.literal('ALL'), reason }),
		z.strictObject({ scope: z.literal('EXCHANGE'), exchange_id: lineSchema(50), reason }),
		z.strictObject({ scope: z.literal('ACCOUNT'), account_id: idSchema, reason }),
		z.strictObject({ scope: z.literal('BOT'), bot_id: idSchema, reason }),
	])
	.meta({ id: 'NewFlatten' });
const flattened = z
	.object({
		items: z.array(
			z.object({
				kind: z.enum(['ENTRY', 'POSITION']),
				bot_id: z.int(),
				account_id: z.int(),
				symbol: z.string(),
				position_id: z.int().nullable(),
				trade_id: z.string().nullable(),
				outcome: z.enum(['CANCELLED', 'SETTLING', 'QUEUED', 'CLOSING', 'WRITTEN_OFF', 'REFUSED']),
				reason_code: z.string().nullable(),
			}),
		),
	})
	.meta({ id: 'Flattened' });

export function addFlatten(app: ApiServer, { pool, clock }: ApiContext): void {
	app.post(
		'/flatten',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['operation'],
				summary:
					'Pause entries, cancel those that wait and queue a close of every position of a bot, an account, an exchange or all',
				body: newFlatten,
				response: { 202: flattened, ...problemResponses },
			},
		},
		async (request, reply) => {
			const { scope, reason, ...subject } = request.body;
			const rows = await flattenPositions(pool, {
				scope,
				reason,
				exchangeId: 'exchange_id' in subject ? subject.exchange_id : null,
				accountId: 'account_id' in subject ? subject.account_id : null,
				botId: 'bot_id' in subject ? subject.bot_id : null,
				actor: callerOf(request).actor,
				now: clock?.(),
			});
			const items = rows.map((row) => ({
				kind: row.kind as 'ENTRY' | 'POSITION',
				bot_id: row.botId,
				account_id: row.accountId,
				symbol: row.symbol,
				position_id: row.positionId,
				trade_id: row.tradeId,
				outcome: row.outcome as z.output<typeof flattened>['items'][number]['outcome'],
				reason_code: row.reasonCode,
			}));
			return await reply.code(202).send({ items });
		},
	);
}
