/** Every error of the API as a problem document (RFC 9457) with a code of src/errors.ts. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import pg from 'pg';
import { z } from 'zod';
import { isDatabaseAway, isPassing } from '../database/failures.ts';
import { BotboxError, type ErrorCode, errorMessage, errorRegistry } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { constraintProblem } from './constraints.ts';
import { type FieldError, fieldErrors, zodFieldErrors } from './field-errors.ts';

const codes = Object.keys(errorRegistry) as [ErrorCode, ...ErrorCode[]];

export const problemSchema = z
	.object({
		type: z.string().meta({ description: 'urn:botbox:error:<code>' }),
		title: z.string(),
		status: z.int(),
		detail: z.string(),
		instance: z.string().meta({ description: 'The path that was asked for' }),
		code: z.enum(codes),
		request_id: z.string().meta({ description: 'Names this request in the log' }),
		errors: z
			.array(z.object({ field: z.string(), message: z.string() }))
			.optional()
			.meta({ description: 'Every wrong field' }),
	})
	.meta({ id: 'Problem' });
type Problem = z.output<typeof problemSchema>;

const asProblem = (description: string) => ({
	description,
	content: { 'application/problem+json': { schema: problemSchema } },
});
/** The error answers that every route may give, for its `response` schema. */
export const problemResponses = {
	'4xx': asProblem('The request is refused'),
	'5xx': asProblem('The request could not be served'),
} as const;

export function addProblems(app: FastifyInstance, log: Logger): void {
	app.setErrorHandler((error, request, reply) => {
		const { code, detail, errors } = classify(error);
		if (code === 'INTERNAL') log.error({ err: error, request: request.id, url: request.url }, 'request failed');
		if (code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer realm="botbox"');
		if (code === 'DATABASE_UNAVAILABLE') reply.header('retry-after', '2');
		return sendProblem(request, reply, code, detail, errors);
	});
	app.setNotFoundHandler((request, reply) =>
		sendProblem(request, reply, 'NOT_FOUND', `there is no ${request.method} ${pathOf(request)}`),
	);
}

/** What Fastify cannot read as a URL never reaches the error handler. */
export function refuseBadUrl(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
	sendProblem(request, reply, 'VALIDATION_FAILED', 'the URL is not well-formed');
}

function sendProblem(
	request: FastifyRequest,
	reply: FastifyReply,
	code: ErrorCode,
	detail: string,
	errors: readonly FieldError[] = [],
): FastifyReply {
	const { status, title } = errorRegistry[code];
	const problem: Problem = {
		type: `urn:botbox:error:${code}`,
		title,
		status,
		detail,
		instance: pathOf(request),
		code,
		request_id: request.id,
		...(errors.length > 0 ? { errors: [...errors] } : {}),
	};
	return reply
		.code(status)
		.header('content-type', 'application/problem+json; charset=utf-8')
		.header('cache-control', 'no-store')
		.serializer(JSON.stringify)
		.send(problem);
}

function pathOf(request: FastifyRequest): string {
	return request.url.split('?', 1)[0]?.slice(0, 500) ?? '/';
}

interface Classified {
	readonly code: ErrorCode;
	readonly detail: string;
	readonly errors?: readonly FieldError[];
}

const internal: Classified = { code: 'INTERNAL', detail: 'something nobody expected went wrong; the log knows more' };

function classify(error: unknown): Classified {
	if (hasZodFastifySchemaValidationErrors(error)) {
		const errors = fieldErrors(error.validation);
		return { code: 'VALIDATION_FAILED', detail: summary(errors), errors };
	}
	if (error instanceof BotboxError) return classifyOwn(error);
	if (error instanceof pg.DatabaseError) {
		const constraint = constraintProblem(error);
		if (constraint !== null) return constraint;
	}
	if (isDatabaseAway(error) || isPassing(error)) {
		return { code: 'DATABASE_UNAVAILABLE', detail: 'the database does not answer now; ask again' };
	}
	return classifyFastify(error) ?? internal;
}

function classifyOwn(error: BotboxError): Classified {
	if (error.code === 'INTERNAL' || error.code === 'CREDENTIALS_UNREADABLE') return { ...internal, code: error.code };
	const { errors } = error.details;
	if (Array.isArray(errors)) return { code: error.code, detail: error.message, errors: errors as FieldError[] };
	if (error.cause instanceof z.ZodError) {
		return { code: error.code, detail: error.message, errors: zodFieldErrors(error.cause) };
	}
	return { code: error.code, detail: error.message };
}

/** What Fastify itself refuses before a route is reached. */
function classifyFastify(error: unknown): Classified | null {
	const { code = '', statusCode = 500 } = error instanceof Error ? (error as Partial<FastifyError>) : {};
	if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { code: 'BODY_TOO_LARGE', detail: 'the body exceeds 64 KiB' };
	if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
		return { code: 'MEDIA_TYPE_UNSUPPORTED', detail: 'expected Content-Type: application/json' };
	}
	if (statusCode === 429) return { code: 'RATE_LIMITED', detail: errorMessage(error) };
	if (statusCode === 404) return { code: 'NOT_FOUND', detail: 'there is no such resource' };
	if (statusCode === 403) return { code: 'FORBIDDEN', detail: 'that is not served' };
	if (statusCode >= 400 && statusCode < 500) {
		const isJson = code === 'FST_ERR_CTP_INVALID_JSON_BODY' || code === 'FST_ERR_CTP_EMPTY_JSON_BODY';
		const detail = isJson ? 'the body is not valid JSON' : (STATUS_CODES[statusCode] ?? 'bad request').toLowerCase();
		return { code: 'VALIDATION_FAILED', detail };
	}
	return null;
}

function summary(errors: readonly FieldError[]): string {
	return errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
}
