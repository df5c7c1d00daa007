/**
 * Evaluations of users' strategies, so arranged that none waits for another's faults. Each file has a lane of its own, a thread
 * that evaluates one check after the other; a strategy version of which a bot hung or killed its thread goes to the file's second lane
 * until that bot's check succeeds, so that the other versions of the file go on. Within a lane bots that did nothing wrong come first.
 */
import { performance } from 'node:perf_hooks';
import type { Evaluation } from '../strategies/strategy.ts';
import type { Catalogue, OwnStrategy } from './catalogue.ts';
import { type CheckData, evaluationSchema, parseAnswer } from './protocol.ts';
import { type StrategyThread, StrategyThreadEnded, StrategyTimedOut } from './strategy-thread.ts';

/** The evaluation could not begin in time, or nothing is begun any more: it may be asked for again. */
export class StrategyNotStarted extends Error {
	override readonly name = 'StrategyNotStarted';
}

export interface EvaluationTask {
	readonly strategy: OwnStrategy;
	readonly strategyVersionId: number;
	readonly botId: number;
	/** Somebody waits for the answer. */
	readonly isUrgent: boolean;
	/** By `performance.now()`: it is not begun later. */
	readonly startBefore: number;
	/** Called when the evaluation begins. */
	readonly data: () => CheckData;
}

interface Waiting {
	readonly task: EvaluationTask;
	readonly resolve: (evaluation: Evaluation) => void;
	readonly reject: (error: unknown) => void;
}

interface Lane {
	readonly thread: StrategyThread;
	readonly waiting: Waiting[];
	isRunning: boolean;
}

/** More than that wait for lack of a limit somewhere else. */
const maxWaiting = 10_000;

export class StrategyLanes {
	readonly #catalogue: Pick<Catalogue, 'startThread'>;
	readonly #lanes = new Map<string, Lane>();
	/** Bots whose last evaluation hung or ended its thread, by strategy version, with how often in a row. */
	readonly #suspects = new Map<number, Map<number, number>>();
	#isEnding = false;

	constructor(catalogue: Pick<Catalogue, 'startThread'>) {
		this.#catalogue = catalogue;
	}

	/** Throws StrategyNotStarted, StrategyTimedOut, StrategyThreadEnded, and whatever the strategy threw as an Error. */
	async evaluate(task: EvaluationTask): Promise<Evaluation> {
		const lane = this.#laneOf(task);
		if (this.#isEnding || lane.waiting.length >= maxWaiting) throw new StrategyNotStarted('nothing more is begun');
		return await new Promise((resolve, reject) => {
			lane.waiting.push({ task, resolve, reject });
			void this.#runNext(lane);
		});
	}

	/** Begins nothing more; `end` ends what is under way too. */
	drain(): void {
		this.#isEnding = true;
		for (const lane of this.#lanes.values()) {
			for (const { reject } of lane.waiting.splice(0)) reject(new StrategyNotStarted('nothing more is begun'));
		}
	}

	async end(): Promise<void> {
		this.drain();
		await Promise.all([...this.#lanes.values()].map(({ thread }) => thread.end()));
	}

	#laneOf({ strategy, strategyVersionId }: EvaluationTask): Lane {
		const isSuspect = (this.#suspects.get(strategyVersionId)?.size ?? 0) > 0;
		const key = `${strategy.file.name}${isSuspect ? ' suspects' : ''}`;
		const known = this.#lanes.get(key);
		if (known !== undefined) return known;
		const lane: Lane = { thread: this.#catalogue.startThread(strategy), waiting: [], isRunning: false };
		this.#lanes.set(key, lane);
		return lane;
	}

	async #runNext(lane: Lane): Promise<void> {
		if (lane.isRunning) return;
		const next = this.#takeNext(lane);
		if (next === null) return;
		lane.isRunning = true;
		const { task, resolve, reject } = next;
		try {
			const answer = await lane.thread.ask(() => ({ kind: 'evaluate', check: task.data() }));
			this.#trust(task);
			resolve(parseAnswer(evaluationSchema, answer, 'evaluation'));
		} catch (error) {
			if (error instanceof StrategyTimedOut || error instanceof StrategyThreadEnded) this.#suspect(task);
			else this.#trust(task);
			reject(error);
		}
		lane.isRunning = false;
		void this.#runNext(lane);
	}

	/** What is too late is refused; then whoever waits, before all others those who never hung, in the order in which they came. */
	#takeNext(lane: Lane): Waiting | null {
		const now = performance.now();
		const inTime: Waiting[] = [];
		for (const entry of lane.waiting.splice(0)) {
			if (entry.task.startBefore >= now) inTime.push(entry);
			else entry.reject(new StrategyNotStarted('its turn did not come in time'));
		}
		let best = 0;
		for (let index = 1; index < inTime.length; index += 1) {
			if (this.#rank(inTime[index]) < this.#rank(inTime[best])) best = index;
		}
		const [next = null] = inTime.splice(best, 1);
		lane.waiting.push(...inTime);
		return next;
	}

	#rank(entry: Waiting | undefined): number {
		if (entry === undefined) return Number.POSITIVE_INFINITY;
		const { strategyVersionId, botId, isUrgent } = entry.task;
		const ofVersion = this.#suspects.get(strategyVersionId);
		const times = ofVersion?.get(botId) ?? 0;
		// Bots of a version that hung come behind those of one that did not, also while both still wait in one lane.
		return 4 * times + ((ofVersion?.size ?? 0) > 0 ? 2 : 0) + (isUrgent ? 0 : 1);
	}

	#suspect({ strategyVersionId, botId }: EvaluationTask): void {
		const bots = this.#suspects.get(strategyVersionId) ?? new Map<number, number>();
		bots.set(botId, (bots.get(botId) ?? 0) + 1);
		this.#suspects.set(strategyVersionId, bots);
	}

	#trust({ strategyVersionId, botId }: EvaluationTask): void {
		const bots = this.#suspects.get(strategyVersionId);
		bots?.delete(botId);
		if (bots?.size === 0) this.#suspects.delete(strategyVersionId);
	}
}
