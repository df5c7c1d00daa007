/** What may be raised, where alerts are sent, and a test of that way. */
import { alertChannels, alertRules } from '../../database/views/alerting.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import { idParams } from '../schemas.ts';
import { addList } from './list-route.ts';
import { existingRow } from './one-route.ts';
import { rows } from './rows.ts';

export function addAlerting(app: ApiServer, context: ApiContext): void {
	addList(app, context, {
		url: '/alert-rules',
		tag: 'operation',
		summary: 'Every alert that may be raised, with its threshold',
		view: alertRules,
		row: rows.alertRule,
	});
	addList(app, context, {
		url: '/alert-channels',
		tag: 'operation',
		summary: 'Where alerts are sent and whether they arrive, never the secrets',
		view: alertChannels,
		row: rows.alertChannel,
	});
	app.post(
		'/alert-channels/:id/test',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['operation'],
				summary: 'Have a test message sent to a channel, the way alerts go',
				description:
					'A worker sends it within seconds, once. The channel then has a newer last_delivered_at, or a newer last_failed_at with its last_error.',
				params: idParams,
				response: { 202: rows.alertChannel, ...problemResponses },
			},
		},
		async (request, reply) => {
			const { id } = request.params;
			const channel = await existingRow(context, { view: alertChannels, key: 'channel_id', name: 'channel' }, id);
			await context.jobs.requestChannelTest(id);
			return await reply.code(202).send(channel);
		},
	);
}
