/** The API over a test database, without a socket: `inject` is its client, and a fake worker answers to check-now. */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { buildApp } from '../../src/api/app.ts';
import type { ApiContext } from '../../src/api/context.ts';
import { hashToken } from '../../src/api/door.ts';
import { createChanges } from '../../src/api/events/changes.ts';
import { createManualChecks } from '../../src/api/manual-checks.ts';
import { readConfig } from '../../src/config.ts';
import { createToken } from '../../src/database/functions/administration.ts';
import type { TokenRole } from '../../src/database/functions/define.ts';
import type { ManualCheckJob } from '../../src/database/jobs.ts';
import type { Pool } from '../../src/database/pool.ts';
import { createLogger } from '../../src/logger.ts';

export interface TestApi {
	readonly app: FastifyInstance;
	/** One request, as somebody on this machine without a token unless a token is given. */
	call(
		method: InjectOptions['method'],
		url: string,
		options?: { body?: unknown; token?: string; headers?: Record<string, string> },
	): Promise<LightMyRequestResponse>;
	/** What check-now asked the workers for. */
	readonly requested: ManualCheckJob[];
	/** Channels that a test message was asked for. */
	readonly tested: number[];
}

export async function makeApi(
	pool: Pool,
	options: Partial<ApiContext> & { host?: string; onCheck?: (job: ManualCheckJob) => Promise<void> } = {},
): Promise<TestApi> {
	const { host = '127.0.0.1', onCheck, ...context } = options;
	const requested: ManualCheckJob[] = [];
	const tested: number[] = [];
	const app = await buildApp({
		pool,
		readPool: pool,
		jobs: {
			requestCheck: async (job) => {
				requested.push(job);
				await onCheck?.(job);
			},
			requestChannelTest: async (channelId) => {
				tested.push(channelId);
			},
		},
		manualChecks: createManualChecks(),
		changes: createChanges(),
		config: { ...readConfig({}), host },
		log: createLogger({ level: 'silent', name: 'test' }),
		version: '0.0.0-test',
		pageDir: null,
		...context,
	});
	return {
		app,
		requested,
		tested,
		call: async (method, url, { body, token, headers = {} } = {}) =>
			await app.inject({
				method: method ?? 'GET',
				url,
				headers: {
					host: 'localhost:8085',
					...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
					...headers,
				},
				...(body === undefined ? {} : { payload: body as object | string }),
			}),
	};
}

/** A token in clear, stored by its hash. */
export async function makeToken(
	pool: Pool,
	role: TokenRole,
	options: { name?: string; expiresAt?: Date; now?: Date } = {},
): Promise<{ id: number; token: string }> {
	const token = `bbx_${randomBytes(24).toString('base64url')}`;
	const { name = `test ${role}`, expiresAt, now } = options;
	const id = await createToken(pool, { name, role, tokenHash: hashToken(token), expiresAt, now });
	return { id, token };
}
