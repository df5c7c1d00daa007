/** One account: its limits and their changes, its equity, halted, reduced and resumed. */
import { z } from 'zod';
import {
	lockAccount,
	setAccountLimits,
	setAccountStatus,
	setMarginMode,
} from '../../database/functions/administration.ts';
import { inTransaction } from '../../database/transaction.ts';
import { findRow, listRows } from '../../database/views/define.ts';
import { type AccountRow, accountEquity, accountMargin, accounts } from '../../database/views/execution.ts';
import { BotboxError } from '../../errors.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { ifMatchHeaders, limitsTag, requireMatch } from '../etag.ts';
import { problemResponses } from '../problems.ts';
import { idParams, lineSchema, notNegativeDecimal, pageQuery, pageSchema, positiveDecimal } from '../schemas.ts';
import { rows } from './rows.ts';

const count = z.int().min(0).max(1_000_000);
const share = z.number().min(0).max(1);
const limits = z
	.strictObject({
		max_positions: count.optional(),
		max_correlated_positions: count.optional(),
		correlation_threshold: share.optional(),
		max_instrument_exposure: notNegativeDecimal.nullish(),
		max_total_exposure: notNegativeDecimal.nullish(),
		max_order_notional: notNegativeDecimal.nullish(),
		max_entries_per_minute: count.nullish(),
		max_price_deviation: share.gt(0).nullish(),
		daily_loss_limit: positiveDecimal.nullish(),
		max_drawdown: share.gt(0).nullish(),
		loss_cooldown_minutes: z.int().min(1).max(1_000_000).nullish(),
		max_losing_streak: z.int().min(1).max(1_000_000).nullish(),
	})
	.refine((change) => Object.keys(change).length > 0, 'says nothing to change')
	.meta({ id: 'AccountLimits', description: 'null removes a limit' });

export function addAccounts(app: ApiServer, context: ApiContext): void {
	app.get(
		'/accounts/:id',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['execution'],
				summary: 'One account with its limits and their use',
				params: idParams,
				response: { 200: rows.account, ...problemResponses },
			},
		},
		async (request, reply) => {
			const account = await existingAccount(context.pool, request.params.id);
			reply.header('etag', limitsTag(account));
			return account;
		},
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
			await existingAccount(context.readPool, id);
			const { limit, after } = request.query;
			return await listRows(context.readPool, accountEquity, { limit, after, where: { account_id: id } });
		},
	);
	addLimits(app, context);
	addMarginMode(app, context);
	addSteering(app, context);
}

function addLimits(app: ApiServer, { pool, clock }: ApiContext): void {
	app.patch(
		'/accounts/:id/limits',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['execution'],
				summary: "Change an account's limits; If-Match says on which state the change is based",
				description:
					'Entries are held to them from the next decision on; what is held or queued already stays as it is.',
				params: idParams,
				headers: ifMatchHeaders,
				body: limits,
				response: { 200: rows.account, ...problemResponses },
			},
		},
		async (request, reply) => {
			const { id } = request.params;
			const account = await inTransaction(pool, async (db) => {
				await lockAccount(db, { accountId: id });
				requireMatch(request, limitsTag(await existingAccount(db, id)));
				const { actor } = callerOf(request);
				await setAccountLimits(db, { accountId: id, limits: request.body, actor, now: clock?.() });
				return await existingAccount(db, id);
			});
			reply.header('etag', limitsTag(account));
			return account;
		},
	);
}

function addMarginMode(app: ApiServer, { pool, clock }: ApiContext): void {
	app.post(
		'/accounts/:id/margin-mode',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['execution'],
				summary: 'Set the margin mode of the perpetuals of an account; null leaves it as it is at the exchange',
				description:
					'It is put to the exchange before the next entry into each instrument. Refused while the account holds or enters a perpetual.',
				params: idParams,
				body: z.strictObject({ margin_mode: z.enum(['ISOLATED', 'CROSS']).nullable() }),
				response: { 200: rows.accountMargin, ...problemResponses },
			},
		},
		async (request) => {
			const { id } = request.params;
			const { actor } = callerOf(request);
			const marginMode = request.body.margin_mode;
			const changed = await setMarginMode(pool, { accountId: id, marginMode, actor, now: clock?.() });
			const margin = changed === null ? null : await findRow(pool, accountMargin, { account_id: id });
			if (margin === null) throw unknown(id);
			return margin;
		},
	);
}

function addSteering(app: ApiServer, { pool, clock }: ApiContext): void {
	const steer = (verb: string, summary: string, status: AccountRow['status']) => {
		app.post(
			`/accounts/:id/${verb}`,
			{
				config: { access: 'operator' },
				schema: {
					tags: ['execution'],
					summary,
					params: idParams,
					body: z.strictObject({ reason: lineSchema(200).optional() }).nullish(),
					response: { 200: rows.account, ...problemResponses },
				},
			},
			async (request) => {
				const { id } = request.params;
				const { actor } = callerOf(request);
				const reason = request.body?.reason;
				const after = await setAccountStatus(pool, { accountId: id, status, reason, actor, now: clock?.() });
				if (after === null) throw unknown(id);
				return await existingAccount(pool, id);
			},
		);
	};
	steer('halt', 'Send nothing for an account, not even closes, until it is resumed', 'HALTED');
	steer('reduce', 'Let an account close positions only', 'REDUCING');
	steer('resume', 'Let a halted or reducing account go on; its losses count anew', 'ACTIVE');
}

async function existingAccount(db: Parameters<typeof findRow>[0], accountId: number): Promise<AccountRow> {
	const account = await findRow(db, accounts, { account_id: accountId });
	if (account === null) throw unknown(accountId);
	return account;
}

const unknown = (accountId: number) => new BotboxError('ACCOUNT_NOT_FOUND', `there is no account ${accountId}`);
