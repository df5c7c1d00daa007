/** The grid: what it holds at which price, and what its lines are anchored to. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { levelsAway, linePrice, rangeLadder } from '../../src/strategies/grid-levels.ts';
import { prepareStrategy } from '../../src/strategies/registry.ts';
import type { HeldPosition } from '../../src/strategies/strategy.ts';
import { randomWalk, slice, windowOf } from '../market/market-windows.ts';
import { emptyBook, prepare, priced, range, seen, step } from './grid-book.ts';

const candleMs = 300_000;

/** The decisions along closes, each on a candle of its own. */
function walk(parameters: Record<string, unknown>, closes: readonly number[]): string[] {
	const strategy = prepare(parameters);
	const book = emptyBook();
	return closes.map((price) => {
		const { decision, lots, reason } = step(strategy, book, priced(price), price);
		return decision === 'NONE' ? `${reason} ${book.entries.length}` : `${decision} ${lots} ${book.entries.length}`;
	});
}

describe('lines', () => {
	test('of a range divide it evenly, in price or in ratio, from the end or the middle', () => {
		const prices = (direction: 'LONG' | 'SHORT' | 'BOTH', spacing: 'arithmetic' | 'geometric', ks: number[]) =>
			ks.map((k) => linePrice(rangeLadder({ lower: 100, upper: 400, levels: 1, direction, spacing }), k));
		expect(prices('LONG', 'arithmetic', [0, -1, -2])).toEqual([400, 250, 100]);
		expect(prices('SHORT', 'arithmetic', [0, 1, 2])).toEqual([100, 250, 400]);
		expect(prices('BOTH', 'arithmetic', [-2, -1, 0, 1, 2])).toEqual([100, 175, 250, 325, 400]);
		expect(prices('LONG', 'geometric', [0, -1, -2])).toEqual([400, 200, 100]);
		const both = prices('BOTH', 'geometric', [-2, 0, 2]);
		for (const [index, expected] of [100, 200, 400].entries()) expect(both[index]).toBeCloseTo(expected, 9);
	});

	test('a price on line k is k levels away, whatever the spacing', () => {
		const numbers = fc.record({
			lower: fc.double({ min: 0.001, max: 1e5, noNaN: true }),
			width: fc.double({ min: 0.01, max: 3, noNaN: true }),
			levels: fc.integer({ min: 1, max: 100 }),
			direction: fc.constantFrom('LONG', 'SHORT', 'BOTH'),
			spacing: fc.constantFrom('arithmetic', 'geometric'),
		});
		fc.assert(
			fc.property(numbers, fc.integer({ min: -100, max: 100 }), ({ lower, width, ...rest }, k) => {
				const ladder = rangeLadder({ lower, upper: lower * (1 + width), ...rest });
				fc.pre(linePrice(ladder, k) > 0);
				expect(levelsAway(ladder, linePrice(ladder, k))).toBeCloseTo(k, 6);
			}),
		);
	});
});

