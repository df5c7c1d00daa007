/**
 * Who may do what. Every route states the least role that it needs; a token has one role. On loopback, reading needs no token,
 * so that the page works on a fresh machine; a change needs one everywhere.
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { authenticateToken } from '../database/functions/administration.ts';
import type { TokenRole } from '../database/functions/define.ts';
import { BotboxError } from '../errors.ts';
import type { ApiContext } from './context.ts';

/** `open`: anybody, without a token, wherever the server listens. */
export type Access = TokenRole | 'open';

export interface Caller {
	readonly role: TokenRole;
	/** As the audit log names it. */
	readonly actor: string;
}

export interface RouteAccess {
	readonly method: string;
	readonly url: string;
	readonly access: Access;
}

declare module 'fastify' {
	interface FastifyContextConfig {
		/** The least role; a route without one does not register. */
		access?: Access;
	}
	interface FastifyRequest {
		caller: Caller | null;
	}
	interface FastifyInstance {
		/** Every route with its access, for the tests that hold tables and documents against them. */
		routeTable: readonly RouteAccess[];
	}
}

const rank: Readonly<Record<TokenRole, number>> = { viewer: 1, operator: 2, admin: 3 };

/** Decorates requests with their caller and refuses those that may not pass; registers before any route. */
export function addAccess(app: FastifyInstance, context: ApiContext): void {
	const isLoopback = isLoopbackAddress(context.config.host);
	const routes: RouteAccess[] = [];
	app.decorate('routeTable', routes);
	app.decorateRequest('caller', null);
	app.addHook('onRoute', (route) => {
		const access = route.config?.access ?? accessOfPlugin(route.url);
		if (access === null) throw new Error(`route ${String(route.method)} ${route.url} states no access`);
		route.config = { ...route.config, access };
		for (const method of [route.method].flat()) routes.push({ method, url: route.url, access });
	});
	app.addHook('onRequest', async (request) => {
		const access = request.routeOptions.config?.access ?? 'open';
		if (access === 'open') return;
		request.caller = await identify(request, context, isLoopback);
		if (rank[request.caller.role] < rank[access]) {
			if (request.headers.authorization === undefined) {
				throw new BotboxError('UNAUTHENTICATED', `this needs a token of role ${access}`);
			}
			throw new BotboxError(
				'FORBIDDEN',
				`this needs a token of role ${access}; this one has role ${request.caller.role}`,
			);
		}
	});
}

/** Routes that plugins make: the page's files and the API's documentation. */
function accessOfPlugin(url: string): Access | null {
	if (url === '/' || url === '/*') return 'open';
	return url === '/docs' || url.startsWith('/docs/') ? 'viewer' : null;
}

async function identify(request: FastifyRequest, context: ApiContext, isLoopback: boolean): Promise<Caller> {
	const header = request.headers.authorization;
	if (header === undefined) {
		if (isLoopback && request.method === 'GET' && isLocalHost(request.headers.host, context.config.host)) {
			return { role: 'viewer', actor: 'local' };
		}
		throw new BotboxError('UNAUTHENTICATED', 'send Authorization: Bearer with a token of botbox tokens create');
	}
	const token = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header)?.[1];
	if (token === undefined) throw new BotboxError('UNAUTHENTICATED', 'expected Authorization: Bearer <token>');
	const [found] = await authenticateToken(context.pool, { tokenHash: hashToken(token) });
	if (found === undefined) throw new BotboxError('UNAUTHENTICATED', 'the token is unknown, expired or revoked');
	return { role: found.role, actor: `token:${found.name}` };
}

export function hashToken(token: string): Buffer {
	return createHash('sha256').update(token).digest();
}

/** The caller of a route that is not open. */
export function callerOf(request: FastifyRequest): Caller {
	if (request.caller === null) throw new BotboxError('INTERNAL', 'the route has no caller');
	return request.caller;
}

export function isLoopbackAddress(host: string): boolean {
	return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** A page of another site that resolves its own name to 127.0.0.1 (DNS rebinding) still sends that name as Host. */
function isLocalHost(header: string | undefined, ownHost: string): boolean {
	const match = /^(\[[0-9a-f:]+\]|[^:[\]]+)(:\d{1,5})?$/i.exec(header ?? '');
	const name = match?.[1]?.toLowerCase().replace(/^\[|\]$/g, '');
	return name !== undefined && ['localhost', '127.0.0.1', '::1', ownHost].includes(name);
}
