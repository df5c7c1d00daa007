/** Breakers opened and reset, alerts acknowledged, tokens made and revoked. */
import { z } from 'zod';
import { createToken, revokeToken } from '../../database/functions/administration.ts';
import { acknowledgeAlert, openBreaker, resetBreaker } from '../../database/functions/guards.ts';
import { databaseTime } from '../../database/installation.ts';
import { alerts, apiTokens } from '../../database/views/operation.ts';
import { BotboxError } from '../../errors.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { hashToken } from '../door.ts';
import { problemResponses } from '../problems.ts';
import { idParams, lineSchema, nameParams, rowShape } from '../schemas.ts';
import { newSecret } from '../session-cookie.ts';
import { existingRow } from './one-route.ts';
import { rows } from './rows.ts';

const minutes = z.int().min(1).max(525_600);
const newToken = z
	.strictObject({
		name: lineSchema(100).meta({ description: 'Whose or what it is for; the audit log names it' }),
		role: z.enum(['viewer', 'operator', 'admin']),
		for_minutes: minutes.optional().meta({ description: 'It expires after so many minutes; never by default' }),
	})
	.meta({ id: 'NewToken' });
const madeToken = z
	.object({ ...rowShape(apiTokens), token: z.string().meta({ description: 'Shown once; only its hash is kept' }) })
	.meta({ id: 'MadeToken' });
const breaker = z
	.object({ exchange_id: z.string(), breaker_state: z.enum(['CLOSED', 'OPEN', 'HALF_OPEN']) })
	.meta({ id: 'Breaker' });

export function addOperation(app: ApiServer, context: ApiContext): void {
	addBreaker(app, context);
	addTokens(app, context);
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
			const { id } = request.params;
			const { actor } = callerOf(request);
			const isKnown = await acknowledgeAlert(context.pool, { alertId: id, actor, now: context.clock?.() });
			if (!isKnown) throw new BotboxError('NOT_FOUND', `there is no alert ${id}`);
			return await existingRow(context, { view: alerts, key: 'alert_id', name: 'alert' }, id);
		},
	);
}

function addBreaker(app: ApiServer, { pool, clock }: ApiContext): void {
	const unknown = (id: string) => new BotboxError('NOT_FOUND', `there is no exchange ${id}`);
	app.post(
		'/exchanges/:id/breaker/open',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['market'],
				summary: 'Ask and send nothing at an exchange until its breaker is reset or its time is over',
				params: nameParams,
				body: z.strictObject({
					reason: lineSchema(200),
					for_minutes: minutes.optional().meta({ description: 'It is probed after so many minutes' }),
				}),
				response: { 200: breaker, ...problemResponses },
			},
		},
		async (request) => {
			const { reason, for_minutes: life } = request.body;
			const { id } = request.params;
			const now = clock?.() ?? (await databaseTime(pool));
			const until = life === undefined ? null : new Date(now.getTime() + life * 60_000);
			const { actor } = callerOf(request);
			const state = await openBreaker(pool, { exchangeId: id, reason, until, actor, now });
			if (state === null) throw unknown(id);
			return { exchange_id: id, breaker_state: state };
		},
	);
	app.post(
		'/exchanges/:id/breaker/reset',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['market'],
				summary: 'Close a breaker at once, whoever opened it',
				params: nameParams,
				response: { 200: breaker, ...problemResponses },
			},
		},
		async (request) => {
			const { id } = request.params;
			const { actor } = callerOf(request);
			if ((await resetBreaker(pool, { exchangeId: id, actor, now: clock?.() })) === null) throw unknown(id);
			return { exchange_id: id, breaker_state: 'CLOSED' as const };
		},
	);
}

function addTokens(app: ApiServer, context: ApiContext): void {
	const { pool, clock } = context;
	const token = { view: apiTokens, key: 'token_id', name: 'token' } as const;
	app.post(
		'/tokens',
		{
			config: { access: 'admin', keepsNoAnswer: true },
			schema: {
				tags: ['operation'],
				summary: 'Make a token; it is shown once, only its hash is kept',
				body: newToken,
				response: { 201: madeToken, ...problemResponses },
			},
		},
		async (request, reply) => {
			const { name, role, for_minutes: life } = request.body;
			const now = clock?.() ?? (await databaseTime(pool));
			const secret = `bb_${newSecret()}`;
			const id = await createToken(pool, {
				name,
				role,
				tokenHash: hashToken(secret),
				expiresAt: life === undefined ? null : new Date(now.getTime() + life * 60_000),
				actor: callerOf(request).actor,
				now,
			});
			return await reply.code(201).send({ ...(await existingRow(context, token, id)), token: secret });
		},
	);
	app.delete(
		'/tokens/:id',
		{
			config: { access: 'admin' },
			schema: {
				tags: ['operation'],
				summary: 'Revoke a token at once, with the sessions and event streams that it opened',
				params: idParams,
				response: { 200: rows.token, ...problemResponses },
			},
		},
		async (request) => {
			const { id } = request.params;
			const row = await existingRow(context, token, id);
			if (!(await revokeToken(pool, { tokenId: id, actor: callerOf(request).actor, now: clock?.() }))) {
				throw new BotboxError('TRANSITION_REFUSED', `token ${row.token_id} is revoked already`);
			}
			return await existingRow(context, token, id);
		},
	);
}