describe('a range', () => {
	test('each line crossed away from the centre is a lot, all of one check in one entry', () => {
		expect(walk(range, [100, 99.5, 99, 98.5, 96, 95.5])).toEqual([
			'BELOW_THRESHOLD 0',
			'BELOW_THRESHOLD 0',
			'LONG 1 1',
			'HOLDING 1',
			'LONG 3 4',
			'HOLDING 4',
		]);
	});

	test('each lot is closed one line above its own, all of one check in one close; between lines nothing happens', () => {
		expect(walk(range, [96, 96.99, 97, 97.5, 96.5, 96.01, 96, 98.2, 99.9, 100, 101])).toEqual([
			'LONG 4 4',
			'HOLDING 4',
			'CLOSE 1 3',
			'HOLDING 3',
			'HOLDING 3',
			'HOLDING 3',
			'LONG 1 4',
			'CLOSE 2 2',
			'CLOSE 1 1',
			'CLOSE null 0',
			'BELOW_THRESHOLD 0',
		]);
	});

	test('below its end it holds what it has and adds nothing, or closes all; either way it is said', () => {
		expect(walk(range, [92, 90.5, 90, 85, 95])).toEqual([
			'LONG 8 8',
			'LONG 1 9',
			'GRID_OUT_OF_RANGE 9',
			'GRID_OUT_OF_RANGE 9',
			'CLOSE 4 5',
		]);
		expect(walk({ ...range, out_of_range: 'close' }, [92, 90, 85, 90.5])).toEqual([
			'LONG 8 8',
			'CLOSE null 0',
			'GRID_OUT_OF_RANGE 0',
			'LONG 9 9',
		]);
		const strategy = prepare({ ...range, out_of_range: 'close' });
		const book = emptyBook();
		step(strategy, book, priced(92), 92);
		expect(step(strategy, book, priced(89), 89)).toMatchObject({ decision: 'CLOSE', reason: 'GRID_OUT_OF_RANGE' });
	});

	test('max_lots holds where there are more lines', () => {
		expect(walk({ ...range, max_lots: 3 }, [95, 96, 96.9, 97, 98])).toEqual([
			'LONG 3 3',
			'HOLDING 3',
			'HOLDING 3',
			'HOLDING 3',
			'CLOSE 1 2',
		]);
		expect(prepare({ ...range, max_lots: 3 }).maxLots).toBe(3);
		expect(prepare(range).maxLots).toBe(9);
	});

	test('SHORT mirrors it; BOTH holds one side at a time and passes through nothing', () => {
		expect(walk({ ...range, direction: 'SHORT' }, [90, 93, 92, 90.5, 89])).toEqual([
			'BELOW_THRESHOLD 0',
			'SHORT 3 3',
			'CLOSE 1 2',
			'CLOSE 1 1',
			'CLOSE null 0',
		]);
		expect(walk({ ...range, direction: 'BOTH' }, [95, 93.6, 96.2, 96.2, 94])).toEqual([
			'BELOW_THRESHOLD 0',
			'LONG 2 2',
			'CLOSE null 0',
			'SHORT 2 2',
			'CLOSE null 0',
		]);
	});

	test('entries carry the stops, closes carry none', () => {
		const strategy = prepare({ ...range, take_profit_fraction: 0.2, trailing_stop_fraction: 0.1 });
		const book = emptyBook();
		expect(step(strategy, book, priced(95), 95)).toMatchObject({
			reason: 'GRID_ENTRY',
			stopLossFraction: 0.05,
			takeProfitFraction: 0.2,
			trailingStopFraction: 0.1,
		});
		expect(step(strategy, book, priced(97), 97)).toMatchObject({
			reason: 'GRID_EXIT',
			stopLossFraction: null,
			lots: 2,
		});
	});

	test('the longest time closes all, and an answer holds until then', () => {
		const strategy = prepare({ ...range, max_holding_minutes: 60 });
		const held: HeldPosition = { direction: 'LONG', lots: 3, quantity: 3, averageEntryPrice: 97, openedAt: 1_000 };
		expect(strategy.evaluate(priced(97.5), held, 3_600_999)).toMatchObject({
			decision: 'NONE',
			validUntilMs: 3_601_000,
		});
		const over = strategy.evaluate(priced(97.5), held, 3_601_000);
		expect(over).toMatchObject({ decision: 'CLOSE', reason: 'TIME_EXIT', lots: null });
		expect(strategy.evaluate(priced(99.5), null, 0).validUntilMs).toBe(Number.POSITIVE_INFINITY);
	});

	test('a side that the version no longer trades is closed', () => {
		const held: HeldPosition = { direction: 'SHORT', lots: 2, quantity: 2, averageEntryPrice: 97, openedAt: 0 };
		expect(prepare(range).evaluate(priced(95), held, 0)).toMatchObject({ decision: 'CLOSE', lots: null });
	});

	test('it explains itself: the position in the grid, its lines, the lots wanted', () => {
		const { score, factors } = prepare(range).evaluate(priced(97.5), null, 0);
		expect(score).toBe(0.25);
		expect(factors).toEqual([
			{ name: 'grid_position', value: -2.5, score: 0.25, weight: 1, contribution: 0.25 },
			{ name: 'anchored_position', value: -2.5, score: 0.25, weight: 0, contribution: 0 },
			{ name: 'grid_center', value: 100, score: null, weight: 0, contribution: null },
			{ name: 'grid_step', value: 1, score: null, weight: 0, contribution: null },
			{ name: 'target_lots', value: 2, score: null, weight: 0, contribution: null },
		]);
		expect(prepare(range).evaluate(priced(50), null, 0).score).toBe(1);
		expect(prepare(range).evaluate(priced(150), null, 0).score).toBe(-1);
	});
});

