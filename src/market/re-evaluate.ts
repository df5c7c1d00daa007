/**
 * A past signal once more: its strategy version on the candles that are stored now, as of the moment at which it was decided.
 * Equal scores show that nothing but those candles entered the decision; what stands against them being equal is named.
 */
import { findSignalBasis, type SignalBasis } from '../database/functions/checks.ts';
import type { Queryable } from '../database/functions/define.ts';
import { findLateCandles } from '../database/functions/market.ts';
import { type Timeframe, timeframeMs } from '../domain.ts';
import { BotboxError, errorMessage } from '../errors.ts';
import type { StrategyElsewhere } from '../strategies/catalogue.ts';
import { prepareStrategy } from '../strategies/registry.ts';
import type { Evaluation, FactorResult, HeldPosition, PreparedStrategy, WindowNeed } from '../strategies/strategy.ts';
import { viewOf } from './views.ts';
import { CandleWindows, type Market, marketKey, type WindowRequest } from './windows.ts';

/** Scores that differ by no more are the same. */
export const scoreTolerance = 1e-9;

export interface ReEvaluation {
	readonly recordedScore: number | null;
	/** Null where it could not be evaluated again, or where the stored candles no longer define it. */
	readonly score: number | null;
	/** Of the new evaluation; empty where there was none. */
	readonly factors: readonly FactorResult[];
	/** New less recorded score; null unless both are there. */
	readonly difference: number | null;
	/** Both within `scoreTolerance`, and so is each factor's score. */
	readonly isEqual: boolean;
	/** Factors whose scores differ by more than `scoreTolerance`. */
	readonly differingFactors: readonly string[];
	/** What keeps it from being evaluated as it was, in words; empty when nothing does. */
	readonly missing: readonly string[];
	/** Candles within its windows that were stored or corrected only after it was decided. */
	readonly lateCandles: readonly LateCandle[];
}

export interface LateCandle {
	readonly instrumentId: number;
	readonly timeframe: Timeframe;
	readonly openAt: Date;
	readonly recordedAt: Date;
}

/** Answers for strategies whose code runs elsewhere; null for those that run here. */
export type FindElsewhere = (name: string, parameters: unknown) => Promise<StrategyElsewhere | null>;

/** Throws NOT_FOUND where there is no such signal. Users' strategies are asked through `findElsewhere`. */
export async function reEvaluateSignal(
	db: Queryable,
	signalId: number,
	findElsewhere: FindElsewhere = async () => null,
): Promise<ReEvaluation> {
	const [basis] = await findSignalBasis(db, { signalId });
	if (basis === undefined) throw new BotboxError('NOT_FOUND', `there is no signal ${signalId}`);
	if (basis.factors === null || basis.score === null) {
		return unevaluated(basis, 'no score was recorded: a stop, a person or a rule without score decided');
	}
	let strategy: Asked;
	try {
		const elsewhere = await findElsewhere(basis.strategyName, basis.parameters);
		strategy =
			elsewhere === null
				? prepareStrategy(basis.strategyName, basis.parameters)
				: { ...elsewhere.description, evaluate: elsewhere.evaluate };
	} catch (error) {
		return unevaluated(basis, `its strategy cannot be evaluated here: ${errorMessage(error)}`);
	}
	const seen = await loadSeen(db, basis, strategy);
	const { main } = seen;
	if (main === null || main.candleAt !== basis.candleAt.getTime()) {
		return unevaluated(basis, `candle ${basis.candleAt.toISOString()} is not stored any more`);
	}
	const view = viewOf({ main, funding: seen.funding(basis.instrumentId), further: seen.further, legs: seen.legs });
	// Only how much is held is not known any more; scores are of the market alone.
	let evaluation: Evaluation;
	try {
		evaluation = await strategy.evaluate(view, positionOf(basis), basis.decidedAt.getTime());
	} catch (error) {
		return unevaluated(basis, `its strategy failed: ${errorMessage(error)}`);
	}
	const lateCandles = await findLateCandles(db, { windows: seen.windows(), since: basis.decidedAt });
	return compare(basis, evaluation, { missing: seen.missing(), lateCandles });
}

interface Asked extends Pick<PreparedStrategy, 'history' | 'readsFunding'> {
	evaluate(...seen: Parameters<PreparedStrategy['evaluate']>): Evaluation | Promise<Evaluation>;
}

interface Seen {
	readonly main: Market | null;
	readonly further: readonly Market[];
	readonly legs: Parameters<typeof viewOf>[0]['legs'];
	funding(instrumentId: number): Parameters<typeof viewOf>[0]['funding'];
	missing(): string[];
	windows(): object[];
}

