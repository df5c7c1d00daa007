/**
 * The results of this worker's last checks: a scheduled check of a bot for which nothing has changed since repeats its result
 * without evaluating. Nothing has changed while strategy version, market view and position are the same and the strategy's own
 * word (`Evaluation.validUntilMs`) holds. A view is one object as long as every window and funding rate in it is the same, so a
 * closed or corrected candle, or another regime, makes another view. Exits on price are the guard's and go on meanwhile.
 *
 * Lives in memory only: after a restart, or on another worker, a check is evaluated once more.
 */
import type { CheckKind } from '../database/functions/define.ts';
import type { Evaluation, HeldPosition, MarketView } from '../strategies/strategy.ts';

/** What decides whether a result still holds. */
export interface CheckSubject {
	readonly botId: number;
	readonly kind: CheckKind;
	readonly strategyVersionId: number;
	readonly view: MarketView | null;
	readonly position: HeldPosition | null;
}

/** How often a strategy was asked and how often a result was repeated. */
export interface CheckUse {
	evaluated: number;
	repeated: number;
}

/** Stands for a view without keeping its candles alive. */
interface ViewToken {
	/** The last evaluation of each version, so that bots that were answered alike share one object. */
	readonly latest: Map<number, Evaluation>;
}

interface Kept {
	readonly token: ViewToken;
	readonly strategyVersionId: number;
	readonly position: HeldPosition | null;
	readonly evaluation: Evaluation;
}

/** Measured: 93 bytes each while flat, 317 with a position; 19 to 63 MB at most. */
const maxBots = 200_000;

export class CheckCache {
	readonly use: CheckUse = { evaluated: 0, repeated: 0 };
	readonly #tokens = new WeakMap<MarketView, ViewToken>();
	readonly #kept = new Map<number, Kept>();
	readonly #maxBots: number;

	constructor(limit = maxBots) {
		this.#maxBots = limit;
	}

	get size(): number {
		return this.#kept.size;
	}

	/** The evaluation that this check would come to again; null: it has to be evaluated. A person who asks is never given an old one. */
	find(check: CheckSubject, nowMs: number): Evaluation | null {
		const evaluation = this.#look(check, nowMs);
		if (evaluation !== null) this.use.repeated += 1;
		return evaluation;
	}

	/** Whether `find` would find one. */
	has(check: CheckSubject, nowMs: number): boolean {
		return this.#look(check, nowMs) !== null;
	}

	#look(check: CheckSubject, nowMs: number): Evaluation | null {
		if (check.kind !== 'SCHEDULED' || check.view === null) return null;
		const kept = this.#kept.get(check.botId);
		if (kept === undefined) return null;
		const holds =
			kept.strategyVersionId === check.strategyVersionId &&
			kept.token === this.#tokens.get(check.view) &&
			isSamePosition(kept.position, check.position) &&
			isValid(kept.evaluation, nowMs);
		return holds ? kept.evaluation : null;
	}

	/** Takes note of an evaluation whose result cannot come again. */
	pass({ botId }: CheckSubject): void {
		this.use.evaluated += 1;
		// Of a strategy of longer candles that the bot may have had before.
		this.#kept.delete(botId);
	}

	/** Takes over the result of an evaluation, if it says how long it holds. */
	keep(check: CheckSubject, evaluation: Evaluation, nowMs: number): void {
		this.pass(check);
		if (check.view === null || !isValid(evaluation, nowMs)) return;
		const token = this.#tokenOf(check.view);
		const { strategyVersionId, position } = check;
		const latest = token.latest.get(strategyVersionId);
		const shared = latest !== undefined && isSameEvaluation(latest, evaluation) ? latest : evaluation;
		token.latest.set(strategyVersionId, shared);
		this.#kept.set(check.botId, { token, strategyVersionId, position, evaluation: shared });
		if (this.#kept.size <= this.#maxBots) return;
		// The bot that was evaluated longest ago goes first: a Map keeps the order of insertion.
		for (const botId of this.#kept.keys()) {
			this.#kept.delete(botId);
			break;
		}
	}

	#tokenOf(view: MarketView): ViewToken {
		const known = this.#tokens.get(view);
		if (known !== undefined) return known;
		const token: ViewToken = { latest: new Map() };
		this.#tokens.set(view, token);
		return token;
	}
}

function isValid(evaluation: Evaluation, nowMs: number): boolean {
	return evaluation.validUntilMs !== undefined && nowMs < evaluation.validUntilMs;
}

function isSamePosition(a: HeldPosition | null, b: HeldPosition | null): boolean {
	if (a === null || b === null) return a === b;
	return (
		a.direction === b.direction &&
		a.quantity === b.quantity &&
		a.averageEntryPrice === b.averageEntryPrice &&
		a.lots === b.lots &&
		a.openedAt === b.openedAt
	);
}

/** Factors by identity: bots of one version that see one view share them. */
function isSameEvaluation(a: Evaluation, b: Evaluation): boolean {
	const names = Object.keys(a) as (keyof Evaluation)[];
	return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
