/** A browser's session: opened by a token or the code of a login link, looked at, closed. */
import { z } from 'zod';
import { closeSession, openSession } from '../../database/functions/access.ts';
import { BotboxError } from '../../errors.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { hashToken } from '../door.ts';
import { problemResponses } from '../problems.ts';
import { clearedCookie, csrfToken, newSecret, sessionCookie, sessionSecret } from '../session-cookie.ts';

const secret = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'expected up to 200 printable characters');
const newSession = z
	.union([z.strictObject({ token: secret }), z.strictObject({ login_code: secret })], {
		error: 'expected either token or login_code',
	})
	.meta({ id: 'NewSession' });
const session = z
	.object({
		role: z.enum(['viewer', 'operator', 'admin']),
		actor: z.string().meta({ description: 'As the audit log names it; `local` without a login on loopback' }),
		csrf_token: z
			.string()
			.nullable()
			.meta({ description: 'Goes into X-CSRF-Token with every change by cookie; null without a session' }),
	})
	.meta({ id: 'Session' });

export function addSession(app: ApiServer, { pool, clock }: ApiContext): void {
	app.post(
		'/session',
		{
			config: { access: 'open', keepsNoAnswer: true },
			schema: {
				tags: ['operation'],
				summary: 'Log a browser in with a token or the code of a login link; answers with a cookie',
				body: newSession,
				response: { 201: session, ...problemResponses },
			},
		},
		async (request, reply) => {
			const made = newSecret();
			const [opened] = await openSession(pool, {
				sessionHash: hashToken(made),
				...('token' in request.body
					? { tokenHash: hashToken(request.body.token) }
					: { codeHash: hashToken(request.body.login_code) }),
				now: clock?.(),
			});
			if (opened === undefined) {
				throw new BotboxError(
					'UNAUTHENTICATED',
					'token' in request.body
						? 'the token is unknown, expired or revoked'
						: 'the login link was used already or is too old',
				);
			}
			return await reply
				.code(201)
				.header('set-cookie', sessionCookie(request, made, opened.expiresAt))
				.send({ role: opened.role, actor: opened.actor, csrf_token: csrfToken(made) });
		},
	);
	app.get(
		'/session',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['operation'],
				summary: 'Who is asking, with which role',
				response: { 200: session, ...problemResponses },
			},
		},
		async (request) => {
			const { role, actor, credential } = callerOf(request);
			const known = credential?.kind === 'session' ? sessionSecret(request.headers.cookie) : null;
			return { role, actor, csrf_token: known === null ? null : csrfToken(known) };
		},
	);
	app.delete(
		'/session',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['operation'],
				summary: 'Log the browser out',
				response: { 204: z.null(), ...problemResponses },
			},
		},
		async (request, reply) => {
			const { credential, actor } = callerOf(request);
			if (credential?.kind !== 'session') throw new BotboxError('NOT_FOUND', 'there is no session to close');
			await closeSession(pool, { sessionHash: credential.hash, actor, now: clock?.() });
			return await reply.code(204).header('set-cookie', clearedCookie()).send(null);
		},
	);
}
