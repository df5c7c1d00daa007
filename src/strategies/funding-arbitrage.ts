/**
 * ST-005, funding arbitrage: long spot and short its perpetual while longs pay enough funding to cover what both legs cost, out
 * when the funding turns. See docs/strategies.
 */
import { z } from 'zod';
import { type Direction, regimeDirections } from '../domain.ts';
import { basis, basisFields } from './factors/basis.ts';
import { bounded } from './factors/score.ts';
import { type FundingOutlook, outlookOf } from './funding-outlook.ts';
import { readable } from './scored.ts';
import type {
	DecisionReason,
	Evaluation,
	FactorResult,
	HeldPosition,
	MarketView,
	PreparedStrategy,
	Strategy,
} from './strategy.ts';

const settlements = z.int().min(1).max(90);
const feeRate = z.number().min(0).max(0.01);

const parameters = z
	.strictObject({
		timeframe: z.enum(['1m', '5m', '15m', '1h']).default('1h'),
		/** They make the score, which explains; the decision is about money: see `netOf`. */
		weights: z
			.record(z.enum(['funding_rate', 'basis']), z.number().min(0).max(1))
			.default({ funding_rate: 0.8, basis: 0.2 }),
		/** Net gain over the expected holding time, as a fraction of one leg's value, that enters. */
		entry_net_rate: z.number().min(0).max(0.1).default(0.002),
		/** Mean recent rate per settlement, signed to the pair, at or below which it leaves. */
		exit_rate: z.number().min(-0.01).max(0.01).default(0),
		expected_holding_hours: z.int().min(1).max(4_320).default(720),
		mean_settlements: settlements.default(9),
		sign_settlements: settlements.default(3),
		exit_settlements: settlements.default(3),
		funding_full: z.number().min(0.00001).max(0.01).default(0.0003),
		...basisFields,
		/** Taker fees, as fractions: Bybit's for accounts without a discount. */
		spot_fee_rate: feeRate.default(0.001),
		perpetual_fee_rate: feeRate.default(0.00055),
		basis_stop: z.number().gt(0).max(0.5).nullable().default(0.02),
		max_holding_minutes: z.int().min(1).nullable().default(86_400),
		favourable_regimes: z
			.array(z.enum(regimeDirections))
			.min(1)
			.default([...regimeDirections]),
		max_lots: z.literal(1).default(1),
		/** SHORT sells the first leg: only where that is no spot market. */
		allow_short: z.boolean().default(false),
	})
	.superRefine(({ weights }, context) => {
		const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
		if (Math.abs(sum - 1) > 1e-9)
			context.addIssue({ code: 'custom', path: ['weights'], message: `must sum to 1, not ${readable(sum)}` });
	});
type Parameters = z.output<typeof parameters>;

export const fundingArbitrage: Strategy<typeof parameters> = {
	id: 'ST-005',
	name: 'funding_arbitrage',
	title: 'Funding Arbitrage',
	defaultInterval: 60,
	legs: 2,
	parameters,
	prepare,
};

/** What is known of the pair at one candle; `basis` as a fraction of the first leg's price, above 0 where the perpetual is dearer. */
interface Pair {
	readonly funding: FundingOutlook | null;
	readonly basis: number | null;
	readonly score: number | null;
	readonly factors: readonly FactorResult[];
}

function prepare(values: Parameters): PreparedStrategy {
	const basisFactor = basis(values);
	const pairs = new WeakMap<MarketView, Pair>();

	function pairOf(view: MarketView): Pair {
		const known = pairs.get(view);
		if (known !== undefined) return known;
		const funding = outlookOf(view, values);
		const rate = funding?.expectedRate ?? null;
		const measured = basisFactor.evaluate(view);
		const factors = [
			weighed('funding_rate', rate, rate === null ? null : bounded(rate / values.funding_full), values),
			weighed('basis', measured.value, measured.score, values),
		];
		const pair = { funding, basis: measured.value, score: sumOf(factors), factors };
		pairs.set(view, pair);
		return pair;
	}

	return {
		timeframe: values.timeframe,
		history: 1,
		readsFunding: true,
		maxLots: values.max_lots,
		favourableRegimes: values.favourable_regimes,
		evaluate(view, position, nowMs) {
			const pair = pairOf(view);
			return position === null ? decideEntry(values, pair) : decideExit(values, pair, position, nowMs);
		},
	};
}

