/**
 * A batch of claimed checks, scheduled or manual: refresh what is stale, load each market once, evaluate, record in one call.
 *
 * Reads: strategy versions, candles, funding rates. Writes: through record_checks only. Nothing here survives a crash and nothing
 * needs to: the claims lapse and the bots stay due.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseAway, isPassing } from '../database/failures.ts';
import { loadStrategyVersions, recordChecks, type StrategyVersion } from '../database/functions/checks.ts';
import type { CheckKind } from '../database/functions/define.ts';
import { findDataAges } from '../database/functions/market.ts';
import type { Direction, Timeframe } from '../domain.ts';
import { errorMessage } from '../errors.ts';
import { fetchFeeds } from '../market/feed.ts';
import { viewOf } from '../market/views.ts';
import { type FeedRevision, type Market, marketKey, type WindowRequest } from '../market/windows.ts';
import { checkCpuSeconds, checkLateSeconds, checkSeconds, checksTotal, signalsTotal } from '../metrics.ts';
import { findStrategy, prepareStrategy } from '../strategies/registry.ts';
import type { FundingRates, HeldPosition, MarketView, PreparedStrategy, WindowNeed } from '../strategies/strategy.ts';
import { checkLeaseMs, type WorkerContext } from './context.ts';
import { crashPoint } from './crash-points.ts';
import { asksStrategy, type EvaluatedCheck, evaluateCheck, heldPosition, maxDataAgeMs } from './evaluate.ts';
import type { OwnCheck, OwnVersion } from './own-checks.ts';

/** A claimed check on its way to evaluation. */
export interface ClaimedForCheck {
	readonly botId: number;
	readonly dueAt: Date;
	readonly kind: CheckKind;
	readonly isDryRun: boolean;
	readonly strategyVersionId: number;
	readonly instrumentId: number;
	readonly dataFetchedAt: Date | null;
	/** Null without a feed. */
	readonly dataRevision: FeedRevision | null;
	/** Legs of a pair beyond the first, with the revisions of their feeds. */
	readonly furtherLegs: readonly ({ readonly instrumentId: number } & FeedRevision)[];
	readonly position: HeldPosition | null;
}

interface Claim {
	readonly verdict: string;
	readonly strategyVersionId: number | null;
	readonly instrumentId: number | null;
	readonly dataFetchedAt: Date | null;
	readonly dataRevision: number | null;
	readonly dataHistoryRevision: number | null;
	readonly positionDirection: Direction | null;
	readonly positionQuantity: string | null;
	readonly positionEntryPrice: string | null;
	readonly positionLots: number | null;
	readonly positionOpenedAt: Date | null;
	readonly furtherInstrumentIds: number[] | null;
	readonly furtherRevisions: number[] | null;
	readonly furtherHistoryRevisions: number[] | null;
}

/** From the row of a claim, scheduled or manual; null unless it was CLAIMED. */
export function toClaimed(
	claim: Claim,
	check: Pick<ClaimedForCheck, 'botId' | 'dueAt' | 'kind' | 'isDryRun'>,
): ClaimedForCheck | null {
	const { verdict, strategyVersionId, instrumentId, dataRevision: revision } = claim;
	if (verdict !== 'CLAIMED' || strategyVersionId === null || instrumentId === null) return null;
	return {
		...check,
		strategyVersionId,
		instrumentId,
		dataFetchedAt: claim.dataFetchedAt,
		dataRevision: revision === null ? null : { revision, historyRevision: claim.dataHistoryRevision },
		furtherLegs: (claim.furtherInstrumentIds ?? []).map((id, index) => ({
			instrumentId: id,
			revision: claim.furtherRevisions?.[index] ?? 0,
			historyRevision: claim.furtherHistoryRevisions?.[index] ?? null,
		})),
		position: heldPosition(claim),
	};
}

/**
 * Evaluates claimed checks and records them; what cannot be recorded is found by halving and recorded as FAILED. Those of users'
 * strategies take their time in the background, after this has returned unless the clock is simulated: the answer is of the others.
 */
export async function checkAndRecord(context: WorkerContext, claimed: readonly ClaimedForCheck[], now?: Date) {
	if (claimed.length === 0) return [];
	const leaseEndsAt = performance.now() + checkLeaseMs;
	const fresh = await refreshStale(context, claimed, now);
	const cpuBefore = process.cpuUsage();
	const { evaluated, own } = await evaluateAll(context, fresh, now);
	const recorded = await recordBatch(context, evaluated, now);
	const { user, system } = process.cpuUsage(cpuBefore);
	checkCpuSeconds.inc((user + system) / 1e6);
	if (own.length > 0 && context.ownChecks !== undefined) {
		const record = (checks: readonly EvaluatedCheck[]) => recordBatch(context, checks, now);
		const running = context.ownChecks.run({ ...context, record }, own, { leaseEndsAt, now });
		// They take the time that users' code takes, and nobody else waits for it. On a simulated clock nothing else goes on meanwhile.
		if (context.isSimulated) await running;
	}
	return recorded;
}

