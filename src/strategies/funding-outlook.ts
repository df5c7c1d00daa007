/** What a pair of markets is expected to pay for being held long in the first and short in the second. */
import { timeframeMs } from '../domain.ts';
import type { FundingRates, LegView, MarketView } from './strategy.ts';

export interface FundingOutlook {
	/** Mean of the last `mean_settlements` rates, per settlement, as a fraction: what longs of the second leg pay its shorts. */
	readonly expectedRate: number;
	/** Mean of the last `exit_settlements`. */
	readonly recentRate: number;
	/** The sign of every one of the last `sign_settlements`; 0 where they differ. */
	readonly steadySign: 1 | -1 | 0;
	/** Between two settlements. */
	readonly intervalHours: number;
}

interface Counts {
	readonly mean_settlements: number;
	readonly sign_settlements: number;
	readonly exit_settlements: number;
}

/**
 * From what was settled by the close of the last candle, so that the same candles always give the same answer. Where the first
 * leg is a perpetual too, what it pays at the same times is taken off. Null while fewer settlements are known than any count asks
 * for (two at least, which tell the interval), and when the last one is missing.
 */
export function outlookOf(view: MarketView, counts: Counts): FundingOutlook | null {
	const [second] = view.legs;
	if (second === undefined || second.funding === null) return null;
	const closedAt = closeOf(second);
	const settled = netRates(second.funding, view.funding, closedAt);
	const needed = Math.max(counts.mean_settlements, counts.sign_settlements, counts.exit_settlements, 2);
	if (settled.length < needed) return null;
	const last = settled.slice(-needed);
	const intervalMs = medianGap(last);
	const newest = last.at(-1);
	if (newest === undefined || closedAt - newest.at >= 2 * intervalMs) return null;
	return {
		expectedRate: meanOf(last.slice(-counts.mean_settlements)),
		recentRate: meanOf(last.slice(-counts.exit_settlements)),
		steadySign: commonSign(last.slice(-counts.sign_settlements)),
		intervalHours: intervalMs / 3_600_000,
	};
}

interface Settlement {
	readonly at: number;
	readonly rate: number;
}

function netRates(second: FundingRates, first: FundingRates | null, closedAt: number): Settlement[] {
	const paidByFirst =
		first === null ? null : new Map([...first.fundingAt].map((at, index) => [at, first.rate[index] ?? 0]));
	const settled: Settlement[] = [];
	second.fundingAt.forEach((at, index) => {
		const taken = paidByFirst === null ? 0 : paidByFirst.get(at);
		if (at <= closedAt && taken !== undefined) settled.push({ at, rate: (second.rate[index] ?? 0) - taken });
	});
	return settled;
}

/** When the last candle closed, epoch ms. */
function closeOf({ candles: { openAt, timeframe } }: LegView): number {
	return (openAt[openAt.length - 1] ?? Number.NaN) + timeframeMs[timeframe];
}

/** Exchanges change a market's interval now and then, and a settlement may be missing: the middle one of the gaps is believed. */
function medianGap(settled: readonly Settlement[]): number {
	const gaps = settled.slice(1).map(({ at }, index) => at - (settled[index]?.at ?? at));
	return gaps.toSorted((a, b) => a - b)[Math.floor((gaps.length - 1) / 2)] ?? Number.NaN;
}

function meanOf(settled: readonly Settlement[]): number {
	return settled.reduce((sum, { rate }) => sum + rate, 0) / settled.length;
}

function commonSign(settled: readonly Settlement[]): 1 | -1 | 0 {
	if (settled.every(({ rate }) => rate > 0)) return 1;
	return settled.every(({ rate }) => rate < 0) ? -1 : 0;
}
