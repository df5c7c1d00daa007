/**
 * Scheduled checks: fetch a batch of jobs, claim their bots, load each market once, evaluate, record all in one call.
 *
 * Reads: pg-boss jobs, bots, feeds, candles. Writes: through claim_checks and record_checks only. Idempotency keys: the
 * claim (next_check_at) and (bot, due_at, kind) of checks. A crash before recording leaves claims that lapse after 30 s
 * and bots still due, which the next tick finds; a crash after it leaves jobs whose claim finds nothing to do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseAway, isPassing } from '../database/failures.ts';
import { claimChecks, loadStrategyVersions, recordChecks, releaseChecks } from '../database/functions/checks.ts';
import type { CheckKind } from '../database/functions/define.ts';
import { findDataAges } from '../database/functions/market.ts';
import type { CheckJob, FetchedJob } from '../database/jobs.ts';
import type { Timeframe } from '../domain.ts';
import { errorMessage } from '../errors.ts';
import { fetchFeeds } from '../market/feed.ts';
import { marketKey, type WindowRequest } from '../market/windows.ts';
import { prepareStrategy } from '../strategies/registry.ts';
import type { HeldPosition, PreparedStrategy } from '../strategies/strategy.ts';
import { again, done, type RunResult, type WorkerContext } from './context.ts';
import { type EvaluatedCheck, evaluateCheck, heldPosition, maxDataAgeMs } from './evaluate.ts';

/** Checks of one batch: one claim, one load, one recording. */
const batchSize = 500;
/** A job whose bot is busy or whose candle is awaited comes back after this long, as a new job. */
const comeBackMs = 1_000;
export const checkLeaseMs = 30_000;

/** A claimed check on its way to evaluation. */
export interface ClaimedForCheck {
	readonly botId: number;
	readonly dueAt: Date;
	readonly kind: CheckKind;
	readonly isDryRun: boolean;
	readonly strategyVersionId: number;
	readonly instrumentId: number;
	readonly dataFetchedAt: Date | null;
	readonly dataRevision: number | null;
	readonly position: HeldPosition | null;
}

export async function runChecks(context: WorkerContext, now?: Date): Promise<RunResult> {
	const { pool, jobs, workerId } = context;
	const fetched = await jobs.fetchChecks(batchSize, { ignoreStartAfter: context.isSimulated });
	if (fetched.length === 0) return done;

	const claims = await claimChecks(pool, {
		jobs: fetched.map(({ data }) => ({ bot_id: data.botId, due_at: data.dueAt })),
		workerId,
		leaseMs: checkLeaseMs,
		now,
	});
	const claimed: ClaimedForCheck[] = [];
	const comeBack = new Set<number>();
	for (const claim of claims) {
		if (claim.verdict === 'BUSY' || claim.verdict === 'NOT_READY') comeBack.add(claim.botId);
		if (claim.verdict !== 'CLAIMED' || claim.strategyVersionId === null || claim.instrumentId === null) continue;
		claimed.push({
			botId: claim.botId,
			dueAt: claim.dueAt,
			kind: 'SCHEDULED',
			isDryRun: false,
			strategyVersionId: claim.strategyVersionId,
			instrumentId: claim.instrumentId,
			dataFetchedAt: claim.dataFetchedAt,
			dataRevision: claim.dataRevision,
			position: heldPosition(claim),
		});
	}

	try {
		await checkAndRecord(context, claimed, now);
	} catch (error) {
		// Handed back at once rather than when the lease lapses; if the database is away that is all it can be.
		await releaseChecks(pool, { botIds: claimed.map(({ botId }) => botId), workerId }).catch(() => undefined);
		throw error;
	}
	await endJobs(context, fetched, comeBack);
	return fetched.length === batchSize ? again : done;
}

async function endJobs(
	context: WorkerContext,
	fetched: readonly FetchedJob<CheckJob>[],
	comeBack: ReadonlySet<number>,
): Promise<void> {
	const waiting = fetched.filter(({ data }) => comeBack.has(data.botId)).map(({ data }) => data);
	// The new job first: should the process die in between, two jobs are harmless, none would cost a minute.
	if (waiting.length > 0) await context.jobs.insertChecks(waiting, () => comeBackMs);
	await context.jobs.endChecks(fetched.map(({ id }) => id));
}

/** Evaluates claimed checks and records them; what cannot be recorded is found by halving and recorded as FAILED. */
export async function checkAndRecord(context: WorkerContext, claimed: readonly ClaimedForCheck[], now?: Date) {
	if (claimed.length === 0) return [];
	const evaluated = await evaluateAll(context, await refreshStale(context, claimed, now), now);
	return await recordBatch(context, evaluated, now);
}

const prepared = new Map<number, { strategy: PreparedStrategy; timeframe: Timeframe; history: number }>();

