/**
 * The wire: reads a request, lets faults and limits strike, authenticates, dispatches, writes the journal, answers. Each
 * request is handled in one synchronous step between its last byte and its answer, so that requests never interleave.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError } from '../api-error.ts';
import type { Exchange } from '../exchange.ts';
import type { Fault } from '../state/entities.ts';
import { accountRoutes } from './account-routes.ts';
import type { KeyGrant, Limits } from './limits.ts';
import { marketRoutes } from './market-routes.ts';
import { orderRoutes } from './order-routes.ts';
import { positionRoutes } from './position-routes.ts';
import type { Route } from './route.ts';
import { authenticate } from './sign.ts';
import { answerSim } from './sim-routes.ts';

const routes: ReadonlyMap<string, Route> = new Map(
	[...marketRoutes, ...orderRoutes, ...positionRoutes, ...accountRoutes].map((route) => [
		`${route.method} ${route.path}`,
		route,
	]),
);
const mostBodyBytes = 1_000_000;

interface Request {
	readonly method: string;
	readonly path: string;
	/** Raw query of a GET, raw body of a POST: what is signed. */
	readonly payload: string;
	readonly input: unknown;
	readonly message: IncomingMessage;
}

interface Answer {
	readonly status: number;
	readonly body: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly type?: string;
}

export function makeServer(exchange: Exchange, limits: Limits): Server {
	const server = createServer((message, response) => {
		serve(exchange, limits, message, response).catch((error: unknown) => {
			// The client went away while it was still sending: nobody waits for an answer.
			if (message.destroyed && !message.complete) return;
			// A defect of the simulator must be seen, and must not look like an answer of the exchange.
			console.error('simulator:', error);
			response.destroy();
		});
	});
	server.keepAliveTimeout = 60_000;
	return server;
}

async function serve(
	exchange: Exchange,
	limits: Limits,
	message: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	const request = await readRequest(message);
	if (request instanceof ApiError) return send(response, refuse(request, exchange.clock()));
	if (request.path.startsWith('/_sim/')) return send(response, handleSim(exchange, limits, request));
	const now = exchange.clock();
	const ip = message.socket.remoteAddress ?? '';
	if (!limits.admitIp(ip, request.path, now)) return send(response, forbidden());
	const apiKey = String(message.headers['x-bapi-api-key'] ?? '');
	const fault = exchange.faults.forRequest(request.path, apiKey, request.input);
	if (fault?.kind === 'slow') await delay(fault.ms ?? 0);
	if (fault?.kind === 'ip_ban') limits.ban(ip, now, 'fault');
	const struck = strikeBefore(fault, now);
	// The strike is written down before it shows.
	exchange.store.commit();
	if (struck === 'silence') return;
	if (struck === 'drop') return void message.socket.destroy();
	if (struck !== undefined) return send(response, struck);
	const skewMs = fault?.kind === 'clock_skew' ? (fault.ms ?? 0) : 0;
	const answer = handle(exchange, limits, request, skewMs);
	if (fault?.kind === 'timeout_after_accept') return;
	if (fault?.kind === 'drop_connection') return void message.socket.destroy();
	send(response, answer);
}

/** What a fault does before the request is looked at; undefined: it goes on. */
function strikeBefore(fault: Fault | undefined, now: number): Answer | 'silence' | 'drop' | undefined {
	switch (fault?.kind) {
		case 'timeout_before_accept':
			return 'silence';
		case 'drop_connection':
			return fault.after === true ? undefined : 'drop';
		case 'ip_ban':
			return forbidden();
		case 'http_5xx':
			return { status: fault.status ?? 502, body: '<html><body>Bad Gateway</body></html>', type: 'text/html' };
		case 'maintenance':
			return refuse(new ApiError(10016, 'Service is restarting. Please try again later.', 503), now);
		case 'rate_limited': {
			const grant = { allowed: false, limit: 10, left: 0, resetAt: now + 1000 };
			return { ...refuse(tooMany(), now), headers: limitHeaders(grant) };
		}
		default:
			return undefined;
	}
}

