/** ST-005: what it expects, what it enters on, and what makes it leave. */
import { describe, expect, test } from 'vitest';
import { createMarketView } from '../../src/market/view.ts';
import { viewOf } from '../../src/market/views.ts';
import { outlookOf } from '../../src/strategies/funding-outlook.ts';
import { prepareStrategy } from '../../src/strategies/registry.ts';
import type { CandleWindow, FundingRates, HeldPosition, MarketView } from '../../src/strategies/strategy.ts';

const hour = 3_600_000;
/** The last candle closes at 16:00, when funding is settled. */
const closedAt = Date.UTC(2026, 2, 2, 16);

function candlesAt(close: number, end = closedAt): CandleWindow {
	const column = (value: number) => Float64Array.of(value, value);
	return {
		timeframe: '1h',
		openAt: Float64Array.of(end - 2 * hour, end - hour),
		open: column(close),
		high: column(close),
		low: column(close),
		close: column(close),
		volume: column(1),
	};
}

/** Newest last, `newest` at the close of the last candle. */
function ratesOf(rates: readonly number[], { everyHours = 8, newest = closedAt } = {}): FundingRates {
	return {
		fundingAt: Float64Array.from(rates, (_, index) => newest - (rates.length - 1 - index) * everyHours * hour),
		rate: Float64Array.from(rates),
	};
}

const marketOf = (candles: CandleWindow) => {
	const close = candles.close[1]!;
	return {
		view: createMarketView(candles, null),
		regime: null,
		regimeFigures: null,
		candleAt: candles.openAt[1]!,
		price: close,
	};
};

function viewWith(
	rates: FundingRates | null,
	options: { spot?: number; perpetual?: number; firstFunding?: FundingRates; perpetualEnd?: number } = {},
): MarketView {
	const { spot = 100, perpetual = 100, firstFunding = null } = options;
	return viewOf({
		main: marketOf(candlesAt(spot)),
		funding: firstFunding,
		further: [],
		legs: [{ market: marketOf(candlesAt(perpetual, options.perpetualEnd)), funding: rates }],
	});
}

const constant = (rate: number, count = 9) => Array.from({ length: count }, () => rate);
const held = (direction: 'LONG' | 'SHORT', minutesAgo = 60): HeldPosition => ({
	direction,
	averageEntryPrice: 100,
	quantity: 1,
	lots: 1,
	openedAt: closedAt - minutesAgo * 60_000,
});

function decide(view: MarketView, parameters: Record<string, unknown> = {}, position: HeldPosition | null = null) {
	const { decision, reason } = prepareStrategy('ST-005', parameters).evaluate(view, position, closedAt);
	return [decision, reason];
}

const enters = ['LONG', 'FUNDING_ENTRY'];
const stays = ['NONE', 'BELOW_THRESHOLD'];
const unknown = ['NONE', 'INSUFFICIENT_HISTORY'];

describe('entry', () => {
	test('exactly from the mean rate on that pays 90 settlements, both fees twice and the net asked for', () => {
		// (0.002 + 2 × 0.00155) / 90
		const least = 0.0051 / 90;
		expect(decide(viewWith(ratesOf(constant(least * 1.0001))))).toEqual(enters);
		expect(decide(viewWith(ratesOf(constant(least * 0.9999))))).toEqual(stays);
	});

	test('a basis below zero is taken off, one above is not counted', () => {
		const rate = (0.0051 + 0.003) / 90;
		expect(decide(viewWith(ratesOf(constant(rate * 1.0001)), { perpetual: 99.7 }))).toEqual(enters);
		expect(decide(viewWith(ratesOf(constant(rate * 0.9999)), { perpetual: 99.7 }))).toEqual(stays);
		expect(decide(viewWith(ratesOf(constant((0.0051 / 90) * 0.9999)), { perpetual: 101 }))).toEqual(stays);
	});

	test('settlements every four hours are twice as many', () => {
		const rate = (0.0051 / 180) * 1.0001;
		expect(decide(viewWith(ratesOf(constant(rate), { everyHours: 4 })))).toEqual(enters);
		expect(decide(viewWith(ratesOf(constant(rate), { everyHours: 8 })))).toEqual(stays);
	});

	test('not while one of the last rates has the other sign, or the recent ones say to leave', () => {
		const rates = constant(0.0005);
		rates[7] = -0.00001;
		expect(decide(viewWith(ratesOf(rates)))).toEqual(stays);
		rates[7] = 0.0005;
		rates[5] = -0.00001;
		expect(decide(viewWith(ratesOf(rates)))).toEqual(enters);
		expect(decide(viewWith(ratesOf(constant(0.0005))), { exit_rate: 0.0006 })).toEqual(stays);
		expect(decide(viewWith(ratesOf(constant(0.0005)), { perpetual: 102.1 }))).toEqual(stays);
	});

	test('SHORT only where it is allowed, mirrored in rates and basis', () => {
		const view = viewWith(ratesOf(constant(-0.0005)));
		expect(decide(view)).toEqual(stays);
		expect(decide(view, { allow_short: true })).toEqual(['SHORT', 'FUNDING_ENTRY']);
		// Short the dearer leg's counterpart: a basis above zero is against it now.
		const rate = (0.0051 + 0.003) / 90;
		const dear = { perpetual: 100.3 };
		expect(decide(viewWith(ratesOf(constant(-rate * 0.9999)), dear), { allow_short: true })).toEqual(stays);
		expect(decide(viewWith(ratesOf(constant(-rate * 1.0001)), dear), { allow_short: true })).toEqual([
			'SHORT',
			'FUNDING_ENTRY',
		]);
	});

	test('not on too few rates, on old ones, without a second leg, or on candles of different times', () => {
		expect(decide(viewWith(ratesOf(constant(0.0005, 8))))).toEqual(unknown);
		expect(decide(viewWith(null))).toEqual(unknown);
		expect(decide(viewWith(ratesOf(constant(0.0005), { newest: closedAt - 15 * hour })))).toEqual(enters);
		expect(decide(viewWith(ratesOf(constant(0.0005), { newest: closedAt - 16 * hour })))).toEqual(unknown);
		expect(decide({ ...viewWith(ratesOf(constant(0.0005))), legs: [] })).toEqual(unknown);
		expect(decide(viewWith(ratesOf(constant(0.0005)), { perpetualEnd: closedAt - hour }))).toEqual(unknown);
	});

	test('a rate that is settled after the candle closed changes nothing', () => {
		const rates = ratesOf([...constant(0.0005), -0.001], { newest: closedAt + 8 * hour });
		expect(decide(viewWith(rates))).toEqual(enters);
	});

	test('of two perpetuals the difference counts, of the times that both have', () => {
		const counts = { mean_settlements: 3, sign_settlements: 3, exit_settlements: 3 };
		const first = ratesOf(constant(0.0004, 9));
		const view = viewWith(ratesOf(constant(0.0005)), { firstFunding: first });
		expect(outlookOf(view, counts)?.expectedRate).toBeCloseTo(0.0001, 12);
		const missing = { fundingAt: first.fundingAt.slice(1, 3), rate: first.rate.slice(1, 3) };
		expect(outlookOf(viewWith(ratesOf(constant(0.0005)), { firstFunding: missing }), counts)).toBeNull();
	});

	test('a missing settlement does not change the interval', () => {
		const { fundingAt, rate } = ratesOf(constant(0.0005, 11));
		const without = (index: number) => ({
			fundingAt: fundingAt.filter((_, at) => at !== index),
			rate: rate.filter((_, at) => at !== index),
		});
		const counts = { mean_settlements: 9, sign_settlements: 3, exit_settlements: 3 };
		expect(outlookOf(viewWith(without(5)), counts)?.intervalHours).toBe(8);
	});
});

