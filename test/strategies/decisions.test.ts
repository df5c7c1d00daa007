/** Score and decision of scored strategies, on factors whose scores the test sets; then the shipped ones on markets. */
import { describe, expect, test } from 'vitest';
import { classifyRegime, regimeHistory } from '../../src/market/regime.ts';
import { createMarketView } from '../../src/market/view.ts';
import { parseParameters, prepareStrategy, strategies } from '../../src/strategies/registry.ts';
import { prepareScored, type ScoredParameters } from '../../src/strategies/scored.ts';
import type { Factor, HeldPosition } from '../../src/strategies/strategy.ts';
import { randomWalk, recorded, slice, windowOf } from '../market/market-windows.ts';

const parameters: ScoredParameters = {
	timeframe: '5m',
	weights: { trend: 0.75, mood: 0.25 },
	entry_threshold: 0.5,
	exit_threshold: 0.1,
	stop_loss_fraction: 0.02,
	take_profit_fraction: null,
	trailing_stop_fraction: 0.03,
	max_holding_minutes: 60,
	favourable_regimes: ['RANGING'],
	max_lots: 1,
	allow_short: true,
};
const fixed = (name: string, score: number | null, history = 1): Factor => ({
	name,
	history,
	evaluate: () => ({ value: score === null ? null : score * 10, score }),
});
const view = () => createMarketView(windowOf({ close: [100, 101, 102] }), null);
const held = (direction: 'LONG' | 'SHORT'): HeldPosition => {
	return { direction, averageEntryPrice: 100, quantity: 1, lots: 1, openedAt: 0 };
};
const decide = (trend: number | null, mood: number | null, position: HeldPosition | null = null, now = 0, extra = {}) =>
	prepareScored({ ...parameters, ...extra }, [fixed('trend', trend), fixed('mood', mood)]).evaluate(
		view(),
		position,
		now,
	);

describe('without a position', () => {
	test('the score is the sum of score × weight, and every factor is told', () => {
		const evaluation = decide(0.8, -0.4);
		expect(evaluation.score).toBeCloseTo(0.5, 12);
		expect(evaluation.factors).toEqual([
			{ name: 'trend', value: 8, score: 0.8, weight: 0.75, contribution: 0.8 * 0.75 },
			{ name: 'mood', value: -4, score: -0.4, weight: 0.25, contribution: -0.4 * 0.25 },
		]);
	});

	test('enters at the threshold in the direction of the score, with its stops', () => {
		const stops = { stopLossFraction: 0.02, takeProfitFraction: null };
		expect(decide(0.5, 0.5)).toMatchObject({ decision: 'LONG', reason: 'ENTRY_THRESHOLD', ...stops });
		expect(decide(-0.5, -0.5)).toMatchObject({ decision: 'SHORT', reason: 'ENTRY_THRESHOLD', ...stops });
		expect(decide(0.5, 0.49)).toMatchObject({ decision: 'NONE', reason: 'BELOW_THRESHOLD', stopLossFraction: null });
	});

	test('goes short only where allowed', () => {
		expect(decide(-1, -1, null, 0, { allow_short: false })).toMatchObject({
			decision: 'NONE',
			reason: 'BELOW_THRESHOLD',
		});
	});

	test('decides nothing while a weighted factor is undefined; one without weight may be', () => {
		expect(decide(1, null)).toMatchObject({ score: null, decision: 'NONE', reason: 'INSUFFICIENT_HISTORY' });
		expect(decide(1, null, null, 0, { weights: { trend: 1, mood: 0 } })).toMatchObject({ decision: 'LONG', score: 1 });
	});

	test('decides nothing on fewer candles than its history, which only weighted factors count for', () => {
		const factors = [fixed('trend', 1, 3), fixed('mood', 1, 4)];
		const needsFour = prepareScored(parameters, factors);
		expect(needsFour.history).toBe(4);
		expect(needsFour.evaluate(view(), null, 0)).toMatchObject({ score: null, reason: 'INSUFFICIENT_HISTORY' });
		const needsThree = prepareScored({ ...parameters, weights: { trend: 1, mood: 0 } }, factors);
		expect(needsThree.history).toBe(3);
		expect(needsThree.evaluate(view(), null, 0).decision).toBe('LONG');
	});
});