function handle(exchange: Exchange, limits: Limits, request: Request, skewMs: number): Answer {
	const now = exchange.clock();
	const serverTime = now + skewMs;
	let headers: Readonly<Record<string, string>> = {};
	try {
		const route = routes.get(`${request.method} ${request.path}`);
		if (route === undefined) throw new ApiError(10017, 'Route not found.', 404);
		exchange.matchUntil(now);
		let result: object;
		if (route.access === 'public') {
			result = route.handle({
				venue: exchange,
				input: request.input,
				now: route.path === '/v5/market/time' ? serverTime : now,
			});
		} else {
			const account = authenticate(exchange.store.accounts, request.message.headers, request.payload, serverTime);
			const grant = limits.admitKey(account.apiKey, route.path, route.limit, categoryOf(request.input), now);
			headers = limitHeaders(grant);
			if (!grant.allowed) throw tooMany();
			result = route.handle({ venue: exchange, account, input: request.input, now });
		}
		exchange.store.commit();
		return { ...accept(result, serverTime), headers };
	} catch (error) {
		if (!(error instanceof ApiError)) throw error;
		// Matching may have moved things before the refusal.
		exchange.store.commit();
		return { ...refuse(error, serverTime), headers };
	}
}

function handleSim(exchange: Exchange, limits: Limits, request: Request): Answer {
	exchange.matchUntil(exchange.clock());
	try {
		const result = answerSim(exchange, limits, request.method, request.path, request.input);
		exchange.store.commit();
		if (result === undefined)
			return { status: 404, body: JSON.stringify({ error: `no ${request.method} ${request.path}` }) };
		return { status: 200, body: JSON.stringify(result) };
	} catch (error) {
		exchange.store.commit();
		if (!(error instanceof ApiError)) throw error;
		return { status: 400, body: JSON.stringify({ error: error.message }) };
	}
}

async function readRequest(message: IncomingMessage): Promise<Request | ApiError> {
	const chunks: Buffer[] = [];
	let size = 0;
	for await (const chunk of message) {
		size += (chunk as Buffer).length;
		if (size > mostBodyBytes) return new ApiError(10001, 'The request body is too large.', 413);
		chunks.push(chunk as Buffer);
	}
	const url = message.url ?? '/';
	const at = url.indexOf('?');
	const path = at < 0 ? url : url.slice(0, at);
	const query = at < 0 ? '' : url.slice(at + 1);
	const method = message.method ?? 'GET';
	if (method !== 'POST')
		return { method, path, payload: query, input: Object.fromEntries(new URLSearchParams(query)), message };
	const body = Buffer.concat(chunks).toString('utf8');
	try {
		return { method, path, payload: body, input: body === '' ? {} : JSON.parse(body), message };
	} catch {
		return new ApiError(10001, 'The request body is not JSON.', 400);
	}
}

function categoryOf(input: unknown): string {
	return typeof input === 'object' && input !== null && 'category' in input ? String(input.category) : '';
}

function tooMany(): ApiError {
	return new ApiError(10006, 'Too many visits. Exceeded the API Rate Limit.');
}

function forbidden(): Answer {
	return { status: 403, body: '403, access too frequent', type: 'text/plain' };
}

function limitHeaders(grant: KeyGrant): Record<string, string> {
	return {
		'X-Bapi-Limit': String(grant.limit),
		'X-Bapi-Limit-Status': String(grant.left),
		'X-Bapi-Limit-Reset-Timestamp': String(grant.resetAt),
	};
}

function accept(result: object, time: number): Answer {
	return { status: 200, body: JSON.stringify({ retCode: 0, retMsg: 'OK', result, retExtInfo: {}, time }) };
}

function refuse(error: ApiError, time: number): Answer {
	const body = { retCode: error.code, retMsg: error.message, result: {}, retExtInfo: {}, time };
	return { status: error.httpStatus, body: JSON.stringify(body) };
}

function send(response: ServerResponse, answer: Answer): void {
	response.writeHead(answer.status, {
		'Content-Type': answer.type ?? 'application/json; charset=utf-8',
		'Content-Length': Buffer.byteLength(answer.body),
		...answer.headers,
	});
	response.end(answer.body);
}