describe('exit', () => {
	const holds = ['NONE', 'HOLDING'];

	test('when the mean of the recent rates is no longer above the exit rate', () => {
		const turning = [...constant(0.0005, 6), 0.0001, -0.00005, -0.00004];
		expect(decide(viewWith(ratesOf(turning)), {}, held('LONG'))).toEqual(holds);
		const turned = [...constant(0.0005, 6), 0.0001, -0.00005, -0.00005];
		expect(decide(viewWith(ratesOf(turned)), {}, held('LONG'))).toEqual(['CLOSE', 'FUNDING_EXIT']);
		expect(decide(viewWith(ratesOf(turned)), { exit_rate: -0.0001 }, held('LONG'))).toEqual(holds);
	});

	test('mirrored for SHORT', () => {
		expect(decide(viewWith(ratesOf(constant(-0.0001))), {}, held('SHORT'))).toEqual(holds);
		expect(decide(viewWith(ratesOf(constant(0.0001))), {}, held('SHORT'))).toEqual(['CLOSE', 'FUNDING_EXIT']);
	});

	test('when the legs have come apart against the pair, not for it', () => {
		const rates = ratesOf(constant(0.0005));
		expect(decide(viewWith(rates, { perpetual: 102 }), {}, held('LONG'))).toEqual(['CLOSE', 'EXIT_RULE']);
		expect(decide(viewWith(rates, { perpetual: 101.9 }), {}, held('LONG'))).toEqual(holds);
		expect(decide(viewWith(rates, { perpetual: 97 }), {}, held('LONG'))).toEqual(holds);
		expect(decide(viewWith(rates, { perpetual: 110 }), { basis_stop: null }, held('LONG'))).toEqual(holds);
	});

	test('when its time is up, also while no rates are known', () => {
		const view = viewWith(ratesOf(constant(0.0005)));
		expect(decide(view, { max_holding_minutes: 61 }, held('LONG'))).toEqual(holds);
		expect(decide(view, { max_holding_minutes: 60 }, held('LONG'))).toEqual(['CLOSE', 'TIME_EXIT']);
		expect(decide(viewWith(null), { max_holding_minutes: 60 }, held('LONG'))).toEqual(['CLOSE', 'TIME_EXIT']);
		expect(decide(viewWith(null), {}, held('LONG'))).toEqual(unknown);
	});
});

test('the score is explained by rate and basis, and no stops are set', () => {
	const view = viewWith(ratesOf(constant(0.00015)), { perpetual: 100.05 });
	const { score, factors, stopLossFraction, takeProfitFraction } = prepareStrategy('ST-005', {}).evaluate(
		view,
		null,
		closedAt,
	);
	expect(factors).toMatchObject([
		{ name: 'funding_rate', value: expect.closeTo(0.00015, 12), score: expect.closeTo(0.5, 9), weight: 0.8 },
		{ name: 'basis', value: expect.closeTo(0.0005, 9), score: expect.closeTo(0.25, 9), weight: 0.2 },
	]);
	expect(score).toBeCloseTo(0.8 * 0.5 + 0.2 * 0.25, 9);
	expect([stopLossFraction, takeProfitFraction]).toEqual([null, null]);
	const extreme = prepareStrategy('ST-005', {}).evaluate(
		viewWith(ratesOf(constant(0.009)), { perpetual: 150 }),
		null,
		closedAt,
	);
	expect(extreme.score).toBe(1);
});
