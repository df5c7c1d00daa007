/** What the page asks for beyond the lists: what bots can be made of, an account's equity, an alert acknowledged. */
import { z } from 'zod';
import { acknowledgeAlert } from '../../database/functions/guards.ts';
import { findRow, listRows } from '../../database/views/define.ts';
import { accountEquity, accounts } from '../../database/views/execution.ts';
import { alerts } from '../../database/views/operation.ts';
import { BotboxError } from '../../errors.ts';
import { type StrategyInfo, shippedStrategies } from '../../strategies/catalogue.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import { idParams, pageQuery, pageSchema } from '../schemas.ts';
import { rows } from './rows.ts';

const strategy = z
	.object({
		strategy_id: z.string(),
		name: z.string(),
		title: z.string(),
		default_interval_minutes: z.int(),
		legs: z.int(),
		schema: z.unknown().meta({ description: 'JSON schema of the parameters' }),
		defaults: z.unknown().meta({ description: 'null where a parameter has no default' }),
	})
	.meta({ id: 'Strategy' });

export function addPageNeeds(app: ApiServer, context: ApiContext): void {
	app.get(
		'/strategy-catalogue',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['strategies'],
				summary: 'What bots can be made of, with the JSON schema of the parameters',
				response: { 200: z.object({ items: z.array(strategy) }), ...problemResponses },
			},
		},
		async () => ({ items: (await (context.catalogue ?? shippedStrategies).list()).map(described) }),
	);
	app.get(
		'/accounts/:id/equity',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['execution'],
				summary: 'Equity of the account over time, newest first',
				params: idParams,
				querystring: z.strictObject(pageQuery),
				response: { 200: pageSchema(rows.accountEquity), ...problemResponses },
			},
		},
		async (request) => {
			const { id } = request.params;
			if ((await findRow(context.readPool, accounts, { account_id: id })) === null) {
				throw new BotboxError('ACCOUNT_NOT_FOUND', `there is no account ${id}`);
			}
			return await listRows(context.readPool, accountEquity, { ...request.query, where: { account_id: id } });
		},
	);
	app.post(
		'/alerts/:id/acknowledge',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['operation'],
				summary: 'Say that somebody looks after an alert; it stays open until its cause is gone',
				params: idParams,
				response: { 200: rows.alert, ...problemResponses },
			},
		},
		async (request) => {
			const alertId = request.params.id;
			const { actor } = callerOf(request);
			const isKnown = await acknowledgeAlert(context.pool, { alertId, actor, now: context.clock?.() });
			const row = isKnown ? await findRow(context.pool, alerts, { alert_id: alertId }) : null;
			if (row === null) throw new BotboxError('NOT_FOUND', `there is no alert ${alertId}`);
			return row;
		},
	);
}

function described({ id, name, title, defaultInterval, legs, schema, defaults }: StrategyInfo) {
	return { strategy_id: id, name, title, default_interval_minutes: defaultInterval, legs, schema, defaults };
}
