/**
 * Idempotency-Key on POST: a request that comes again under its key is not done again, it gets the answer of the first time.
 * A client that lost the answer to "create a bot" or "pause everything" may therefore simply send it again.
 *
 * The key is taken before the change and the answer kept after it. A process that dies in between leaves a key without an
 * answer, which is refused from then on rather than done twice.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { beginRequest, finishRequest } from '../database/functions/access.ts';
import { BotboxError, errorMessage } from '../errors.ts';
import { callerOf } from './access.ts';
import type { ApiContext, ApiServer } from './context.ts';

declare module 'fastify' {
	interface FastifyContextConfig {
		/** Its answer holds a secret, which is not to be stored. */
		keepsNoAnswer?: boolean;
	}
	interface FastifyRequest {
		/** Taken by this request, and to be given its answer. */
		idempotencyKey: string | null;
	}
}

export function addIdempotency(app: ApiServer, context: ApiContext): void {
	app.decorateRequest('idempotencyKey', null);
	app.addHook('preHandler', async (request, reply) => await begin(context, request, reply));
	app.addHook('onSend', async (request, reply, payload) => {
		if (request.idempotencyKey === null) return;
		try {
			await finishRequest(context.pool, {
				actor: callerOf(request).account,
				idempotencyKey: request.idempotencyKey,
				status: reply.statusCode,
				location: reply.getHeader('location')?.toString(),
				body: typeof payload === 'string' ? payload : null,
				now: context.clock?.(),
			});
		} catch (error) {
			// What was asked for is done: the caller is to have the answer all the same.
			context.log.warn({ request: request.id, error: errorMessage(error) }, 'an answer could not be kept');
		}
	});
}

async function begin(context: ApiContext, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
	const key = request.headers['idempotency-key'];
	if (key === undefined || request.method !== 'POST') return;
	if (typeof key !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(key)) {
		throw refusal('Idempotency-Key', 'expected 1 to 200 printable characters');
	}
	if (request.routeOptions.config?.keepsNoAnswer === true) {
		throw refusal('Idempotency-Key', 'is not taken here: the answer holds a secret and is not kept');
	}
	const [found] = await beginRequest(context.pool, {
		actor: callerOf(request).account,
		idempotencyKey: key,
		requestHash: createHash('sha256')
			.update(`${request.url}\n${JSON.stringify(request.body ?? null)}`)
			.digest(),
		now: context.clock?.(),
	});
	switch (found?.state) {
		case 'NEW':
			request.idempotencyKey = key;
			return;
		case 'FINISHED':
			return await replay(reply, found.status ?? 200, found.location, found.body);
		case 'OTHER':
			throw new BotboxError('IDEMPOTENCY_KEY_REUSED', 'this Idempotency-Key was used for another request');
		default:
			throw new BotboxError('REQUEST_UNDER_WAY', 'the first request with this Idempotency-Key has no answer yet');
	}
}

function replay(reply: FastifyReply, status: number, location: string | null, body: string | null): FastifyReply {
	if (location !== null) reply.header('location', location);
	const type = status >= 400 ? 'application/problem+json' : 'application/json';
	return reply
		.code(status)
		.header('idempotency-replayed', 'true')
		.header('content-type', `${type}; charset=utf-8`)
		.serializer((kept: string) => kept)
		.send(body ?? '');
}

function refusal(field: string, message: string): BotboxError {
	return new BotboxError('VALIDATION_FAILED', `${field}: ${message}`, { details: { errors: [{ field, message }] } });
}
