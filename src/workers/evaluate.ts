/** From claimed checks and markets to evaluated checks: no I/O, one entry of the batch that record_checks takes per bot. */
import { performance } from 'node:perf_hooks';
import type { CheckKind, CheckOutcome } from '../database/functions/define.ts';
import type { Direction, Timeframe } from '../domain.ts';
import { errorMessage } from '../errors.ts';
import type { RegimeFigures } from '../market/regime.ts';
import type { Market } from '../market/windows.ts';
import { StrategyTimedOut } from '../sandbox/strategy-thread.ts';
import type { Evaluation, HeldPosition, IndicatorSpec, MarketView, PreparedStrategy } from '../strategies/strategy.ts';
import type { CheckCache } from './check-cache.ts';

/** Older data than this is refused (R10). */
export const maxDataAgeMs = 120_000;

export interface CheckToEvaluate {
	readonly botId: number;
	readonly dueAt: Date;
	readonly kind: CheckKind;
	readonly isDryRun: boolean;
	readonly strategyVersionId: number;
	readonly timeframe: Timeframe;
	readonly strategy: PreparedStrategy;
	readonly market: Market | null;
	/** What the strategy sees; of `market` and whatever it looks at besides. */
	readonly view: MarketView | null;
	/** Markets of the bot's legs beyond the first; none for a bot of one leg. */
	readonly legs?: readonly { readonly instrumentId: number; readonly market: Pick<Market, 'candleAt' | 'price'> }[];
	readonly dataFetchedAt: Date | null;
	readonly position: HeldPosition | null;
	/** Whether this check carries the figures of its market's regime; one of a batch does for all. */
	readonly tellsRegime?: boolean;
}

/** A `check_input` of the database: fields in its snake case. */
export interface EvaluatedCheck {
	readonly bot_id: number;
	readonly due_at: string;
	readonly kind: CheckKind;
	readonly strategy_version_id: number;
	readonly started_at: string;
	readonly duration_ms: number;
	readonly timeframe: Timeframe;
	readonly candle_at: string | null;
	readonly data_age_ms: number | null;
	readonly price: number | null;
	readonly score: number | null;
	readonly factors: Evaluation['factors'] | null;
	readonly regime_direction: string | null;
	readonly regime_volatility: string | null;
	readonly regime_figures: RegimeFigures | null;
	readonly decision: Evaluation['decision'];
	readonly reason_code: string;
	readonly stop_loss_fraction: number | null;
	readonly take_profit_fraction: number | null;
	readonly failure: CheckOutcome | null;
	readonly error: string | null;
	readonly dry_run: boolean;
	/** Nothing had changed since the bot's last check: its result was repeated. */
	readonly is_repeated: boolean;
	readonly lots: number | null;
	/** Of the position that the strategy saw, 0 without one: lots are counted from there. */
	readonly position_lots: number;
	readonly trailing_stop_fraction: number | null;
	/** Average true range of the strategy's timeframe, in price; for sizing by volatility. */
	readonly atr: number | null;
	/** Legs of a pair beyond the first, each at its own candle; null for a bot of one leg. */
	readonly legs: readonly EvaluatedLeg[] | null;
}

export interface EvaluatedLeg {
	readonly instrument_id: number;
	readonly candle_at: string;
	readonly price: number;
}

export function heldPosition(row: {
	readonly positionDirection: Direction | null;
	readonly positionQuantity: string | null;
	readonly positionEntryPrice: string | null;
	readonly positionLots: number | null;
	readonly positionOpenedAt: Date | null;
}): HeldPosition | null {
	const { positionDirection, positionQuantity, positionEntryPrice, positionLots, positionOpenedAt } = row;
	if (
		positionDirection === null ||
		positionQuantity === null ||
		positionEntryPrice === null ||
		positionOpenedAt === null
	) {
		return null;
	}
	return {
		direction: positionDirection,
		// A strategy judges by floats; what is booked never comes from here.
		quantity: Number(positionQuantity),
		averageEntryPrice: Number(positionEntryPrice),
		lots: positionLots ?? 1,
		openedAt: positionOpenedAt.getTime(),
	};
}