async function strategiesOf(context: WorkerContext, ids: readonly number[]) {
	const missing = [...new Set(ids)].filter((id) => !prepared.has(id));
	if (missing.length > 0) {
		for (const version of await loadStrategyVersions(context.pool, { ids: missing })) {
			prepared.set(version.id, {
				strategy: prepareStrategy(version.strategyName, version.parameters),
				timeframe: version.timeframe,
				history: version.history,
			});
		}
	}
	return prepared;
}

async function evaluateAll(
	context: WorkerContext,
	claimed: readonly ClaimedForCheck[],
	now?: Date,
): Promise<EvaluatedCheck[]> {
	const versions = await strategiesOf(
		context,
		claimed.map(({ strategyVersionId }) => strategyVersionId),
	);
	const requests = new Map<string, WindowRequest>();
	for (const { instrumentId, strategyVersionId, dataRevision, dueAt } of claimed) {
		const version = versions.get(strategyVersionId);
		if (version === undefined || dataRevision === null) continue;
		const key = marketKey(instrumentId, version.timeframe);
		const present = requests.get(key);
		requests.set(key, {
			instrumentId,
			timeframe: version.timeframe,
			candles: Math.max(version.history, present?.candles ?? 0),
			revision: dataRevision,
			dueAt: Math.max(dueAt.getTime(), present?.dueAt ?? 0),
		});
	}
	const markets = await context.windows.load(context.pool, [...requests.values()], now);
	const nowMs = (now ?? new Date()).getTime();
	return claimed.flatMap((check) => {
		const version = versions.get(check.strategyVersionId);
		if (version === undefined) return [];
		const market = markets.get(marketKey(check.instrumentId, version.timeframe)) ?? null;
		return [evaluateCheck({ ...check, strategy: version.strategy, timeframe: version.timeframe, market }, nowMs)];
	});
}

/** One attempt to fetch live what is too old; whoever else is fetching it already is given two seconds. */
async function refreshStale(
	context: WorkerContext,
	claimed: readonly ClaimedForCheck[],
	now?: Date,
): Promise<readonly ClaimedForCheck[]> {
	const nowMs = (now ?? new Date()).getTime();
	const isStale = ({ dataFetchedAt }: { dataFetchedAt: Date | null }) =>
		dataFetchedAt === null || nowMs - dataFetchedAt.getTime() > maxDataAgeMs;
	const stale = [...new Set(claimed.filter(isStale).map(({ instrumentId }) => instrumentId))];
	if (stale.length === 0) return claimed;

	await fetchFeeds(
		{ pool: context.pool, workerId: context.workerId, marketData: (id) => context.venues.marketData(id) },
		{ instrumentIds: stale, ...(now === undefined ? {} : { now }) },
	);
	let ages = await findDataAges(context.pool, { instrumentIds: stale });
	for (let waited = 0; waited < 2_000 && !context.isSimulated && ages.some(isFetchedStale); waited += 200) {
		await sleep(200);
		ages = await findDataAges(context.pool, { instrumentIds: stale });
	}
	function isFetchedStale({ fetchedAt }: { fetchedAt: Date | null }): boolean {
		return isStale({ dataFetchedAt: fetchedAt });
	}
	const byId = new Map(ages.map((age) => [age.instrumentId, age]));
	return claimed.map((check) => {
		const age = byId.get(check.instrumentId);
		return age === undefined ? check : { ...check, dataFetchedAt: age.fetchedAt, dataRevision: age.revision };
	});
}

async function recordBatch(
	context: WorkerContext,
	checks: readonly EvaluatedCheck[],
	now?: Date,
): Promise<Awaited<ReturnType<typeof recordChecks>>> {
	if (checks.length === 0) return [];
	const { pool, workerId, log } = context;
	try {
		const recorded = await recordChecks(pool, { checks, workerId, now });
		for (const row of recorded) {
			if (row.tradeId !== null) log.info({ bot: row.botId, trade: row.tradeId, signal: row.signalId }, 'signal queued');
		}
		return recorded;
	} catch (error) {
		if (isDatabaseAway(error)) throw error;
		if (isPassing(error)) return await recordBatch(context, checks, now);
		const [only] = checks;
		if (checks.length === 1 && only !== undefined) {
			log.error({ bot: only.bot_id, error: errorMessage(error) }, 'check could not be recorded');
			if (only.failure === 'FAILED') throw error;
			return await recordBatch(context, [asFailed(only, errorMessage(error))], now);
		}
		const middle = Math.ceil(checks.length / 2);
		const first = await recordBatch(context, checks.slice(0, middle), now);
		return [...first, ...(await recordBatch(context, checks.slice(middle), now))];
	}
}

function asFailed(check: EvaluatedCheck, error: string): EvaluatedCheck {
	return {
		...check,
		price: null,
		score: null,
		factors: null,
		regime_direction: null,
		regime_volatility: null,
		candle_at: null,
		decision: 'NONE',
		reason_code: 'CHECK_FAILED',
		failure: 'FAILED',
		error,
	};
}
