/**
 * Who somebody is: by a token in `Authorization`, by the cookie of a session, or, reading on this machine, by nothing. Both are
 * looked up at every request, so that a revocation counts from the next one on.
 */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { authenticateSession, recordTokenUse } from '../database/functions/access.ts';
import { authenticateToken } from '../database/functions/administration.ts';
import { BotboxError } from '../errors.ts';
import { type Caller, type Credential, isLoopbackAddress } from './caller.ts';
import type { ApiContext } from './context.ts';
import { requireOwnPage, sessionSecret } from './session-cookie.ts';

export interface Door {
	/** Throws UNAUTHENTICATED, FORBIDDEN for a change by cookie that is not from our own page, RATE_LIMITED for one who guesses. */
	identify(request: FastifyRequest, isLoopback: boolean): Promise<Caller>;
}

/** Wrong tokens of one address within a minute; a token has 256 bits, so this only keeps the noise down. */
const failuresPerMinute = 60;
const rememberedAddresses = 10_000;
const minuteMs = 60_000;

export function createDoor(context: ApiContext): Door {
	const failures = new Map<string, { count: number; until: number }>();
	const usedAt = new Map<number, number>();

	const fail = (request: FastifyRequest, message: string): never => {
		const now = performance.now();
		const known = failures.get(request.ip);
		const current = known === undefined || known.until < now ? { count: 0, until: now + minuteMs } : known;
		current.count += 1;
		if (failures.size >= rememberedAddresses) failures.clear();
		failures.set(request.ip, current);
		if (current.count > failuresPerMinute) {
			throw new BotboxError('RATE_LIMITED', 'too many wrong tokens from this address: ask again in a minute');
		}
		throw new BotboxError('UNAUTHENTICATED', message);
	};

	const byToken = async (request: FastifyRequest, header: string): Promise<Caller> => {
		const token = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header)?.[1];
		if (token === undefined) return fail(request, 'expected Authorization: Bearer <token>');
		const credential: Credential = { kind: 'token', hash: hashToken(token) };
		const [found] = await authenticateToken(context.pool, { tokenHash: credential.hash, now: context.clock?.() });
		if (found === undefined) return fail(request, 'the token is unknown, expired or revoked');
		noteUse(found.tokenId);
		return { role: found.role, actor: `token:${found.name}`, account: `token ${found.tokenId}`, credential };
	};

	/** Not waited for: that a token was used is worth no request's time. */
	const noteUse = (tokenId: number): void => {
		const now = performance.now();
		if (now - (usedAt.get(tokenId) ?? Number.NEGATIVE_INFINITY) < minuteMs) return;
		usedAt.set(tokenId, now);
		void recordTokenUse(context.pool, { tokenId, now: context.clock?.() }).catch(() => usedAt.delete(tokenId));
	};

	const bySession = async (request: FastifyRequest, secret: string): Promise<Caller> => {
		const credential: Credential = { kind: 'session', hash: hashToken(secret) };
		const [found] = await authenticateSession(context.pool, { sessionHash: credential.hash, now: context.clock?.() });
		if (found === undefined) return fail(request, 'the session is over: log in again');
		requireOwnPage(request, secret);
		const account = `session ${credential.hash.toString('hex', 0, 8)}`;
		return { role: found.role, actor: found.actor, account, credential };
	};

	return {
		identify: async (request, isLoopback) => {
			const header = request.headers.authorization;
			if (header !== undefined) return await byToken(request, header);
			const secret = sessionSecret(request.headers.cookie);
			if (secret !== null) return await bySession(request, secret);
			if (isLoopback && request.method === 'GET' && isLocalHost(request.headers.host, context.config.host)) {
				return { role: 'viewer', actor: 'local', account: `address ${request.ip}`, credential: null };
			}
			throw new BotboxError('UNAUTHENTICATED', 'send Authorization: Bearer with a token of botbox tokens create');
		},
	};
}

/** Whether what was shown at the door would still open it. */
export async function isStillValid(context: ApiContext, { kind, hash }: Credential): Promise<boolean> {
	const now = context.clock?.();
	const found =
		kind === 'token'
			? await authenticateToken(context.pool, { tokenHash: hash, now })
			: await authenticateSession(context.pool, { sessionHash: hash, now });
	return found.length > 0;
}

export function hashToken(token: string): Buffer {
	return createHash('sha256').update(token).digest();
}

/** A page of another site that resolves its own name to 127.0.0.1 (DNS rebinding) still sends that name as Host. */
function isLocalHost(header: string | undefined, ownHost: string): boolean {
	const match = /^(\[[0-9a-f:]+\]|[^:[\]]+)(:\d{1,5})?$/i.exec(header ?? '');
	const name = match?.[1]?.toLowerCase().replace(/^\[|\]$/g, '');
	return name !== undefined && (isLoopbackAddress(name) || name === ownHost);
}
