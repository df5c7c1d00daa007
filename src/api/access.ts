/**
 * Who may do what. Every route states the least role that it needs; a token has one role. On loopback, reading needs no token,
 * so that the page works on a fresh machine; a change needs one everywhere.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TokenRole } from '../database/functions/define.ts';
import { BotboxError } from '../errors.ts';
import { type Caller, isLoopbackAddress } from './caller.ts';
import type { ApiContext } from './context.ts';
import { createDoor } from './door.ts';
import { clearedCookie } from './session-cookie.ts';

/** `open`: anybody, without a token, wherever the server listens. */
export type Access = TokenRole | 'open';

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
	const door = createDoor(context);
	app.addHook('onRequest', async (request, reply) => {
		const access = request.routeOptions.config?.access ?? 'open';
		if (access === 'open') return;
		try {
			request.caller = await door.identify(request, isLoopback);
		} catch (error) {
			// A browser would show a cookie that is refused for ever, and could then not even read.
			const isRefused = error instanceof BotboxError && error.code === 'UNAUTHENTICATED';
			if (isRefused && request.headers.cookie !== undefined) reply.header('set-cookie', clearedCookie());
			throw error;
		}
		const { role, credential } = request.caller;
		if (rank[role] < rank[access]) {
			if (credential === null) throw new BotboxError('UNAUTHENTICATED', `this needs a token of role ${access}`);
			throw new BotboxError('FORBIDDEN', `this needs a token of role ${access}; this one has role ${role}`);
		}
	});
}

/** Routes that plugins make: the page's files and the API's documentation. */
function accessOfPlugin(url: string): Access | null {
	if (url === '/' || url === '/*') return 'open';
	return url === '/docs' || url.startsWith('/docs/') ? 'viewer' : null;
}

/** The caller of a route that is not open. */
export function callerOf(request: FastifyRequest): Caller {
	if (request.caller === null) throw new BotboxError('INTERNAL', 'the route has no caller');
	return request.caller;
}
