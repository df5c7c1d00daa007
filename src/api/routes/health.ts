/** Whether the process lives, whether the system works, and the overview. */
import { z } from 'zod';
import { requireMatchingSchema } from '../../database/migrate/matching.ts';
import { listRows } from '../../database/views/define.ts';
import { type OverviewRow, workerStatus } from '../../database/views/operation.ts';
import { BotboxError, errorMessage } from '../../errors.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import { rows } from './rows.ts';

const part = z.object({ ok: z.boolean(), detail: z.string() });
const readiness = z
	.object({
		status: z.enum(['ready', 'not_ready']),
		version: z.string(),
		database: part,
		schema: part,
		workers: part,
	})
	.meta({ id: 'Readiness' });
type Part = z.output<typeof part>;

/** A database that hangs must not hang the probe. */
const answerWithinMs = 3_000;

export function addHealth(app: ApiServer, context: ApiContext): void {
	const startedAt = performance.now();
	app.get(
		'/healthz',
		{
			config: { access: 'open', rateLimit: false },
			schema: {
				tags: ['health'],
				summary: 'The process is alive',
				response: {
					200: z
						.object({ status: z.literal('alive'), version: z.string(), uptime_seconds: z.number() })
						.meta({ id: 'Liveness' }),
				},
			},
		},
		async () => ({
			status: 'alive' as const,
			version: context.version,
			uptime_seconds: Math.round((performance.now() - startedAt) / 1_000),
		}),
	);
	app.get(
		'/readyz',
		{
			config: { access: 'open', rateLimit: false },
			schema: {
				tags: ['health'],
				summary: 'The database answers, its schema is of this version, and a worker was heard within 30 s',
				response: { 200: readiness, 503: readiness },
			},
		},
		async (_request, reply) => {
			const parts = await inspect(context);
			const isReady = parts.database.ok && parts.schema.ok && parts.workers.ok;
			reply.header('cache-control', 'no-store').code(isReady ? 200 : 503);
			return { status: isReady ? ('ready' as const) : ('not_ready' as const), version: context.version, ...parts };
		},
	);
}

export function addOverview(app: ApiServer, readOverview: () => Promise<OverviewRow>): void {
	app.get(
		'/overview',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['overview'],
				summary: 'The state of everything, as of `as_of`',
				response: { 200: rows.overview, ...problemResponses },
			},
		},
		async () => await readOverview(),
	);
}

async function inspect({ pool, log }: ApiContext): Promise<{ database: Part; schema: Part; workers: Part }> {
	const unknown = { ok: false, detail: 'not known while the database does not answer' };
	const schema = await answer(requireMatchingSchema(pool));
	if (schema instanceof BotboxError && schema.code === 'SCHEMA_MISMATCH') {
		const mismatch = { ok: false, detail: schema.message };
		return { database: { ok: true, detail: 'answers' }, schema: mismatch, workers: unknown };
	}
	if (schema instanceof Error) {
		log.debug({ error: errorMessage(schema) }, 'not ready: the database does not answer');
		return { database: { ok: false, detail: 'does not answer' }, schema: unknown, workers: unknown };
	}
	const running = await answer(listRows(pool, workerStatus, { limit: 500, where: { status: 'RUNNING' } }));
	const count = running instanceof Error ? 0 : running.items.length;
	return {
		database: { ok: true, detail: 'answers' },
		schema: { ok: true, detail: 'is of this version' },
		workers: { ok: count > 0, detail: count > 0 ? `${count} running` : 'none heard within 30 s' },
	};
}

/** The value, or the error that came instead of it. */
async function answer<T>(work: Promise<T>): Promise<T | Error> {
	const late = Promise.withResolvers<Error>();
	const timer = setTimeout(() => late.resolve(new Error('no answer in time')), answerWithinMs);
	try {
		return await Promise.race([work, late.promise]);
	} catch (error) {
		return error instanceof Error ? error : new Error(String(error));
	} finally {
		clearTimeout(timer);
	}
}