describe('with a position', () => {
	test('holds while the score, signed to it, is above the exit threshold', () => {
		expect(decide(0.11, 0.11, held('LONG'))).toMatchObject({ decision: 'NONE', reason: 'HOLDING' });
		expect(decide(0.1, 0.1, held('LONG'))).toMatchObject({ decision: 'CLOSE', reason: 'EXIT_THRESHOLD' });
		expect(decide(-0.11, -0.11, held('SHORT'))).toMatchObject({ decision: 'NONE', reason: 'HOLDING' });
		expect(decide(-0.1, -0.1, held('SHORT'))).toMatchObject({ decision: 'CLOSE', reason: 'EXIT_THRESHOLD' });
		expect(decide(-1, -1, held('LONG'))).toMatchObject({ decision: 'CLOSE', stopLossFraction: null });
	});

	test('closes when its time is up, even without history; never where no time is set', () => {
		expect(decide(1, 1, held('LONG'), 3_599_999)).toMatchObject({ decision: 'NONE', reason: 'HOLDING' });
		expect(decide(1, 1, held('LONG'), 3_600_000)).toMatchObject({ decision: 'CLOSE', reason: 'TIME_EXIT' });
		expect(decide(null, null, held('LONG'), 3_600_000)).toMatchObject({ decision: 'CLOSE', reason: 'TIME_EXIT' });
		expect(decide(null, null, held('LONG'))).toMatchObject({ decision: 'NONE', reason: 'INSUFFICIENT_HISTORY' });
		expect(decide(1, 1, held('LONG'), 1e12, { max_holding_minutes: null })).toMatchObject({ reason: 'HOLDING' });
	});
});

test('bots that share a prepared strategy and a view evaluate the factors once', () => {
	let evaluated = 0;
	const counting: Factor = {
		name: 'trend',
		history: 1,
		evaluate() {
			evaluated += 1;
			return { value: 1, score: 1 };
		},
	};
	const strategy = prepareScored({ ...parameters, weights: { trend: 1 } }, [counting]);
	const shared = view();
	const first = strategy.evaluate(shared, null, 0);
	expect(strategy.evaluate(shared, held('LONG'), 0).factors).toBe(first.factors);
	expect(evaluated).toBe(1);
	strategy.evaluate(view(), null, 0);
	expect(evaluated).toBe(2);
});

describe.each(strategies)('$name', ({ name }) => {
	const strategy = prepareStrategy(name, {});

	test('declares a history that decides, and with one candle less it does not', () => {
		const walk = randomWalk(1, strategy.history);
		expect(strategy.evaluate(createMarketView(walk, null), null, 0).score).not.toBeNull();
		const short = createMarketView(slice(walk, 1, walk.close.length), null);
		expect(strategy.evaluate(short, null, 0).reason).toBe('INSUFFICIENT_HISTORY');
		expect(strategy.history).toBeLessThanOrEqual(1000);
	});

	test('sees neither older candles nor the future', () => {
		const walk = randomWalk(2, strategy.history + 300);
		const { length } = walk.close;
		const evaluate = (from: number, to: number) =>
			strategy.evaluate(createMarketView(slice(walk, from, to), null), null, 0);
		expect(evaluate(300, length)).toEqual(evaluate(0, length));
		expect(evaluate(0, length - 1)).not.toEqual(evaluate(0, length));
	});

	test('mirrors a mirrored market', () => {
		const walk = randomWalk(5, strategy.history, 0.0005);
		const flip = (column: Float64Array) => column.map((price) => 200 - price);
		const mirrored = {
			...walk,
			open: flip(walk.open),
			high: flip(walk.low),
			low: flip(walk.high),
			close: flip(walk.close),
		};
		const score = strategy.evaluate(createMarketView(walk, null), null, 0).score!;
		expect(strategy.evaluate(createMarketView(mirrored, null), null, 0).score).toBeCloseTo(-score, 9);
	});

	test('enters now and then, both ways, on markets without any direction', () => {
		const share = entryShare(name, randomWalk(77, 3000));
		expect(share.LONG).toBeGreaterThan(0.01);
		expect(share.SHORT).toBeGreaterThan(0.01);
		expect(share.LONG + share.SHORT).toBeLessThan(0.5);
	});

	for (const [file, timeframe] of [
		['XRP-USDT-USDT_5m', '5m'],
		['ETH-BTC_5m', '5m'],
		['UNITTEST-BTC_1m', '1m'],
	] as const) {
		const window = recorded(file, timeframe);
		test.skipIf(window === null)(`enters now and then on the recorded ${file}`, () => {
			const share = entryShare(name, slice(window!, 0, 2000));
			expect(share.LONG + share.SHORT).toBeGreaterThan(0.01);
			expect(share.LONG + share.SHORT).toBeLessThan(0.5);
		});
	}
});

/** Share of candles on which a flat bot would enter in a regime that the strategy favours. */
function entryShare(name: string, window: ReturnType<typeof randomWalk>) {
	const strategy = prepareStrategy(name, parseParameters(name, {}));
	const needed = Math.max(strategy.history, regimeHistory);
	const counts = { LONG: 0, SHORT: 0 };
	let regime = null;
	for (let end = needed; end <= window.close.length; end += 1) {
		const view = createMarketView(slice(window, end - needed, end), null);
		regime = classifyRegime(view, regime);
		const { decision } = strategy.evaluate(view, null, 0);
		if (decision === 'NONE' || decision === 'CLOSE') continue;
		if (regime !== null && strategy.favourableRegimes.includes(regime.direction)) counts[decision] += 1;
	}
	const checks = window.close.length - needed + 1;
	return { LONG: counts.LONG / checks, SHORT: counts.SHORT / checks };
}
