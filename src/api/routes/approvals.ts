/** A person's word on the entries of bots that ask before they enter: approved, or rejected. */
import { z } from 'zod';
import { approveTrade, rejectTrade } from '../../database/functions/trades.ts';
import { approvals } from '../../database/views/execution.ts';
import { BotboxError } from '../../errors.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import { lineSchema, uuidParams } from '../schemas.ts';
import { addList } from './list-route.ts';
import { existingRow } from './one-route.ts';
import { rows } from './rows.ts';

const tag = 'execution';
const approval = { view: approvals, key: 'trade_id', name: 'trade that a person is asked about' } as const;

export function addApprovals(app: ApiServer, context: ApiContext): void {
	const { pool, clock } = context;
	addList(app, context, {
		url: '/approvals',
		tag,
		summary: 'Entries of bots that ask before they enter, and what a person said, newest first',
		view: approvals,
		row: rows.approval,
		filters: { bot_id: 'bot_id', account: 'account', exchange: 'exchange_id', state: 'state' },
	});
	app.post(
		'/trades/:id/approve',
		{
			config: { access: 'operator' },
			schema: {
				tags: [tag],
				summary: 'Let a waiting entry be sent, with the other leg of its pair',
				description:
					'Until its time to live is over. Account, pauses, breaker and price are looked at again when it is sent: an approval overrides none of them.',
				params: uuidParams,
				body: z.strictObject({ reason: lineSchema(200).optional() }).nullish(),
				response: { 200: rows.approval, ...problemResponses },
			},
		},
		async (request) => {
			const { id } = request.params;
			const { actor } = callerOf(request);
			const count = await approveTrade(pool, { tradeId: id, actor, reason: request.body?.reason, now: clock?.() });
			if (count === null) throw unknown(id);
			return await existingRow(context, approval, id);
		},
	);
	app.post(
		'/trades/:id/reject',
		{
			config: { access: 'operator' },
			schema: {
				tags: [tag],
				summary: 'Refuse a waiting entry, with the other leg of its pair; its capital is free again',
				description: 'Also after an approval, as long as nothing may have been sent.',
				params: uuidParams,
				body: z.strictObject({ reason: lineSchema(200) }),
				response: { 200: rows.approval, ...problemResponses },
			},
		},
		async (request) => {
			const { id } = request.params;
			const { actor } = callerOf(request);
			const count = await rejectTrade(pool, { tradeId: id, actor, reason: request.body.reason, now: clock?.() });
			if (count === null) throw unknown(id);
			return await existingRow(context, approval, id);
		},
	);
}

const unknown = (id: string) => new BotboxError('NOT_FOUND', `there is no trade ${id} that a person is asked about`);