interface Version {
	/** Of an own strategy: only what the pipeline reads; it is evaluated in a thread. */
	readonly strategy: PreparedStrategy;
	readonly own: OwnVersion | null;
	readonly timeframe: Timeframe;
	readonly history: number;
	readonly furtherWindows: readonly WindowNeed[];
}

/** Strategy versions never change, so what was once prepared is kept; by database, in which alone their numbers mean something. */
const preparedIn = new WeakMap<WorkerContext['pool'], Map<number, Version>>();

function preparedOf(pool: WorkerContext['pool']): Map<number, Version> {
	const known = preparedIn.get(pool);
	if (known !== undefined) return known;
	const versions = new Map<number, Version>();
	preparedIn.set(pool, versions);
	return versions;
}

type Versions = Pick<ReadonlyMap<number, Version>, 'get'>;

async function strategiesOf(context: WorkerContext, ids: readonly number[]): Promise<Versions> {
	const prepared = preparedOf(context.pool);
	const missing = [...new Set(ids)].filter((id) => !prepared.has(id));
	const faulty = new Map<number, Version>();
	if (missing.length > 0) {
		for (const version of await loadStrategyVersions(context.pool, { ids: missing })) {
			try {
				prepared.set(version.id, await prepareVersion(context, version));
			} catch (error) {
				// Parameters of another release, or a user's file that is gone: its own checks fail, with the reason, and no others.
				faulty.set(version.id, { ...fieldsOf(version), own: null, strategy: unusable(version, error) });
			}
		}
	}
	return { get: (id) => faulty.get(id) ?? prepared.get(id) };
}

async function prepareVersion(context: WorkerContext, version: StrategyVersion): Promise<Version> {
	const fields = fieldsOf(version);
	const strategy = (await context.ownChecks?.catalogue.own(version.strategyName)) ?? null;
	const { strategyName, parameters } = version;
	if (strategy === null) {
		// Refused in words that name the files that could not be loaded.
		if (findStrategy(strategyName) === null) await context.ownChecks?.catalogue.parse(strategyName, parameters);
		return { ...fields, own: null, strategy: prepareStrategy(strategyName, parameters) };
	}
	return {
		...fields,
		own: { strategy, parameters, history: fields.history, furtherWindows: fields.furtherWindows },
		strategy: unusable(version, new Error('a strategy of a user is evaluated in its thread')),
	};
}

function fieldsOf({ timeframe, history, furtherWindows }: StrategyVersion) {
	return { timeframe, history, furtherWindows: furtherWindows as readonly WindowNeed[] };
}

/** What the pipeline reads of a strategy, for one that cannot be asked here. */
function unusable({ timeframe, history, maxLots }: StrategyVersion, error: unknown): PreparedStrategy {
	return {
		...{ timeframe, history, maxLots, favourableRegimes: [] },
		// Whether a user's strategy reads them only its thread could say: they are in memory anyway.
		readsFunding: true,
		evaluate: () => {
			throw error;
		},
	};
}

async function evaluateAll(
	context: WorkerContext,
	claimed: readonly ClaimedForCheck[],
	now?: Date,
): Promise<{ evaluated: EvaluatedCheck[]; own: OwnCheck[] }> {
	const ids = claimed.map(({ strategyVersionId }) => strategyVersionId);
	const versions = await strategiesOf(context, ids);
	const look = await loadMarkets(context, claimed, versions, now);
	const nowMs = (now ?? new Date()).getTime();
	const told = new Set<Market>();
	const evaluated: EvaluatedCheck[] = [];
	const own: OwnCheck[] = [];
	for (const claim of claimed) {
		const version = versions.get(claim.strategyVersionId);
		if (version === undefined) continue;
		const { strategy, timeframe } = version;
		const { market, view, legs } = look(claim);
		const tellsRegime = market !== null && !told.has(market);
		if (market !== null) told.add(market);
		const check = { ...claim, strategy, timeframe, market, view, legs, tellsRegime };
		if (version.own !== null && asksStrategy(check, nowMs, context.checkCache))
			own.push({ check, version: version.own });
		else evaluated.push(evaluateCheck(check, nowMs, context.checkCache));
	}
	return { evaluated, own };
}

/** What one check looks at. */
interface Looked {
	readonly market: Market | null;
	/** Null while a market that the check needs has no candle. */
	readonly view: MarketView | null;
	readonly legs: readonly { readonly instrumentId: number; readonly market: Market }[];
}

