/** What a refusal by the database means for the caller: the constraints are the last word on what may be stored. */
import type pg from 'pg';
import type { ErrorCode } from '../errors.ts';
import type { FieldError } from './field-errors.ts';

interface Refusal {
	readonly code: ErrorCode;
	readonly detail: string;
	readonly errors?: readonly FieldError[];
}

const invalid = (field: string, message: string): Refusal => ({
	code: 'VALIDATION_FAILED',
	detail: `${field}: ${message}`,
	errors: [{ field, message }],
});

const byConstraint: Readonly<Record<string, Refusal>> = {
	bots_one_living_per_name: { code: 'NAME_TAKEN', detail: 'another bot has this name' },
	bot_trades_on_its_accounts_exchange: invalid('instrument_id', "must be on the account's exchange"),
	bot_settles_in_its_accounts_asset: invalid('instrument_id', "must settle in the account's asset"),
	bot_has_the_legs_of_its_strategy: invalid(
		'second_instrument_id',
		'must be given for a strategy of two legs, and only for such a one',
	),
	second_leg_mirrors_the_first: invalid(
		'second_instrument_id',
		"must be another market of the first leg's base asset: a perpetual on the same exchange that settles in the account's asset",
	),
	spot_bot_has_no_leverage: invalid('leverage', 'must be 1 on a spot market'),
	bot_stays_with_its_strategy: invalid('bot_ids', 'must be bots of this strategy'),
	sizing_fraction_is_a_share: invalid('sizing_value', 'must be at most 1: it is a share of the capital'),
	active_bots_within_limit: {
		code: 'TRANSITION_REFUSED',
		detail: 'its account has as many active bots as it may have: stop another one, or raise the limit by a rollout',
	},
	steps_follow_each_other: invalid('steps', 'must each lie ahead, and after the step before it'),
	pause_lifts_after_it_began: invalid('lifts_at', 'must lie in the future'),
	pauses_exchange_id_fkey: { code: 'NOT_FOUND', detail: 'there is no such exchange' },
	pauses_account_id_fkey: { code: 'ACCOUNT_NOT_FOUND', detail: 'there is no such account' },
	pauses_bot_id_fkey: { code: 'BOT_NOT_FOUND', detail: 'there is no such bot' },
};

/** Null: not a refusal of the input. */
export function constraintProblem(error: pg.DatabaseError): Refusal | null {
	const known = byConstraint[error.constraint ?? ''];
	if (known !== undefined) return known;
	const code = error.code ?? '';
	if (code === '55000') return { code: 'TRANSITION_REFUSED', detail: error.message };
	// Class 22: a value that PostgreSQL cannot read, such as text with a NUL in it.
	if (code === '23514' || code === '22023' || code.startsWith('22')) {
		return { code: 'VALIDATION_FAILED', detail: 'a value is not one that can be stored' };
	}
	return null;
}
