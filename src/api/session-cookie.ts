/**
 * The cookie of a session, and what keeps pages of other sites from using it. The cookie is HttpOnly and SameSite=Strict; a
 * change by cookie must also carry `X-CSRF-Token`, which follows from the cookie and which only our own page can ask for, and
 * must not name another site as its origin.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { BotboxError } from '../errors.ts';

const name = 'botbox_session';

/** 32 random bytes as text. */
export function newSecret(): string {
	return randomBytes(32).toString('base64url');
}

/** The session's secret from a `Cookie` header; null where there is none that could be ours. */
export function sessionSecret(header: string | undefined): string | null {
	for (const part of (header ?? '').split(';')) {
		const [key, value = ''] = part.trim().split('=', 2);
		if (key === name) return /^[\w-]{1,100}$/.test(value) ? value : 'not one of ours';
	}
	return null;
}

export function sessionCookie(request: FastifyRequest, secret: string, expiresAt: Date): string {
	// Over plain HTTP on this machine a Secure cookie would never come back.
	const isSecure = request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https';
	return `${name}=${secret}; Path=/; HttpOnly; SameSite=Strict; Expires=${expiresAt.toUTCString()}${isSecure ? '; Secure' : ''}`;
}

export function clearedCookie(): string {
	return `${name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`;
}

export function csrfToken(secret: string): string {
	return createHmac('sha256', secret).update('csrf').digest('base64url');
}

/** Throws FORBIDDEN for a change that our own page did not send. */
export function requireOwnPage(request: FastifyRequest, secret: string): void {
	if (request.method === 'GET' || request.method === 'HEAD') return;
	const { origin, host } = request.headers;
	const given = Buffer.from(String(request.headers['x-csrf-token'] ?? ''));
	const expected = Buffer.from(csrfToken(secret));
	const isOwn = given.length === expected.length && timingSafeEqual(given, expected);
	const isSameSite = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
	if (isOwn && isSameSite) return;
	throw new BotboxError('FORBIDDEN', 'a change by cookie needs X-CSRF-Token, as GET /api/v1/session gives it');
}