/** Loads every market that the checks look at, each once, and answers how to look at them for one check. */
async function loadMarkets(
	context: WorkerContext,
	claimed: readonly ClaimedForCheck[],
	versions: Versions,
	now?: Date,
): Promise<(check: ClaimedForCheck) => Looked> {
	const requests = new WindowRequests();
	const withFunding: number[] = [];
	for (const { instrumentId, strategyVersionId, dataRevision, dueAt, furtherLegs } of claimed) {
		const version = versions.get(strategyVersionId);
		if (version === undefined || dataRevision === null) continue;
		const dueMs = dueAt.getTime();
		requests.add(instrumentId, version, dataRevision, dueMs);
		for (const need of version.furtherWindows) requests.add(instrumentId, need, dataRevision, dueMs);
		for (const leg of furtherLegs) requests.add(leg.instrumentId, version, leg, dueMs);
		if (version.strategy.readsFunding) withFunding.push(instrumentId, ...furtherLegs.map((leg) => leg.instrumentId));
	}
	const markets = await context.windows.load(context.pool, requests.all(), now);
	const funding =
		withFunding.length > 0 ? await context.windows.funding.load(context.pool, withFunding, now) : new Map();

	return ({ instrumentId, strategyVersionId, furtherLegs }) => {
		const version = versions.get(strategyVersionId);
		const main = version && markets.get(marketKey(instrumentId, version.timeframe));
		if (version === undefined || main === undefined) return { market: null, view: null, legs: [] };
		const fundingOf = (id: number): FundingRates | null =>
			version.strategy.readsFunding ? (funding.get(id) ?? null) : null;
		const legs = furtherLegs.flatMap((leg) => {
			const market = markets.get(marketKey(leg.instrumentId, version.timeframe));
			return market === undefined ? [] : [{ instrumentId: leg.instrumentId, market }];
		});
		// A pair is not judged by one of its legs.
		if (legs.length < furtherLegs.length) return { market: main, view: null, legs: [] };
		const view = viewOf({
			main,
			funding: fundingOf(instrumentId),
			further: version.furtherWindows.flatMap(({ timeframe }) => markets.get(marketKey(instrumentId, timeframe)) ?? []),
			legs: legs.map((leg) => ({ market: leg.market, funding: fundingOf(leg.instrumentId) })),
		});
		return { market: main, view, legs };
	};
}

/** One request per instrument and timeframe: for the most demanding of the checks that ask. */
class WindowRequests {
	readonly #byKey = new Map<string, WindowRequest>();

	add(instrumentId: number, need: WindowNeed, { revision, historyRevision }: FeedRevision, dueAt: number): void {
		const key = marketKey(instrumentId, need.timeframe);
		const present = this.#byKey.get(key);
		this.#byKey.set(key, {
			instrumentId,
			timeframe: need.timeframe,
			candles: Math.max(need.history, present?.candles ?? 0),
			revision,
			historyRevision,
			dueAt: Math.max(dueAt, present?.dueAt ?? 0),
		});
	}

	all(): WindowRequest[] {
		return [...this.#byKey.values()];
	}
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
	const instrumentsOf = ({ instrumentId, furtherLegs }: ClaimedForCheck) => [
		instrumentId,
		...furtherLegs.map((leg) => leg.instrumentId),
	];
	const stale = [...new Set(claimed.filter(isStale).flatMap(instrumentsOf))];
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
		if (age === undefined) return check;
		// A pair is as fresh as the staler of its legs.
		const fetched = instrumentsOf(check).map((id) => byId.get(id)?.fetchedAt?.getTime() ?? null);
		const oldest = fetched.reduce((least, at) => (least === null || at === null ? null : Math.min(least, at)));
		return {
			...check,
			dataFetchedAt: oldest === null ? null : new Date(oldest),
			dataRevision: age,
			furtherLegs: check.furtherLegs.map((leg) => {
				const { revision, historyRevision } = byId.get(leg.instrumentId) ?? leg;
				return { ...leg, revision, historyRevision };
			}),
		};
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
		crashPoint('checks:before-record');
		const recorded = await recordChecks(pool, { checks, workerId, now });
		crashPoint('checks:after-record');
		count(checks, recorded, now);
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

/** Into the metrics of this process. */
function count(
	checks: readonly EvaluatedCheck[],
	recorded: Awaited<ReturnType<typeof recordChecks>>,
	now: Date = new Date(),
): void {
	for (const { duration_ms: ms } of checks) checkSeconds.observe(ms / 1_000);
	// Labels are costly to look up: once per kind and outcome, not once per check.
	const groups = new Map<string, { kind: CheckKind; outcome: string; checks: number }>();
	for (const { kind, outcome, reasonCode: reason, signalId, dueAt } of recorded) {
		const group = groups.get(`${kind} ${outcome}`) ?? { kind, outcome, checks: 0 };
		group.checks += 1;
		groups.set(`${kind} ${outcome}`, group);
		if (signalId !== null) signalsTotal.inc({ outcome, reason });
		if (kind === 'SCHEDULED') checkLateSeconds.observe(Math.max(now.getTime() - dueAt.getTime(), 0) / 1_000);
	}
	for (const { kind, outcome, checks: counted } of groups.values()) checksTotal.inc({ kind, outcome }, counted);
}

function asFailed(check: EvaluatedCheck, error: string): EvaluatedCheck {
	return {
		...check,
		price: undefined,
		score: undefined,
		factors: undefined,
		regime_direction: undefined,
		regime_volatility: undefined,
		regime_figures: undefined,
		candle_at: undefined,
		decision: 'NONE',
		reason_code: 'CHECK_FAILED',
		failure: 'FAILED',
		error,
	};
}
