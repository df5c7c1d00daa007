/** Check now: a bot is evaluated at once by a worker, and the answer is the finished check. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { databaseTime } from '../../database/installation.ts';
import { type CheckRow, checks, type SignalRow, signals } from '../../database/views/bots.ts';
import { findRow } from '../../database/views/define.ts';
import { BotboxError } from '../../errors.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import { idParams, rowShape } from '../schemas.ts';
import { existingBot } from './bots.ts';
import { rows } from './rows.ts';

const answerWithinMs = 5_000;
const lookEveryMs = 500;

type FinishedCheck = CheckRow & { readonly signal: SignalRow | null };
const finishedCheck = z
	.object({ ...rowShape(checks), signal: rows.signal.nullable() })
	.meta({ id: 'FinishedCheck' }) as unknown as z.ZodType<FinishedCheck, FinishedCheck>;

export function addCheckNow(app: ApiServer, context: ApiContext): void {
	app.post(
		'/bots/:id/check',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['bots'],
				summary: 'Check a bot now and answer with the finished check, within 5 s',
				description:
					'It decides and queues like any other check unless `dry_run`; the next scheduled check stays where it was.',
				params: idParams,
				body: z.strictObject({ dry_run: z.boolean().default(false) }).nullish(),
				response: { 200: finishedCheck, ...problemResponses },
			},
		},
		async (request) => {
			const { id } = request.params;
			await existingBot(context, id, 'write');
			return await checkNow(context, id, request.body?.dry_run ?? false);
		},
	);
}

async function checkNow(context: ApiContext, botId: number, isDryRun: boolean): Promise<FinishedCheck> {
	const { pool, jobs, manualChecks } = context;
	const requestedAt = context.clock?.() ?? (await databaseTime(pool));
	const deadline = performance.now() + answerWithinMs;
	// Asked for before the request is sent, so that no answer can come too early to be heard.
	let next = manualChecks.wait(botId, requestedAt.getTime(), lookEveryMs);
	await jobs.requestCheck({ botId, requestedAt: requestedAt.toISOString(), isDryRun });
	while (performance.now() < deadline) {
		await next;
		const check = await findRow(pool, checks, { bot_id: botId, kind: 'MANUAL', due_at: requestedAt });
		if (check !== null) return { ...check, signal: await signalOf(context, check) };
		next = manualChecks.wait(botId, requestedAt.getTime(), lookEveryMs);
		// A second notification of the same check would not wait: never look more often than this.
		await sleep(10);
	}
	throw new BotboxError(
		'CHECK_TIMEOUT',
		`no worker answered within ${answerWithinMs / 1_000} s; it may still be checked`,
	);
}

async function signalOf({ pool }: ApiContext, check: CheckRow): Promise<SignalRow | null> {
	if (check.signal_id === null) return null;
	return await findRow(pool, signals, { signal_id: check.signal_id, bot_id: check.bot_id });
}
