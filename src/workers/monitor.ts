/**
 * The monitor: what must happen now and then, whoever does it. Expiry of waiting entries, retries of failed closes, flattening
 * that had to wait, limits on losses, health rules, market lists, correlations, counting of minutes, pruning; and this worker's own
 * heartbeat.
 *
 * Writes: through expire_trades, resume_flattening, retry_closes, guard_accounts, pause_losing_bots, take_rollout_steps, monitor_health, monitor_checks,
 * monitor_instruments, summarise_day, record_instruments, refresh_correlations, record_check_minutes, record_heartbeat, and what prune.ts
 * calls. Each is idempotent; a crash at any line leaves work for the next round.
 */
import { takeRolloutSteps } from '../database/functions/administration.ts';
import { monitorChecks, summariseDay } from '../database/functions/alerts.ts';
import {
	guardAccounts,
	loadExchangesInUse,
	monitorHealth,
	monitorInstruments,
	monitorLedger,
	pauseLosingBots,
	recordHeartbeat,
} from '../database/functions/guards.ts';
import { recordCheckMinutes } from '../database/functions/history.ts';
import { correlationsAreDue, refreshCorrelations } from '../database/functions/market.ts';
import { expireTrades, resumeFlattening, retryCloses } from '../database/functions/trades.ts';
import { errorMessage } from '../errors.ts';
import { indicatorUse } from '../market/view.ts';
import { done, type RunResult, type WorkerContext } from './context.ts';
import { type CrashPoint, crashPoint } from './crash-points.ts';
import { claimDue } from './duties.ts';
import { prune } from './prune.ts';
import { recordMarkets } from './refresh-markets.ts';

interface Duty {
	readonly name: string;
	readonly everyMs: number;
	run(context: WorkerContext, now?: Date): Promise<unknown>;
	/** Before it and after it. */
	readonly crashPoints?: readonly [CrashPoint, CrashPoint];
}

const duties: readonly Duty[] = [
	{
		name: 'expire trades',
		everyMs: 5_000,
		run: ({ pool }, now) => expireTrades(pool, { now }),
		crashPoints: ['monitor:before-expire-trades', 'monitor:after-expire-trades'],
	},
	{ name: 'resume flattening', everyMs: 5_000, run: ({ pool }, now) => resumeFlattening(pool, { now }) },
	{
		name: 'retry closes',
		everyMs: 10_000,
		run: ({ pool }, now) => retryCloses(pool, { now }),
		crashPoints: ['monitor:before-retry-closes', 'monitor:after-retry-closes'],
	},
	{ name: 'guard accounts', everyMs: 10_000, run: ({ pool }, now) => guardAccounts(pool, { now }) },
	{ name: 'instruments', everyMs: 30_000, run: ({ pool }, now) => monitorInstruments(pool, { now }) },
	{ name: 'rollouts', everyMs: 60_000, run: ({ pool }, now) => takeRolloutSteps(pool, { now }) },
	{ name: 'losing bots', everyMs: 60_000, run: ({ pool }, now) => pauseLosingBots(pool, { now }) },
	{ name: 'health', everyMs: 10_000, run: ({ pool }, now) => monitorHealth(pool, { now }) },
	{ name: 'ledger', everyMs: 60_000, run: ({ pool }, now) => monitorLedger(pool, { now }) },
	{ name: 'check health', everyMs: 60_000, run: ({ pool }, now) => monitorChecks(pool, { now }) },
	{ name: 'daily summary', everyMs: 60_000, run: ({ pool }, now) => summariseDay(pool, { now }) },
	{ name: 'whole ledger', everyMs: 3_600_000, run: ({ pool }, now) => monitorLedger(pool, { isWhole: true, now }) },
	{ name: 'markets', everyMs: 3_600_000, run: refreshMarkets },
	{ name: 'correlations', everyMs: 60_000, run: refreshDueCorrelations },
	{ name: 'check minutes', everyMs: 60_000, run: ({ pool }, now) => recordCheckMinutes(pool, { now }) },
	{ name: 'prune', everyMs: 60_000, run: prune },
];

export async function runMonitor(context: WorkerContext, now?: Date): Promise<RunResult> {
	for (const everyMs of new Set(duties.map((duty) => duty.everyMs))) {
		const group = duties.filter((duty) => duty.everyMs === everyMs);
		for (const duty of await claimDue(context, group, ({ name }) => name, everyMs, now)) {
			try {
				if (duty.crashPoints !== undefined) crashPoint(duty.crashPoints[0]);
				await duty.run(context, now);
				if (duty.crashPoints !== undefined) crashPoint(duty.crashPoints[1]);
			} catch (error) {
				context.log.error({ duty: duty.name, error: errorMessage(error) }, 'duty failed');
			}
		}
	}
	return done;
}

/** This process's offset from the clock of each exchange in use. */
export async function measureClocks(context: WorkerContext): Promise<RunResult> {
	for (const { exchangeId } of await loadExchangesInUse(context.pool, {})) {
		try {
			const offsetMs = await (await context.venues.marketData(exchangeId)).measureClock();
			context.log.debug({ exchange: exchangeId, offsetMs }, 'clock measured');
		} catch (error) {
			context.log.warn({ exchange: exchangeId, error: errorMessage(error) }, 'clock could not be measured');
		}
	}
	return done;
}

async function refreshDueCorrelations({ pool }: WorkerContext, now?: Date): Promise<void> {
	if (await correlationsAreDue(pool, { now })) await refreshCorrelations(pool, { now });
}

/** Precisions, minimums and delistings, hourly. */
async function refreshMarkets(context: WorkerContext, now?: Date): Promise<void> {
	for (const { exchangeId } of await loadExchangesInUse(context.pool, {})) {
		await recordMarkets(context, exchangeId, now);
	}
}

export interface WorkerIdentity {
	readonly host: string;
	readonly processId: number;
	readonly roles: readonly string[];
	readonly version: string;
}

/** This worker's sign of life, with the figures of its caches and memory. */
export async function beat(
	context: WorkerContext,
	identity: WorkerIdentity,
	options: { isStopping?: boolean; now?: Date } = {},
): Promise<void> {
	const { loaded, extended, reused } = context.windows.use;
	const { evaluated, repeated } = context.checkCache.use;
	await recordHeartbeat(context.pool, {
		workerId: context.workerId,
		...identity,
		startedAt: context.startedAt,
		figures: {
			windows_loaded: loaded,
			windows_extended: extended,
			windows_reused: reused,
			indicators_computed: indicatorUse.computed,
			indicators_advanced: indicatorUse.advanced,
			indicators_reused: indicatorUse.reused,
			checks_evaluated: evaluated,
			checks_repeated: repeated,
			checks_kept: context.checkCache.size,
			memory_bytes: process.memoryUsage.rss(),
		},
		isStopping: options.isStopping ?? false,
		now: options.now,
	});
}
