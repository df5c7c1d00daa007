/**
 * Checks of users' strategies: evaluated in their threads while the worker goes on with all others, and recorded as they finish.
 * A check that could not begin while its claim left time for it is handed back: its bot stays due, and a new job brings it again.
 *
 * Reads: nothing by itself. Writes: through `record` and release_checks. A crash leaves claims that lapse, as with every check.
 */
import { performance } from 'node:perf_hooks';
import { releaseChecks } from '../database/functions/checks.ts';
import type { Jobs } from '../database/jobs.ts';
import type { Pool } from '../database/pool.ts';
import { errorMessage } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Catalogue, OwnStrategy } from '../sandbox/catalogue.ts';
import { checkDataOf, type Looked } from '../sandbox/check-data.ts';
import { StrategyLanes, StrategyNotStarted } from '../sandbox/lanes.ts';
import type { Evaluation } from '../strategies/strategy.ts';
import type { CheckCache } from './check-cache.ts';
import { type CheckToEvaluate, type EvaluatedCheck, evaluateCheck } from './evaluate.ts';

/** A strategy version whose code is a user's. */
export interface OwnVersion extends Looked {
	readonly strategy: OwnStrategy;
}

export interface OwnCheck {
	readonly check: CheckToEvaluate;
	readonly version: OwnVersion;
}

/** What it needs of the worker. */
export interface OwnChecksScope {
	readonly pool: Pool;
	readonly jobs: Pick<Jobs, 'insertChecks'>;
	readonly workerId: string;
	readonly log: Logger;
	readonly checkCache: CheckCache;
	/** Writes finished checks down, some at a time. */
	readonly record: (checks: readonly EvaluatedCheck[]) => Promise<unknown>;
}

export interface RunOptions {
	/** When the checks' claims lapse, by `performance.now()`. */
	readonly leaseEndsAt: number;
	readonly now?: Date | undefined;
}

/** Of the claim's lease, for recording. */
const recordMarginMs = 2_000;
/** A check that was handed back comes again after this long. */
const comeBackMs = 1_000;

interface Finished {
	readonly evaluated: EvaluatedCheck;
	readonly done: () => void;
}

export class OwnChecks {
	readonly catalogue: Catalogue;
	readonly #lanes: StrategyLanes;
	readonly #underWay = new Set<Promise<void>>();
	readonly #finished: Finished[] = [];
	#isRecording = false;

	constructor(catalogue: Catalogue) {
		this.catalogue = catalogue;
		this.#lanes = new StrategyLanes(catalogue);
	}

	/** Resolves when each of the claimed checks is recorded or handed back; never rejects. */
	async run(scope: OwnChecksScope, checks: readonly OwnCheck[], { leaseEndsAt, now }: RunOptions): Promise<void> {
		const startBefore = leaseEndsAt - this.catalogue.limitMs - recordMarginMs;
		const all = checks.map((check) => this.#runOne(scope, check, startBefore, now));
		for (const one of all) {
			this.#underWay.add(one);
			void one.finally(() => this.#underWay.delete(one));
		}
		await Promise.all(all);
	}

	/** Resolves when nothing is under way. */
	async settled(): Promise<void> {
		while (this.#underWay.size > 0) await Promise.all(this.#underWay);
	}

	/** Hands back what has not begun, and waits for what has. */
	async stop(): Promise<void> {
		this.#lanes.drain();
		await this.settled();
		await this.#lanes.end();
		await this.catalogue.close();
	}

	async #runOne(scope: OwnChecksScope, own: OwnCheck, startBefore: number, now?: Date): Promise<void> {
		try {
			const evaluated = await this.#evaluate(scope.checkCache, own, startBefore, now);
			if (evaluated === null) await handBack(scope, own.check);
			else await this.#recordSoon(scope, evaluated);
		} catch (error) {
			scope.log.warn(
				{ bot: own.check.botId, error: errorMessage(error) },
				'check of an own strategy is left to its lease',
			);
		}
	}

	/** Null: it could not begin in time. */
	async #evaluate(
		cache: CheckCache,
		{ check, version }: OwnCheck,
		startBefore: number,
		now?: Date,
	): Promise<EvaluatedCheck | null> {
		let nowMs = Date.now();
		let begun = performance.now();
		let answer: () => Evaluation;
		try {
			const evaluation = await this.#lanes.evaluate({
				strategy: version.strategy,
				strategyVersionId: check.strategyVersionId,
				botId: check.botId,
				isUrgent: check.kind === 'MANUAL',
				startBefore,
				data: () => {
					nowMs = (now ?? new Date()).getTime();
					begun = performance.now();
					if (check.view === null) throw new StrategyNotStarted('there is no market to look at');
					return checkDataOf(check.view, version, check.position, nowMs);
				},
			});
			answer = () => evaluation;
		} catch (error) {
			if (error instanceof StrategyNotStarted) return null;
			answer = () => {
				throw error;
			};
		}
		const durationMs = performance.now() - begun;
		const strategy = { ...check.strategy, evaluate: answer };
		return { ...evaluateCheck({ ...check, strategy }, now?.getTime() ?? nowMs, cache), duration_ms: durationMs };
	}

	/** What finishes while a recording is under way goes into the next one: one round trip for many, and none waits for more to come. */
	async #recordSoon(scope: OwnChecksScope, evaluated: EvaluatedCheck): Promise<void> {
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		this.#finished.push({ evaluated, done: resolve });
		if (!this.#isRecording) this.#recordAll(scope).catch(reject);
		await promise;
	}

	async #recordAll(scope: OwnChecksScope): Promise<void> {
		this.#isRecording = true;
		try {
			while (this.#finished.length > 0) {
				const batch = this.#finished.splice(0);
				try {
					await scope.record(batch.map(({ evaluated }) => evaluated));
				} catch (error) {
					// The database is away: the claims lapse, and the bots are still due.
					scope.log.warn({ checks: batch.length, error: errorMessage(error) }, 'checks of own strategies not recorded');
				}
				for (const { done } of batch) done();
			}
		} finally {
			this.#isRecording = false;
		}
	}
}

/** A manual check is not repeated: whoever asked has been told by then that it took too long. */
async function handBack({ pool, jobs, workerId }: OwnChecksScope, check: CheckToEvaluate): Promise<void> {
	await releaseChecks(pool, { botIds: [check.botId], workerId });
	if (check.kind === 'SCHEDULED')
		await jobs.insertChecks([{ botId: check.botId, dueAt: check.dueAt.toISOString() }], () => comeBackMs);
}