describe('by ATR', () => {
	const atr = {
		center_period: 10,
		atr_period: 5,
		atr_factor: 1,
		min_step_fraction: 0.0001,
		levels: 4,
		max_holding_minutes: 600,
	};
	/** Twelve candles around 100 with a range of 2, then these closes. */
	const calm = (...closes: number[]) => {
		const close = [...Array.from({ length: 12 }, () => 100), ...closes];
		return windowOf({ close, high: close.map((c) => c + 1), low: close.map((c) => c - 1) });
	};

	test('the centre is the mean of the closes and the step the mean true range, times the factor', () => {
		const { factors } = prepare(atr).evaluate(seen(calm()), null, 0);
		expect(factors.find(({ name }) => name === 'grid_center')?.value).toBe(100);
		expect(factors.find(({ name }) => name === 'grid_step')?.value).toBe(2);
		const wide = prepare({ ...atr, min_step_fraction: 0.05 }).evaluate(seen(calm()), null, 0);
		expect(wide.factors.find(({ name }) => name === 'grid_step')?.value).toBe(5);
		// True ranges count the gap from the close before: 95 after 100 is from 94 to 100.
		const gap = prepare(atr).evaluate(seen(calm(95)), null, 0);
		expect(gap.factors.find(({ name }) => name === 'grid_step')?.value).toBeCloseTo((4 * 2 + 6) / 5, 12);
		expect(gap.factors.find(({ name }) => name === 'grid_center')?.value).toBeCloseTo(99.5, 12);
	});

	test('too few candles decide nothing, except that the time is up', () => {
		const strategy = prepare(atr);
		const few = seen(slice(calm(), 0, 9));
		expect(strategy.evaluate(few, null, 0)).toMatchObject({
			decision: 'NONE',
			reason: 'INSUFFICIENT_HISTORY',
			score: null,
		});
		expect(strategy.evaluate(seen(slice(calm(), 0, 10)), null, 0).reason).toBe('BELOW_THRESHOLD');
		const held: HeldPosition = { direction: 'LONG', lots: 1, quantity: 1, averageEntryPrice: 97, openedAt: 0 };
		expect(strategy.evaluate(few, held, 0).reason).toBe('INSUFFICIENT_HISTORY');
		expect(strategy.evaluate(few, held, 600 * 60_000)).toMatchObject({ decision: 'CLOSE', reason: 'TIME_EXIT' });
	});

	test('a flat bot enters when the price crosses a line, not because it lies beyond one', () => {
		const strategy = prepare(atr);
		expect(strategy.evaluate(seen(calm(97)), null, 0)).toMatchObject({ decision: 'LONG', lots: 1 });
		expect(strategy.evaluate(seen(calm(97, 97)), null, 0)).toMatchObject({
			decision: 'NONE',
			reason: 'BELOW_THRESHOLD',
		});
		expect(strategy.evaluate(seen(calm(97, 92)), null, 0)).toMatchObject({ decision: 'LONG', lots: 2 });
	});

	test('while lots are held the lines stay where they were before the entry, whatever the market does', () => {
		const strategy = prepare(atr);
		const window = randomWalk(11, 400, 0.004);
		const book = emptyBook();
		const anchors = new Map<number, string>();
		let entries = 0;
		for (let end = 12; end <= window.close.length; end++) {
			const seenNow = slice(window, Math.max(0, end - strategy.history), end);
			const now = window.openAt[end - 1]! + candleMs + 2_000;
			const before = book.held;
			const evaluation = step(strategy, book, seen(seenNow), window.close[end - 1]!, now);
			if (before === null && book.held !== null) entries += 1;
			if (before === null) continue;
			const lines = evaluation.factors
				.filter(({ name }) => name === 'grid_center' || name === 'grid_step')
				.map(({ value }) => value)
				.join(' ');
			if (evaluation.reason === 'TIME_EXIT') continue;
			expect(lines).toBe(anchors.get(before.openedAt) ?? lines);
			anchors.set(before.openedAt, lines);
		}
		expect(entries).toBeGreaterThan(5);
		expect(new Set(anchors.values()).size).toBeGreaterThan(3);
	});

	test('the score depends on candles alone, so that it can be told again for any signal', () => {
		const window = randomWalk(5, 200, 0.004);
		const strategy = prepare(atr);
		const held: HeldPosition = {
			direction: 'LONG',
			lots: 2,
			quantity: 2,
			averageEntryPrice: 99,
			openedAt: window.openAt[150]!,
		};
		const view = seen(slice(window, 20, 200));
		expect(strategy.evaluate(view, held, 0).score).toBe(strategy.evaluate(view, null, 0).score);
	});

	test('a later candle never changes an earlier answer, and older ones than its history do not either', () => {
		const window = randomWalk(3, 300, 0.004);
		const strategy = prepare(atr);
		for (let end = 200; end < 220; end++) {
			const short = strategy.evaluate(seen(slice(window, end - strategy.history, end)), null, 0);
			expect(strategy.evaluate(seen(slice(window, 0, end)), null, 0)).toEqual(short);
		}
	});
});