function weighed(
	name: 'funding_rate' | 'basis',
	value: number | null,
	score: number | null,
	{ weights }: Parameters,
): FactorResult {
	const weight = weights[name];
	return { name, value, score, weight, contribution: score === null ? null : score * weight };
}

function sumOf(factors: readonly FactorResult[]): number | null {
	let sum = 0;
	for (const { weight, contribution } of factors) {
		if (weight === 0) continue;
		if (contribution === null) return null;
		sum += contribution;
	}
	return bounded(sum);
}

/**
 * What holding the pair is expected to bring, as a fraction of one leg's value: the funding of the holding time, less entering and
 * leaving both legs as a taker, less the basis where its way back to nothing would cost us. A basis in our favour is not counted.
 */
function netOf(values: Parameters, direction: Direction, funding: FundingOutlook, basisNow: number): number {
	const sign = signOf(direction);
	const settled = Math.floor(values.expected_holding_hours / funding.intervalHours);
	const fees = 2 * (values.spot_fee_rate + values.perpetual_fee_rate);
	return sign * funding.expectedRate * settled - fees - Math.max(0, -sign * basisNow);
}

function decideEntry(values: Parameters, pair: Pair): Evaluation {
	const { funding, basis: basisNow } = pair;
	if (funding === null || basisNow === null || pair.score === null)
		return decision(pair, 'NONE', 'INSUFFICIENT_HISTORY');
	const direction = funding.expectedRate < 0 && values.allow_short ? 'SHORT' : 'LONG';
	const isSteady = funding.steadySign === signOf(direction);
	const pays = netOf(values, direction, funding, basisNow) >= values.entry_net_rate;
	// What would be left again at once is not entered.
	if (!isSteady || !pays || exitReason(values, direction, funding, basisNow) !== null)
		return decision(pair, 'NONE', 'BELOW_THRESHOLD');
	return decision(pair, direction, 'FUNDING_ENTRY');
}

function decideExit(values: Parameters, pair: Pair, position: HeldPosition, nowMs: number): Evaluation {
	const reason = exitReason(values, position.direction, pair.funding, pair.basis);
	if (reason !== null) return decision(pair, 'CLOSE', reason);
	const limit = values.max_holding_minutes;
	if (limit !== null && nowMs - position.openedAt >= limit * 60_000) return decision(pair, 'CLOSE', 'TIME_EXIT');
	return decision(pair, 'NONE', pair.funding === null ? 'INSUFFICIENT_HISTORY' : 'HOLDING');
}

/** The funding has turned, or the legs have come apart by more than `basis_stop` to our loss; null: neither. */
function exitReason(
	values: Parameters,
	direction: Direction,
	funding: FundingOutlook | null,
	basisNow: number | null,
): DecisionReason | null {
	const sign = signOf(direction);
	if (funding !== null && sign * funding.recentRate <= values.exit_rate) return 'FUNDING_EXIT';
	const { basis_stop: stop } = values;
	return stop !== null && basisNow !== null && sign * basisNow >= stop ? 'EXIT_RULE' : null;
}

function signOf(direction: Direction): 1 | -1 {
	return direction === 'LONG' ? 1 : -1;
}

function decision({ score, factors }: Pair, what: Evaluation['decision'], reason: DecisionReason): Evaluation {
	return { score, factors, decision: what, reason, stopLossFraction: null, takeProfitFraction: null };
}
