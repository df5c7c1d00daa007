/** Wrappers of the functions behind the API's door: sessions, login codes, repeated requests; and the events that its streams carry. */
import { rowsFunction, valueFunction } from './define.ts';

export const createLoginCode = valueFunction(
	'create_login_code',
	{ codeHash: 'bytea', role: 'token_role', life: 'interval?', actor: 'text?', now: 'timestamptz?' },
	'void',
);

/** By the hash of a token or of a login code. No row: it is unknown, used, expired or revoked. */
export const openSession = rowsFunction(
	'open_session',
	{ sessionHash: 'bytea', tokenHash: 'bytea?', codeHash: 'bytea?', life: 'interval?', now: 'timestamptz?' },
	{ role: 'token_role', actor: 'text', expiresAt: 'timestamptz' },
);

export const authenticateSession = rowsFunction(
	'authenticate_session',
	{ sessionHash: 'bytea', now: 'timestamptz?' },
	{ role: 'token_role', actor: 'text', expiresAt: 'timestamptz' },
);

export const closeSession = valueFunction(
	'close_session',
	{ sessionHash: 'bytea', actor: 'text?', now: 'timestamptz?' },
	'boolean',
);

/** At most once a minute; false: it was noted less than a minute ago. */
export const recordTokenUse = valueFunction('record_token_use', { tokenId: 'bigint', now: 'timestamptz?' }, 'boolean');

/** `state`: NEW, FINISHED, UNDER_WAY or OTHER. */
export const beginRequest = rowsFunction(
	'begin_request',
	{ actor: 'text', idempotencyKey: 'text', requestHash: 'bytea', now: 'timestamptz?' },
	{ state: 'text', status: 'integer?', location: 'text?', body: 'text?' },
);

export const finishRequest = valueFunction(
	'finish_request',
	{
		actor: 'text',
		idempotencyKey: 'text',
		status: 'integer',
		location: 'text?',
		body: 'text?',
		now: 'timestamptz?',
	},
	'boolean',
);

/** `at`: as text, since a Date would lose the microseconds by which checks are found. */
export const findEvents = rowsFunction(
	'find_events',
	{ after: 'bigint', missing: 'bigint[]?', limit: 'integer?' },
	{ eventId: 'bigint', topic: 'text', keys: 'text[]', at: 'text' },
);
export type EventRow = Awaited<ReturnType<typeof findEvents>>[number];

export const findEventRange = rowsFunction('find_event_range', {}, { oldestId: 'bigint', newestId: 'bigint' });

/** Answers how many rows went. */
export const pruneRequests = valueFunction('prune_requests', { now: 'timestamptz?' }, 'integer');
