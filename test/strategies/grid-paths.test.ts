/** The grid along any price path: bounds, trades on crossings only, round trips that gain. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { levelsAway, linePrice, rangeLadder } from '../../src/strategies/grid-levels.ts';
import { emptyBook, prepare, priced, range, step } from './grid-book.ts';

/** Price paths that start at the centre and end there. */
const paths = fc.array(
	// On lines as often as between them.
	fc.oneof(
		fc.integer({ min: 880, max: 1_020 }).map((tenths) => tenths / 10),
		fc.integer({ min: 88, max: 102 }),
	),
	{ minLength: 1, maxLength: 60 },
);
const kinds = fc.record({
	direction: fc.constantFrom('LONG' as const, 'SHORT' as const, 'BOTH' as const),
	spacing: fc.constantFrom('arithmetic' as const, 'geometric' as const),
	levels: fc.integer({ min: 1, max: 12 }),
	out_of_range: fc.constantFrom('hold' as const, 'close' as const),
	few: fc.boolean(),
});

describe('along any path', () => {
	test('lots stay within bounds, trades happen on crossings only, the centre holds nothing, and round trips gain', () => {
		let trades = 0;
		fc.assert(
			fc.property(kinds, paths, ({ few, ...kind }, path) => {
				const parameters = { ...range, ...kind, max_lots: few ? Math.ceil(kind.levels / 2) : null };
				const strategy = prepare(parameters);
				const ladder = rangeLadder({ lower: 90, upper: 100, ...kind });
				const book = emptyBook();
				// Prices since the last check that left nothing to do: a side that waits for the other to be closed is entered later.
				let since = [ladder.center];
				for (const price of [...path, ladder.center]) {
					const held = book.held;
					const evaluation = step(strategy, book, priced(price), price);
					expect(book.entries.length).toBeLessThanOrEqual(strategy.maxLots);
					if (evaluation.decision !== 'NONE') {
						trades += 1;
						expect(since.some((from) => hasCrossed(ladder, kind.levels, from, price))).toBe(true);
						// An entry adds to the side that is held; a close never turns it round.
						if (held !== null && evaluation.decision !== 'CLOSE') expect(evaluation.decision).toBe(held.direction);
						if (evaluation.decision === 'CLOSE') expect(evaluation.lots ?? held!.lots).toBeLessThanOrEqual(held!.lots);
					}
					// The same check again has nothing to do, unless the other side waits.
					const again = strategy.evaluate(priced(price), book.held, 0);
					if (kind.direction !== 'BOTH' || book.held !== null) expect(again.decision).toBe('NONE');
					since = again.decision === 'NONE' ? [price] : [...since, price];
				}
				expect(book.entries).toEqual([]);
				if (kind.out_of_range === 'hold')
					for (const gain of book.gains) expect(gain).toBeGreaterThan(smallestStep(ladder, kind.levels) * (1 - 1e-6));
			}),
			{ numRuns: 400 },
		);
		expect(trades).toBeGreaterThan(1_000);
	});

	test('one check after many crossings leads where a check after each would have led', () => {
		fc.assert(
			fc.property(fc.double({ min: 90.01, max: 100, noNaN: true }), fc.integer({ min: 1, max: 50 }), (end, count) => {
				const strategy = prepare(range);
				const [slow, fast] = [emptyBook(), emptyBook()];
				for (let index = 1; index <= count; index++) {
					const price = 100 + ((end - 100) * index) / count;
					step(strategy, slow, priced(price), price);
				}
				step(strategy, fast, priced(end), end);
				expect(fast.entries.length).toBe(slow.entries.length);
			}),
		);
	});
});

/** Whether a price that came from `from` has reached or crossed a line at `to`; where the grid ends, leaving the end counts too. */
function hasCrossed(ladder: ReturnType<typeof rangeLadder>, levels: number, from: number, to: number): boolean {
	const [a, b] = [levelsAway(ladder, from), levelsAway(ladder, to)];
	if (Math.abs(Math.abs(a) - (levels + 1)) < 1e-6) return true;
	return b < a ? Math.ceil(a - 1e-6) - 1 >= b - 1e-6 : Math.floor(a + 1e-6) + 1 <= b + 1e-6;
}

function smallestStep(ladder: ReturnType<typeof rangeLadder>, levels: number): number {
	if (ladder.ratio === null) return ladder.step;
	const ends = [levels, -levels, 1, -1, 0].map((k) => linePrice(ladder, k));
	return Math.min(...ends) * (1 - 1 / ladder.ratio);
}
