/**
 * ETags of configuration. A change says in If-Match which configuration it is based on; if that is no longer what is stored,
 * somebody else was faster, and nothing is overwritten. Figures that move by themselves are no part of it.
 */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { BotStatusRow } from '../database/views/bots.ts';
import type { AccountRow } from '../database/views/execution.ts';
import { BotboxError } from '../errors.ts';

export function botTag(bot: BotStatusRow): string {
	// An interval that adapts moves by itself; its base is what was configured.
	const interval = bot.adaptive_base_minutes ?? bot.interval_minutes;
	return tagOf([
		...[bot.bot_id, bot.name, bot.strategy_version_id, interval, bot.adaptive_base_minutes !== null],
		...[bot.sizing, bot.sizing_value, bot.leverage, bot.max_position_notional, bot.execution],
	]);
}

export function limitsTag(account: AccountRow): string {
	return tagOf([account.account_id, ...limitNames.map((name) => account[name])]);
}

export const limitNames = [
	'max_positions',
	'max_correlated_positions',
	'correlation_threshold',
	'max_instrument_exposure',
	'max_total_exposure',
	'max_order_notional',
	'max_entries_per_minute',
	'max_price_deviation',
	'daily_loss_limit',
	'max_drawdown',
	'loss_cooldown_minutes',
	'max_losing_streak',
] as const satisfies readonly (keyof AccountRow)[];

function tagOf(values: readonly unknown[]): string {
	return `"${createHash('sha256').update(JSON.stringify(values)).digest('base64url').slice(0, 22)}"`;
}

/** Of a route that changes configuration; that it is missing is answered by `requireMatch`, with 428. */
export const ifMatchHeaders = z.object({
	'if-match': z.string().max(1_000).optional().meta({ description: 'The ETag of what was read; without it 428' }),
});

/** Throws PRECONDITION_REQUIRED without If-Match, PRECONDITION_FAILED where it names another state than `current`. */
export function requireMatch(request: Pick<FastifyRequest, 'headers'>, current: string): void {
	const given = request.headers['if-match'];
	if (given === undefined || given.trim() === '') {
		throw new BotboxError('PRECONDITION_REQUIRED', 'send If-Match with the ETag of what the change is based on');
	}
	const tags = given.split(',').map((tag) => tag.trim());
	if (tags.includes('*') || tags.includes(current)) return;
	throw new BotboxError('PRECONDITION_FAILED', 'it was changed meanwhile: read it again');
}
