/**
 * The HTTP of ccxt clients, so that what happened on the wire is known as facts, not guessed from messages: whether a
 * failed request can have reached the exchange, which status and code came back, and what the headers say.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { z } from 'zod';
import { errorMessage } from '../errors.ts';
import { ExchangeNotAvailable, NetworkError, RequestTimeout } from './ccxt.ts';
import type { Redact } from './credentials.ts';
import { startDeadline } from './deadline.ts';

export interface CallFacts {
	/** NOT_SENT: no connection came about. LOST: it did, and no whole answer came. ANSWERED: the exchange answered. */
	readonly phase: 'NOT_SENT' | 'LOST' | 'ANSWERED';
	readonly status: number | undefined;
	readonly header: (name: string) => string | undefined;
	/** The exchange's own code and words, of an answer that is an error. */
	readonly code: string | undefined;
	readonly message: string | undefined;
}

/** Leave of the limiter and the breaker for one call. */
export interface Grant {
	readonly isProbe: boolean;
	readonly consecutiveFailures: number;
	/** performance.now() after which the grant has lapsed. */
	readonly lapsesAt: number;
}

/** What a call leaves behind: written by the transport, read by the gate and the caller. */
export interface CallTrace {
	/** The exchange's time when the (last) request was handed to the network, epoch ms; absent: nothing was sent. */
	sentAt?: number;
	facts?: CallFacts;
	/** A grant that the caller holds already; the next request uses it up. */
	grant?: Grant;
	/** Its requests may take the tokens that are kept for closes, stops and unknown orders. */
	readonly isUrgent?: boolean;
}

export const callTrace = new AsyncLocalStorage<CallTrace>();

const factsByError = new WeakMap<object, CallFacts>();

/** What is known of the call that failed with this error; undefined if nothing was sent. */
export function factsOf(error: unknown): CallFacts | undefined {
	return typeof error === 'object' && error !== null ? factsByError.get(error) : undefined;
}

/** The part of a ccxt client that turns an answer into data or an error. */
export interface AnswerReader {
	handleRestResponse(response: unknown, url: string, method: string, headers: unknown, body: unknown): unknown;
}

export interface TransportOptions {
	readonly timeoutMs: number;
	readonly exchangeTime: () => number;
	readonly redact: Redact;
}

export async function sendRequest(
	reader: AnswerReader,
	options: TransportOptions,
	url: string,
	method: string,
	headers: Record<string, string> | undefined,
	body: string | undefined,
): Promise<unknown> {
	const trace = callTrace.getStore();
	if (trace !== undefined) trace.sentAt = options.exchangeTime();
	const place = `${method} ${new URL(url).pathname}`;
	const { response, text } = await fetchAnswer(url, method, headers, body, place, options.timeoutMs).catch(
		(error: unknown) => {
			const facts = factsOf(error);
			if (trace !== undefined && facts !== undefined) trace.facts = facts;
			throw error;
		},
	);
	const header = (name: string): string | undefined => response.headers.get(name) ?? undefined;
	const answered = { phase: 'ANSWERED', status: response.status, header } as const;
	if (trace !== undefined) trace.facts = { ...answered, code: undefined, message: undefined };
	try {
		const answer = {
			status: response.status,
			statusText: response.statusText,
			headers: response.headers,
			text: async () => text,
		};
		const result = await reader.handleRestResponse(answer, url, method, headers, body);
		// Not every status is known to ccxt as an error, and a page that is not JSON would pass as data.
		if (!response.ok || typeof result === 'string')
			throw new ExchangeNotAvailable(`${place}: HTTP ${response.status} ${text.slice(0, 200)}`);
		return result;
	} catch (error) {
		const facts = { ...answered, ...readRefusal(text) };
		if (trace !== undefined) trace.facts = facts;
		if (error instanceof Error) {
			error.message = options.redact(error.message).slice(0, 500);
			error.stack = options.redact(error.stack ?? '');
			factsByError.set(error, facts);
		}
		throw error;
	}
}

async function fetchAnswer(
	url: string,
	method: string,
	headers: Record<string, string> | undefined,
	body: string | undefined,
	place: string,
	timeoutMs: number,
): Promise<{ response: Response; text: string }> {
	const expiry = new AbortController();
	const { signal } = expiry;
	const stop = startDeadline(timeoutMs, () => expiry.abort());
	try {
		const response = await fetch(url, {
			method,
			headers: headers ?? {},
			body: body ?? null,
			redirect: 'manual',
			signal,
		});
		return { response, text: await response.text() };
	} catch (error) {
		const code = networkCode(error);
		const phase = code !== undefined && neverConnected.has(code) ? 'NOT_SENT' : 'LOST';
		const failure = signal.aborted
			? new RequestTimeout(`${place}: no answer within ${timeoutMs} ms`)
			: new NetworkError(`${place}: ${code ?? errorMessage(error)}`);
		factsByError.set(failure, {
			phase,
			status: undefined,
			header: () => undefined,
			code: undefined,
			message: undefined,
		});
		throw failure;
	} finally {
		stop();
	}
}

/** Codes of Node and its HTTP client that mean: no connection came about, so no byte of the request left. */
const neverConnected: ReadonlySet<string> = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'EHOSTUNREACH',
	'ENETUNREACH',
	'EADDRNOTAVAIL',
	'UND_ERR_CONNECT_TIMEOUT',
	'CERT_HAS_EXPIRED',
	'DEPTH_ZERO_SELF_SIGNED_CERT',
	'SELF_SIGNED_CERT_IN_CHAIN',
	'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
	'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** fetch() wraps the cause, and several addresses tried give an AggregateError of causes. */
function networkCode(error: unknown): string | undefined {
	if (!(error instanceof Error)) return undefined;
	if ('code' in error && typeof error.code === 'string') return error.code;
	if (error instanceof AggregateError) return networkCode(error.errors[0]);
	return networkCode(error.cause);
}

const refusalShape = z
	.object({
		retCode: z.coerce.string().optional(),
		retMsg: z.string().optional(),
		code: z.coerce.string().optional(),
		msg: z.string().optional(),
	})
	.transform(({ retCode, retMsg, code, msg }) => ({ code: retCode ?? code, message: retMsg ?? msg }));

/** Code and words of a refusal as Bybit (retCode, retMsg) or Binance (code, msg) write it. */
function readRefusal(text: string): Pick<CallFacts, 'code' | 'message'> {
	try {
		const parsed = refusalShape.safeParse(JSON.parse(text));
		if (parsed.success) return parsed.data;
	} catch {
		// Not JSON: a page of a gateway on the way.
	}
	return { code: undefined, message: undefined };
}
