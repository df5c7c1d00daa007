/** Checks as workers record them: claimed, evaluated, recorded. */
import { claimManualCheck, recordChecks } from '../../../src/database/functions/checks.ts';
import type { Queryable } from '../../../src/database/functions/define.ts';
import type { SignalDirection } from '../../../src/domain.ts';

export const factors = [
	{ name: 'ema_cross', value: 1.5, score: 0.8, weight: 0.6, contribution: 0.48 },
	{ name: 'momentum', value: 0.02, score: 0.5, weight: 0.4, contribution: 0.2 },
];

/** A manual check of a bot at `at`, decided like any other; answers its row's key and outcome. */
export async function makeManualCheck(
	db: Queryable,
	botId: number,
	options: { at: Date; decision?: SignalDirection | 'NONE'; price?: number; isDryRun?: boolean; error?: string },
) {
	const { at, decision = 'NONE', price = 100, error } = options;
	const workerId = 'checker';
	const [claim] = await claimManualCheck(db, { botId, workerId, now: at });
	if (claim?.verdict !== 'CLAIMED') throw new Error(`bot ${botId} is ${claim?.verdict}`);
	const candleAt = new Date(Math.floor(at.getTime() / 300_000) * 300_000 - 300_000);
	const [recorded] = await recordChecks(db, {
		checks: [
			{
				bot_id: botId,
				due_at: at.toISOString(),
				kind: 'MANUAL',
				strategy_version_id: claim.strategyVersionId,
				started_at: at.toISOString(),
				duration_ms: 1.25,
				timeframe: '5m',
				candle_at: candleAt.toISOString(),
				data_age_ms: 900,
				price,
				score: error === undefined ? 0.68 : null,
				factors: error === undefined ? factors : null,
				regime_direction: 'TRENDING_UP',
				regime_volatility: 'NORMAL',
				decision,
				reason_code: error !== undefined ? 'CHECK_FAILED' : decision === 'NONE' ? 'BELOW_THRESHOLD' : 'ENTRY_THRESHOLD',
				stop_loss_fraction: 0.02,
				take_profit_fraction: 0.06,
				failure: error === undefined ? null : 'FAILED',
				error: error ?? null,
				dry_run: options.isDryRun ?? false,
			},
		],
		workerId,
		now: at,
	});
	if (recorded === undefined) throw new Error(`the check of bot ${botId} was not recorded`);
	return recorded;
}
