/** Evaluated checks as a worker hands them to record_checks. */
import { claimChecks, recordChecks } from '../../../src/database/functions/checks.ts';
import type { Queryable } from '../../../src/database/functions/define.ts';
import type { RegimeVolatility, SignalDirection } from '../../../src/domain.ts';
import { workerId } from './trading.ts';
import type { Bot } from './world.ts';

export interface CheckOptions {
	readonly kind?: 'SCHEDULED' | 'MANUAL';
	readonly decision?: SignalDirection | 'NONE';
	readonly candleAt?: Date;
	readonly price?: number;
	readonly failure?: 'FAILED' | 'TIMED_OUT' | 'STALE_DATA' | 'INSUFFICIENT_HISTORY';
	readonly isDryRun?: boolean;
	/** NORMAL by default; null: the regime is not known. */
	readonly volatility?: RegimeVolatility | null;
}

const reasonOf = {
	NONE: 'BELOW_THRESHOLD',
	LONG: 'ENTRY_THRESHOLD',
	SHORT: 'ENTRY_THRESHOLD',
	CLOSE: 'EXIT_THRESHOLD',
};

/** A `check_input` of a bot; by default one that decided nothing. */
export function checkOf(bot: Bot, dueAt: Date, options: CheckOptions = {}) {
	const decision = options.decision ?? 'NONE';
	return {
		bot_id: bot.id,
		due_at: dueAt.toISOString(),
		kind: options.kind ?? 'SCHEDULED',
		strategy_version_id: bot.versionId,
		started_at: dueAt.toISOString(),
		duration_ms: 1.5,
		timeframe: '5m',
		candle_at: (options.candleAt ?? dueAt).toISOString(),
		data_age_ms: 800,
		price: options.price ?? 100,
		score: 0.4,
		factors: {},
		regime_direction: options.volatility === null ? null : 'TRENDING_UP',
		regime_volatility: options.volatility === undefined ? 'NORMAL' : options.volatility,
		regime_figures: {},
		decision,
		reason_code: options.failure === undefined ? reasonOf[decision] : 'CHECK_FAILED',
		stop_loss_fraction: null,
		take_profit_fraction: null,
		failure: options.failure ?? null,
		error: options.failure === undefined ? null : 'it threw',
		dry_run: options.isDryRun ?? false,
	};
}

/** Claims the check and records it, as one worker would. */
export async function check(db: Queryable, bot: Bot, dueAt: Date, options: CheckOptions & { now?: Date } = {}) {
	const now = options.now ?? dueAt;
	const jobs = [{ bot_id: bot.id, due_at: dueAt.toISOString() }];
	const [claim] = await claimChecks(db, { jobs, workerId, waitMs: 0, now });
	if (claim?.verdict !== 'CLAIMED') throw new Error(`not claimed: ${claim?.verdict}`);
	const [recorded] = await recordChecks(db, { checks: [checkOf(bot, dueAt, options)], workerId, now });
	if (recorded === undefined) throw new Error('not recorded');
	return recorded;
}