/** `cache`: results that still hold are repeated, new ones kept; without it every check is evaluated. */
export function evaluateCheck(check: CheckToEvaluate, nowMs: number, cache?: CheckCache): EvaluatedCheck {
	const begun = performance.now();
	const dataAgeMs = check.dataFetchedAt === null ? null : Math.max(nowMs - check.dataFetchedAt.getTime(), 0);
	const base = {
		bot_id: check.botId,
		due_at: check.dueAt.toISOString(),
		kind: check.kind,
		strategy_version_id: check.strategyVersionId,
		started_at: new Date(nowMs).toISOString(),
		timeframe: check.timeframe,
		candle_at: check.market === null ? null : new Date(check.market.candleAt).toISOString(),
		data_age_ms: dataAgeMs === null ? null : Math.round(Math.min(dataAgeMs, 2 ** 31 - 1)),
		price: check.market?.price ?? null,
		regime_direction: check.market?.regime?.direction ?? null,
		regime_volatility: check.market?.regime?.volatility ?? null,
		regime_figures: check.tellsRegime ? (check.market?.regimeFigures ?? null) : null,
		dry_run: check.isDryRun,
		is_repeated: false,
		atr: check.market?.view.indicator(sizingRange).value ?? null,
		legs: legsOf(check),
		position_lots: check.position?.lots ?? 0,
	};
	const undecided = (reason: string, failure: CheckOutcome, error: string | null): EvaluatedCheck => ({
		...base,
		duration_ms: performance.now() - begun,
		score: null,
		factors: null,
		decision: 'NONE',
		reason_code: reason,
		stop_loss_fraction: null,
		take_profit_fraction: null,
		lots: null,
		trailing_stop_fraction: null,
		failure,
		error,
	});

	if (dataAgeMs === null || dataAgeMs > maxDataAgeMs) return undecided('STALE_DATA', 'STALE_DATA', null);
	if (check.view === null) return undecided('INSUFFICIENT_HISTORY', 'INSUFFICIENT_HISTORY', null);
	try {
		const known = cache?.find(check, nowMs) ?? null;
		const evaluation = known ?? check.strategy.evaluate(check.view, check.position, nowMs);
		if (known === null) {
			assertSane(evaluation);
			// Between two scheduled checks of a bot a minute closes, so no result on minutes is ever repeated: of 100,000 bots they were 100 MB.
			if (check.timeframe === '1m') cache?.pass(check);
			else cache?.keep(check, evaluation, nowMs);
		}
		return {
			...base,
			is_repeated: known !== null,
			duration_ms: performance.now() - begun,
			score: evaluation.score,
			factors: evaluation.factors,
			decision: evaluation.decision,
			reason_code: evaluation.reason,
			stop_loss_fraction: evaluation.stopLossFraction,
			take_profit_fraction: evaluation.takeProfitFraction,
			lots: evaluation.lots ?? null,
			trailing_stop_fraction: evaluation.trailingStopFraction ?? null,
			failure: evaluation.reason === 'INSUFFICIENT_HISTORY' ? 'INSUFFICIENT_HISTORY' : null,
			error: null,
		};
	} catch (error) {
		if (error instanceof StrategyTimedOut) return undecided('CHECK_TIMED_OUT', 'TIMED_OUT', errorMessage(error));
		return undecided('CHECK_FAILED', 'FAILED', errorMessage(error));
	}
}

/** Whether `evaluateCheck` will ask the strategy: not about data too old, nor without a market, nor what the cache knows. */
export function asksStrategy(check: CheckToEvaluate, nowMs: number, cache: CheckCache): boolean {
	const { dataFetchedAt, view } = check;
	if (dataFetchedAt === null || nowMs - dataFetchedAt.getTime() > maxDataAgeMs) return false;
	return view !== null && !cache.has(check, nowMs);
}

function legsOf({ legs = [] }: CheckToEvaluate): EvaluatedCheck['legs'] {
	if (legs.length === 0) return null;
	return legs.map(({ instrumentId, market }) => {
		return { instrument_id: instrumentId, candle_at: new Date(market.candleAt).toISOString(), price: market.price };
	});
}

/** The range by which bots of sizing VOLATILITY_TARGET are sized: the one that the regime is told by, so computed already. */
const sizingRange: IndicatorSpec = { name: 'atr', period: 14 };

/** A strategy is code that people write: what it answers is believed only if it can be a decision. */
function assertSane(evaluation: Evaluation): void {
	const { score, factors, decision, stopLossFraction, takeProfitFraction, trailingStopFraction, lots } = evaluation;
	if (score !== null && !(score >= -1 && score <= 1)) throw new RangeError(`score ${score} is not within [-1, 1]`);
	if (!['NONE', 'LONG', 'SHORT', 'CLOSE'].includes(decision)) throw new RangeError(`${decision} is not a decision`);
	for (const { name, value, score: factorScore, contribution } of factors) {
		const areNumbers = [value, factorScore, contribution].every((figure) => figure === null || Number.isFinite(figure));
		if (!areNumbers) throw new RangeError(`factor ${name} is not a number`);
	}
	if (trailingStopFraction != null && !(trailingStopFraction > 0 && trailingStopFraction < 1))
		throw new RangeError(`trailing stop fraction ${trailingStopFraction} is not within (0, 1)`);
	if (lots != null && !(Number.isInteger(lots) && lots > 0)) throw new RangeError(`${lots} lots`);
	for (const fraction of [stopLossFraction, takeProfitFraction]) {
		if (fraction !== null && !(fraction > 0 && fraction < 10))
			throw new RangeError(`stop fraction ${fraction} is not above 0`);
	}
}