describe('parameters', () => {
	test.each([
		['max_lots above the lines', { levels: 3, max_lots: 4 }, /max_lots: must not exceed levels \(3\), is 4/],
		['no lots', { max_lots: 0 }, /max_lots: /],
		['half a line', { levels: 1.5 }, /levels: /],
		['a range without its ends', { grid: 'range' }, /lower: .*needs it; upper: .*needs it/],
		['a range upside down', { grid: 'range', lower: 2, upper: 1 }, /lower: must be below upper \(1\), is 2/],
		['a negative price', { grid: 'range', lower: -1, upper: 1 }, /lower: /],
		['ends without a range', { upper: 5 }, /upper: only a grid of kind range/],
		['a direction that is none', { direction: 'UP' }, /direction: /],
		['a stop of nothing', { stop_loss_fraction: 0 }, /stop_loss_fraction: /],
		['a grid by ATR that may hold for ever', { max_holding_minutes: null }, /max_holding_minutes: .*needs it/],
		['one that holds longer than its candles', { max_holding_minutes: 24_756 }, /must be at most 24755 on 5m/],
		['an unknown parameter', { weights: {} }, /weights: unknown parameter/],
	])('refuses %s, naming the field', (_, parameters, message) => {
		expect(() => prepareStrategy('grid', parameters)).toThrow(UsageError);
		expect(() => prepareStrategy('grid', parameters)).toThrow(message);
	});

	test('the longest holding time fits into the history that a version may ask for', () => {
		expect(prepare({ max_holding_minutes: 24_755 }).history).toBe(5_000);
		expect(prepare({ max_holding_minutes: 4_951, timeframe: '1m' }).history).toBe(5_000);
	});
});
