/** Views of bots that start step by step. */
import { defineView } from './define.ts';

export const rollouts = defineView(
	'rollouts',
	{ order: ['account_id'], direction: 'asc' },
	{
		account_id: 'bigint',
		account: 'text',
		account_mode: 'account_mode',
		exchange_id: 'text',
		max_active_bots: 'integer?',
		active_bots: 'bigint',
		places_taken: 'bigint',
		waiting_bots: 'bigint',
		next_max_active_bots: 'integer?',
		next_at: 'timestamptz?',
		held_since: 'timestamptz?',
		held_reason: 'text?',
	},
);

/** As they were planned. */
export const rolloutSteps = defineView(
	'rollout_steps',
	{ order: ['step_id'], direction: 'asc' },
	{
		step_id: 'bigint',
		account_id: 'bigint',
		account: 'text',
		max_active_bots: 'integer',
		step_at: 'timestamptz',
		due_at: 'timestamptz',
		status: 'text',
		held_since: 'timestamptz?',
		held_reason: 'text?',
		taken_at: 'timestamptz?',
		cancelled_at: 'timestamptz?',
		planned_at: 'timestamptz',
		planned_by: 'text',
	},
);
