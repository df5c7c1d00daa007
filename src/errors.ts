/**
 * Every error that botbox raises on purpose, by code. Classes are split by what the caller does next:
 * `UsageError` (say it and exit 2), `RetryLaterError` (the same work may succeed later), `BotboxError` (stop this work).
 */

interface ErrorEntry {
	/** HTTP status of the problem document that carries this code. */
	readonly status: number;
	/** Title of the problem document: the same words for every occurrence. */
	readonly title: string;
}

export const errorRegistry = {
	ACCOUNT_NOT_FOUND: { status: 404, title: 'No such account' },
	BODY_TOO_LARGE: { status: 413, title: 'The request body is too large' },
	BOT_NOT_FOUND: { status: 404, title: 'No such bot' },
	CHECK_TIMEOUT: { status: 504, title: 'The check was not answered in time' },
	CONFIGURATION_INVALID: { status: 400, title: 'Configuration is not valid' },
	CREDENTIALS_UNREADABLE: { status: 500, title: 'Stored credentials cannot be decrypted' },
	DATABASE_IN_USE: { status: 409, title: 'Another botbox is running on this data directory' },
	DATABASE_UNAVAILABLE: { status: 503, title: 'The database cannot be reached' },
	EXCHANGE_REFUSED: { status: 502, title: 'The exchange refused the request' },
	EXCHANGE_UNAVAILABLE: { status: 503, title: 'The exchange cannot be asked now' },
	FLATTEN_INCOMPLETE: { status: 409, title: 'Not everything is closed yet' },
	FORBIDDEN: { status: 403, title: 'This token may not do that' },
	IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'The Idempotency-Key belongs to another request' },
	INSTRUMENT_NOT_FOUND: { status: 404, title: 'No such instrument' },
	INTERNAL: { status: 500, title: 'Something nobody expected went wrong' },
	MEDIA_TYPE_UNSUPPORTED: { status: 415, title: 'The request body must be JSON' },
	NAME_TAKEN: { status: 409, title: 'The name is already in use' },
	NOT_FOUND: { status: 404, title: 'No such resource' },
	PORT_IN_USE: { status: 409, title: 'The port is already in use' },
	PRECONDITION_FAILED: { status: 412, title: 'It was changed meanwhile' },
	PRECONDITION_REQUIRED: { status: 428, title: 'The change must say what it is based on' },
	RATE_LIMITED: { status: 429, title: 'Too many requests' },
	REQUEST_UNDER_WAY: { status: 409, title: 'The same request is under way' },
	SCHEMA_MISMATCH: { status: 503, title: 'The database schema does not match this version' },
	STRATEGY_NOT_FOUND: { status: 404, title: 'No such strategy' },
	TRANSITION_REFUSED: { status: 409, title: 'The present state does not allow that' },
	UNAUTHENTICATED: { status: 401, title: 'A valid token is needed' },
	VALIDATION_FAILED: { status: 400, title: 'The input is not valid' },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

export type ErrorCode = keyof typeof errorRegistry;

/** An expected failure with a registered code; `message` is one line for people, `details` are figures for machines. */
export class BotboxError extends Error {
	override readonly name: string = 'BotboxError';
	readonly code: ErrorCode;
	readonly details: Readonly<Record<string, unknown>>;

	constructor(
		code: ErrorCode,
		message: string,
		options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
	) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.code = code;
		this.details = options.details ?? {};
	}

	get status(): number {
		return errorRegistry[this.code].status;
	}
}

/** The caller asked for something that cannot be meant: the command line says it in one line and exits 2. */
export class UsageError extends BotboxError {
	override readonly name = 'UsageError';

	constructor(message: string, options: { cause?: unknown } = {}) {
		super('VALIDATION_FAILED', message, options);
	}
}

/** The same work may succeed later, unchanged. */
export class RetryLaterError extends BotboxError {
	override readonly name = 'RetryLaterError';
	readonly retryAfterMs: number;

	constructor(code: ErrorCode, message: string, retryAfterMs: number, options: { cause?: unknown } = {}) {
		super(code, message, options);
		this.retryAfterMs = retryAfterMs;
	}
}

/** One line of any thrown value, for logs and the command line. */
export function errorMessage(error: unknown): string {
	if (error instanceof AggregateError && error.errors.length > 0) return errorMessage(error.errors[0]);
	return error instanceof Error ? error.message : String(error);
}