/** The markets as they were: the strategy's own timeframe up to its candle, everything else up to the decision. */
async function loadSeen(db: Queryable, basis: SignalBasis, strategy: Asked): Promise<Seen> {
	const { timeframe, instrumentId, decidedAt } = basis;
	const windows = new CandleWindows();
	const closedAt = new Date(basis.candleAt.getTime() + timeframeMs[timeframe]);
	const own: WindowNeed = { timeframe, history: Math.max(basis.history, strategy.history) };
	const further = basis.furtherWindows as readonly WindowNeed[];
	const legIds = basis.furtherInstrumentIds ?? [];
	const request = (id: number, need: WindowNeed, at: Date): WindowRequest => {
		const { timeframe: frame, history: candles } = need;
		return { instrumentId: id, timeframe: frame, candles, revision: 0, historyRevision: null, dueAt: at.getTime() };
	};
	const markets = new Map([
		...(await windows.load(
			db,
			[instrumentId, ...legIds].map((id) => request(id, own, closedAt)),
			closedAt,
		)),
		...(await windows.load(
			db,
			further.map((need) => request(instrumentId, need, decidedAt)),
			decidedAt,
		)),
	]);
	const rates = strategy.readsFunding
		? await windows.funding.load(db, [instrumentId, ...legIds], decidedAt)
		: new Map<number, null>();
	const marketOf = (id: number, frame: Timeframe): Market | null => markets.get(marketKey(id, frame)) ?? null;
	const funding: Seen['funding'] = (id) => rates.get(id) ?? null;
	const wanted = [
		...[instrumentId, ...legIds].map((id) => ({ id, frame: timeframe, history: strategy.history })),
		...further.map((need) => ({ id: instrumentId, frame: need.timeframe, history: need.history })),
	];
	return {
		main: marketOf(instrumentId, timeframe),
		further: further.flatMap((need) => marketOf(instrumentId, need.timeframe) ?? []),
		legs: legIds.flatMap((id) => {
			const market = marketOf(id, timeframe);
			return market === null ? [] : [{ market, funding: funding(id) }];
		}),
		funding,
		missing: () =>
			wanted.flatMap(({ id, frame, history }) => {
				const stored = marketOf(id, frame)?.view.candles.close.length ?? 0;
				return stored >= history ? [] : [`${stored} of ${history} candles of ${frame} are stored for instrument ${id}`];
			}),
		windows: () =>
			wanted.flatMap(({ id, frame, history }) => {
				const openAt = marketOf(id, frame)?.view.candles.openAt ?? new Float64Array();
				const [first, last] = [openAt[Math.max(openAt.length - history, 0)], openAt.at(-1)];
				if (first === undefined || last === undefined) return [];
				const [firstAt, lastAt] = [new Date(first).toISOString(), new Date(last).toISOString()];
				return [{ instrument_id: id, timeframe: frame, first_at: firstAt, last_at: lastAt }];
			}),
	};
}

function positionOf(basis: SignalBasis): HeldPosition | null {
	const { positionDirection, positionQuantity, positionEntryPrice, positionOpenedAt } = basis;
	if (positionDirection === null || positionOpenedAt === null) return null;
	return {
		direction: positionDirection,
		quantity: Number(positionQuantity ?? 0),
		averageEntryPrice: Number(positionEntryPrice ?? 0),
		lots: basis.positionLots ?? 1,
		openedAt: positionOpenedAt.getTime(),
	};
}

function unevaluated(basis: SignalBasis, why: string): ReEvaluation {
	return {
		recordedScore: basis.score,
		score: null,
		factors: [],
		difference: null,
		isEqual: false,
		differingFactors: [],
		missing: [why],
		lateCandles: [],
	};
}

function compare(
	basis: SignalBasis,
	{ score, factors }: { readonly score: number | null; readonly factors: readonly FactorResult[] },
	found: Pick<ReEvaluation, 'missing' | 'lateCandles'>,
): ReEvaluation {
	const recorded = new Map((basis.factors as readonly FactorResult[]).map((factor) => [factor.name, factor.score]));
	const differingFactors = factors.filter((factor) => !isSame(factor.score, recorded.get(factor.name) ?? null));
	return {
		recordedScore: basis.score,
		score,
		factors,
		difference: score === null || basis.score === null ? null : score - basis.score,
		isEqual: isSame(score, basis.score) && differingFactors.length === 0,
		differingFactors: differingFactors.map(({ name }) => name),
		...found,
	};
}

function isSame(a: number | null, b: number | null): boolean {
	return a === null || b === null ? a === b : Math.abs(a - b) <= scoreTolerance;
}
