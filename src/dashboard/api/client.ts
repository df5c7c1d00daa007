/** Calls of the public API. Every refusal arrives as an ApiError that a person can read. */
import { csrfHeader } from './session.ts';

/** Longer than any list takes; a request that is still out then is of no more use. */
const timeoutMs = 15_000;

export class ApiError extends Error {
	override readonly name = 'ApiError';
	/** HTTP status, or 0 where the API could not be reached. */
	readonly status: number;
	/** The problem's registered code, where the answer was a problem document. */
	readonly code: string | null;
	/** What is wrong with each field of the request, where it was that. */
	readonly fields: readonly FieldProblem[];
	/** No answer came in time; what was asked for may still be done. */
	readonly isLate: boolean;

	constructor(
		status: number,
		code: string | null,
		message: string,
		fields: readonly FieldProblem[] = [],
		isLate = false,
	) {
		super(message);
		this.status = status;
		this.code = code;
		this.fields = fields;
		this.isLate = isLate;
	}
}

export interface FieldProblem {
	/** As a path: `parameters.weights.momentum`. */
	readonly field: string;
	readonly message: string;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export function getJson<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
	return call<T>('GET', path, { query, signal });
}

/** Carries an Idempotency-Key: where the connection broke it is sent once more, and done once whatever became of the first. */
export async function postJson<T>(path: string, body?: unknown): Promise<T> {
	const options = { body, idempotencyKey: newKey() };
	try {
		return await call<T>('POST', path, options);
	} catch (error) {
		if (!(error instanceof ApiError) || error.status !== 0 || error.isLate) throw error;
		return await call<T>('POST', path, options);
	}
}

/** 128 random bits; randomUUID is there on secure origins only, and a page within a network need not be one. */
function newKey(): string {
	return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** One thing with the ETag of its configuration, for a change that is based on it. */
export async function getTagged<T>(path: string, signal?: AbortSignal): Promise<{ body: T; etag: string }> {
	const { body, etag } = await exchange<T>('GET', path, { signal });
	return { body, etag: etag ?? '' };
}

/** Refused with 412 where what `etag` names is not any more what is stored. */
export function patchJson<T>(path: string, body: unknown, etag: string): Promise<T> {
	return call<T>('PATCH', path, { body, ifMatch: etag });
}

export function deleteJson<T>(path: string): Promise<T> {
	return call<T>('DELETE', path, {});
}

interface Options {
	readonly query?: Query;
	readonly body?: unknown;
	readonly signal?: AbortSignal | undefined;
	readonly ifMatch?: string;
	readonly idempotencyKey?: string;
}

async function call<T>(method: string, path: string, options: Options): Promise<T> {
	return (await exchange<T>(method, path, options)).body;
}

async function exchange<T>(
	method: string,
	path: string,
	{ query = {}, body, signal, ifMatch, idempotencyKey }: Options,
): Promise<{ readonly body: T; readonly etag: string | null }> {
	const url = new URL(path.startsWith('/') ? path : `/api/v1/${path}`, document.baseURI);
	for (const [name, value] of Object.entries(query)) {
		if (value !== undefined) url.searchParams.set(name, String(value));
	}
	const headers: Record<string, string> = { accept: 'application/json' };
	if (method !== 'GET') Object.assign(headers, csrfHeader());
	if (ifMatch !== undefined) headers['if-match'] = ifMatch;
	if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
	if (body !== undefined) headers['content-type'] = 'application/json';
	const timeout = AbortSignal.timeout(timeoutMs);
	let response: Response;
	try {
		response = await fetch(url, {
			method,
			headers,
			signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
	} catch (error) {
		if (signal?.aborted) throw error;
		if (timeout.aborted) throw new ApiError(0, null, 'The API did not answer in time.', [], true);
		throw new ApiError(0, null, 'The API cannot be reached.');
	}
	const text = await response.text();
	if (!response.ok) throw problemOf(response.status, text);
	return { body: (text === '' ? null : JSON.parse(text)) as T, etag: response.headers.get('etag') };
}

function problemOf(status: number, text: string): ApiError {
	let problem: Partial<Record<'code' | 'title' | 'detail' | 'errors', unknown>> = {};
	try {
		const parsed: unknown = JSON.parse(text);
		if (typeof parsed === 'object' && parsed !== null) problem = parsed;
	} catch {
		// Not a problem document: something between page and API answered.
	}
	const message = [problem.detail, problem.title].find((part) => typeof part === 'string' && part !== '');
	return new ApiError(
		status,
		typeof problem.code === 'string' ? problem.code : null,
		typeof message === 'string' ? message : `The API answered ${status}.`,
		Array.isArray(problem.errors) ? problem.errors.filter(isFieldProblem) : [],
	);
}

function isFieldProblem(value: unknown): value is FieldProblem {
	if (typeof value !== 'object' || value === null) return false;
	const { field, message } = value as Partial<Record<keyof FieldProblem, unknown>>;
	return typeof field === 'string' && typeof message === 'string';
}
