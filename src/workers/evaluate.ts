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

/**
 * A `check_input` of the database: fields in its snake case. What is not there is left out of the JSON, since the database takes it for null:
 * most checks come to no decision, and their batches are a fifth shorter for it.
 */
export interface EvaluatedCheck {
	readonly bot_id: number;
	readonly due_at: string;
	readonly kind: CheckKind;
	readonly strategy_version_id: number;
	readonly started_at: string;
	readonly duration_ms: number;
	readonly timeframe: Timeframe;
	readonly candle_at: string | undefined;
	readonly data_age_ms: number | undefined;
	readonly price: number | undefined;
	readonly score: number | undefined;
	readonly factors: Evaluation['factors'] | undefined;
	readonly regime_direction: string | undefined;
	readonly regime_volatility: string | undefined;
	readonly regime_figures: RegimeFigures | undefined;
	readonly decision: Evaluation['decision'];
	readonly reason_code: string;
	readonly stop_loss_fraction: number | undefined;
	readonly take_profit_fraction: number | undefined;
	readonly failure: CheckOutcome | undefined;
	readonly error: string | undefined;
	readonly dry_run: boolean;
	/** Nothing had changed since the bot's last check: its result was repeated. */
	readonly is_repeated: boolean;
	readonly lots: number | undefined;
	/** Of the position that the strategy saw, 0 without one: lots are counted from there. */
	readonly position_lots: number;
	readonly trailing_stop_fraction: number | undefined;
	/** Average true range of the strategy's timeframe, in price, with an entry: for sizing by volatility. */
	readonly atr: number | undefined;
	/** Legs of a pair beyond the first, each at its own candle; undefined for a bot of one leg. */
	readonly legs: readonly EvaluatedLeg[] | undefined;
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
	const { market, dataFetchedAt } = check;
	const dataAgeMs = dataFetchedAt === null ? null : Math.max(nowMs - dataFetchedAt.getTime(), 0);
	const told = (outcome: Outcome): EvaluatedCheck => ({
		bot_id: check.botId,
		due_at: dueText(check.dueAt.getTime()),
		kind: check.kind,
		strategy_version_id: check.strategyVersionId,
		started_at: startedText(nowMs),
		duration_ms: performance.now() - begun,
		timeframe: check.timeframe,
		candle_at: market === null ? undefined : candleText(market.candleAt),
		data_age_ms: dataAgeMs === null ? undefined : Math.round(Math.min(dataAgeMs, 2 ** 31 - 1)),
		price: market?.price ?? undefined,
		score: outcome.evaluation?.score ?? undefined,
		factors: outcome.evaluation?.factors,
		regime_direction: market?.regime?.direction,
		regime_volatility: market?.regime?.volatility,
		regime_figures: check.tellsRegime ? (market?.regimeFigures ?? undefined) : undefined,
		decision: outcome.evaluation?.decision ?? 'NONE',
		reason_code: outcome.reason,
		stop_loss_fraction: outcome.evaluation?.stopLossFraction ?? undefined,
		take_profit_fraction: outcome.evaluation?.takeProfitFraction ?? undefined,
		failure: outcome.failure,
		error: outcome.error,
		dry_run: check.isDryRun,
		is_repeated: outcome.isRepeated ?? false,
		lots: outcome.evaluation?.lots ?? undefined,
		position_lots: check.position?.lots ?? 0,
		trailing_stop_fraction: outcome.evaluation?.trailingStopFraction ?? undefined,
		atr: isEntry(outcome.evaluation) ? (market?.view.indicator(sizingRange).value ?? undefined) : undefined,
		legs: legsOf(check),
	});

	if (dataAgeMs === null || dataAgeMs > maxDataAgeMs) return told({ reason: 'STALE_DATA', failure: 'STALE_DATA' });
	if (check.view === null) return told({ reason: 'INSUFFICIENT_HISTORY', failure: 'INSUFFICIENT_HISTORY' });
	try {
		const known = cache?.find(check, nowMs) ?? null;
		const evaluation = known ?? check.strategy.evaluate(check.view, check.position, nowMs);
		if (known === null) {
			assertSane(evaluation);
			// Between two scheduled checks of a bot a minute closes, so no result on minutes is ever repeated: of 100,000 bots they were 100 MB.
			if (check.timeframe === '1m') cache?.pass(check);
			else cache?.keep(check, evaluation, nowMs);
		}
		const failure = evaluation.reason === 'INSUFFICIENT_HISTORY' ? evaluation.reason : undefined;
		return told({ evaluation, reason: evaluation.reason, failure, isRepeated: known !== null });
	} catch (error) {
		const [reason, failure] =
			error instanceof StrategyTimedOut
				? (['CHECK_TIMED_OUT', 'TIMED_OUT'] as const)
				: (['CHECK_FAILED', 'FAILED'] as const);
		return told({ reason, failure, error: errorMessage(error) });
	}
}

/** What became of a check: an evaluation, or why there is none. */
interface Outcome {
	readonly evaluation?: Evaluation;
	readonly reason: string;
	readonly failure?: CheckOutcome | undefined;
	readonly error?: string;
	readonly isRepeated?: boolean;
}

const isEntry = (evaluation: Evaluation | undefined): boolean =>
	evaluation?.decision === 'LONG' || evaluation?.decision === 'SHORT';

/** An ISO time, written once for all checks of a batch that share it. */
function isoTimes(): (ms: number) => string {
	let lastMs = Number.NaN;
	let text = '';
	return (ms) => {
		if (ms !== lastMs) [lastMs, text] = [ms, new Date(ms).toISOString()];
		return text;
	};
}
const dueText = isoTimes();
const startedText = isoTimes();
const candleText = isoTimes();

/** Whether `evaluateCheck` will ask the strategy: not about data too old, nor without a market, nor what the cache knows. */
export function asksStrategy(check: CheckToEvaluate, nowMs: number, cache: CheckCache): boolean {
	const { dataFetchedAt, view } = check;
	if (dataFetchedAt === null || nowMs - dataFetchedAt.getTime() > maxDataAgeMs) return false;
	return view !== null && !cache.has(check, nowMs);
}

function legsOf({ legs = [] }: CheckToEvaluate): EvaluatedCheck['legs'] {
	if (legs.length === 0) return undefined;
	return legs.map(({ instrumentId, market }) => {
		return { instrument_id: instrumentId, candle_at: candleText(market.candleAt), price: market.price };
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
