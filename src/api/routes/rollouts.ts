/** Rollouts of an account: how many of its bots may be active, and when more may be. */
import { z } from 'zod';
import { cancelRollout, planRollout } from '../../database/functions/administration.ts';
import { findRow } from '../../database/views/define.ts';
import { rollouts } from '../../database/views/rollouts.ts';
import { BotboxError } from '../../errors.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import { idParams } from '../schemas.ts';
import { rows } from './rows.ts';

const steps = z
	.array(
		z.strictObject({
			max_active_bots: z.int().min(1).max(1_000_000),
			step_at: z.iso
				.datetime({ offset: true })
				.optional()
				.meta({ description: 'When; the first step counts at once and has none' }),
		}),
	)
	.min(1)
	.max(50)
	.superRefine((list, context) => {
		const wrong = (index: number, field: string, message: string): void =>
			context.addIssue({ code: 'custom', path: [index, field], message });
		for (const [i, step] of list.entries()) {
			const before = list[i - 1];
			if (before === undefined) {
				if (step.step_at !== undefined) wrong(i, 'step_at', 'must be left out: the first step counts at once');
				continue;
			}
			if (step.max_active_bots <= before.max_active_bots) {
				wrong(i, 'max_active_bots', `must be more than in the step before it (${before.max_active_bots})`);
			}
			if (step.step_at === undefined) wrong(i, 'step_at', 'must be given: only the first step counts at once');
			else if (before.step_at !== undefined && Date.parse(step.step_at) <= Date.parse(before.step_at)) {
				wrong(i, 'step_at', 'must lie after the step before it');
			}
		}
	});
const newRollout = z.strictObject({ steps }).meta({ id: 'NewRollout' });
const cancelled = z
	.object({
		account_id: z.int(),
		steps_given_up: z.int(),
		max_active_bots: z.int().nullable().meta({ description: 'The limit that stays; null: none' }),
	})
	.meta({ id: 'CancelledRollout' });

export function addRollouts(app: ApiServer, { pool, clock }: ApiContext): void {
	app.post(
		'/accounts/:id/rollout',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['operation'],
				summary: 'Plan how many bots of an account may be active, step by step',
				description: 'Steps of an earlier plan that are not taken are given up. Bots that are active already stay.',
				params: idParams,
				body: newRollout,
				response: { 200: rows.rollout, ...problemResponses },
			},
		},
		async (request) => {
			const { id } = request.params;
			const { actor } = callerOf(request);
			const planned = await planRollout(pool, { accountId: id, steps: request.body.steps, actor, now: clock?.() });
			const rollout = planned === null ? null : await findRow(pool, rollouts, { account_id: id });
			if (rollout === null) throw unknown(id);
			return rollout;
		},
	);
	app.post(
		'/accounts/:id/rollout/cancel',
		{
			config: { access: 'operator' },
			schema: {
				tags: ['operation'],
				summary: "Give up an account's steps that are not taken; the limit stays unless it is to go too",
				params: idParams,
				body: z
					.strictObject({
						unlimited: z
							.boolean()
							.default(false)
							.meta({ description: 'Removes the limit too: who waits starts within a minute' }),
					})
					.nullish(),
				response: { 200: cancelled, ...problemResponses },
			},
		},
		async (request) => {
			const { id } = request.params;
			const { actor } = callerOf(request);
			const isUnlimited = request.body?.unlimited ?? false;
			const count = await cancelRollout(pool, { accountId: id, isUnlimited, actor, now: clock?.() });
			if (count === null) throw unknown(id);
			const rollout = await findRow(pool, rollouts, { account_id: id });
			return { account_id: id, steps_given_up: count, max_active_bots: rollout?.max_active_bots ?? null };
		},
	);
}

const unknown = (accountId: number) => new BotboxError('ACCOUNT_NOT_FOUND', `there is no account ${accountId}`);
