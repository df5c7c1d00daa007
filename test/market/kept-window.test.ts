/** Windows that are extended in place: what was given out before never changes, and states follow what changed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { candleOf } from '../../src/market/indicators/stream.ts';
import { type CandleRows, KeptWindow } from '../../src/market/kept-window.ts';
import { createMarketView } from '../../src/market/view.ts';
import { indicatorHistory } from '../../src/strategies/history.ts';
import type { CandleWindow, IndicatorSpec, MarketView } from '../../src/strategies/strategy.ts';
import { everySpec } from './indicator-specs.ts';
import { randomWalk, slice } from './market-windows.ts';

const finite = everySpec.filter((spec) => spec.name !== 'obv' || spec.period !== undefined);

/** Candles `from` to `to` (exclusive) as the database tells them, recorded at `at` each. */
function rowsOf(window: CandleWindow, from: number, to: number, at: (index: number) => number): CandleRows {
	const part = slice(window, from, to);
	const column = (values: Float64Array) => [...values];
	return {
		openAt: column(part.openAt),
		open: column(part.open),
		high: column(part.high),
		low: column(part.low),
		close: column(part.close),
		volume: column(part.volume),
		recordedAt: Array.from(part.openAt, (_, index) => at(from + index)),
	};
}

const copyOf = (window: CandleWindow) => slice(window, 0, window.close.length);
const viewOf = (kept: KeptWindow, use = { computed: 0, advanced: 0, reused: 0 }) =>
	createMarketView(kept.window, null, use, kept.moment);

function expectClose(actual: MarketView, expected: MarketView, specs: readonly IndicatorSpec[]): void {
	for (const spec of specs) {
		for (const back of [0, 1, 5, 16]) {
			for (const [output, figure] of Object.entries(expected.indicator(spec, back))) {
				const value = actual.indicator(spec, back)[output] ?? null;
				if (figure === null || value === null) expect(value).toBe(figure);
				else
					expect(Math.abs(value - figure), `${spec.name} ${output}`).toBeLessThanOrEqual(
						1e-9 * Math.max(1, Math.abs(figure)),
					);
			}
		}
	}
}

test('holds the newest candles through any extensions and corrections, and leaves windows of before as they were', () => {
	const steps = fc.array(fc.record({ added: fc.integer({ min: 0, max: 5 }), isCorrected: fc.boolean() }), {
		maxLength: 60,
	});
	fc.assert(
		fc.property(fc.nat(), fc.integer({ min: 1, max: 40 }), steps, (seed, candles, changes) => {
			const walk = randomWalk(seed, 400);
			const other = randomWalk(seed + 1, 400);
			const truth = slice(walk, 0, 400);
			const recorded = new Array<number>(400).fill(1);
			let end = candles;
			const kept = new KeptWindow(
				'5m',
				candles,
				rowsOf(truth, 0, end, (index) => recorded[index]!),
			);
			const given: [CandleWindow, CandleWindow][] = [];
			for (const { added, isCorrected } of changes) {
				given.push([kept.window, copyOf(kept.window)]);
				const last = end - 1;
				if (isCorrected) {
					for (const name of ['open', 'high', 'low', 'close', 'volume'] as const)
						truth[name][last] = other[name][last]!;
					recorded[last]! += 1;
				}
				end += added;
				const isAnother = kept.extend(rowsOf(truth, last, end, (index) => recorded[index]!));
				expect(isAnother).toBe(isCorrected || added > 0);
				expect(copyOf(kept.window)).toEqual(slice(truth, end - candles, end));
				expect(kept.held).toEqual({
					first_at: truth.openAt[end - candles],
					last_at: truth.openAt[end - 1],
					known: candles,
					recorded: String(recorded.slice(end - candles, end - 1).reduce((sum, at) => sum + at, 0)),
				});
			}
			for (const [window, copy] of given) expect(copyOf(window)).toEqual(copy);
		}),
		{ numRuns: 60 },
	);
});

describe('answers that cross each other', () => {
	const walk = randomWalk(3, 30);
	const rows = (from: number, to: number, at = 1) => rowsOf(walk, from, to, () => at);

	test('the older one changes nothing', () => {
		const kept = new KeptWindow('5m', 10, rows(0, 10));
		expect(kept.extend(rows(9, 12))).toBe(true);
		expect(kept.extend(rows(9, 11))).toBe(false);
		expect(kept.extend(rows(9, 12))).toBe(false);
		expect(kept.extend(rows(11, 12, 0))).toBe(false);
		expect(kept.window.openAt.at(-1)).toBe(walk.openAt[11]);
		expect(kept.extend(rows(9, 13))).toBe(true);
		expect(copyOf(kept.window)).toEqual(slice(walk, 3, 13));
	});

	test('one that does not join is not taken', () => {
		const kept = new KeptWindow('5m', 10, rows(0, 10));
		expect(kept.extend(rows(10, 12))).toBeNull();
		expect(copyOf(kept.window)).toEqual(slice(walk, 0, 10));
	});
});

describe('states', () => {
	const candles = Math.max(...finite.map((spec) => indicatorHistory(spec, '5m')));
	const walk = randomWalk(5, candles + 200);
	const start = () =>
		new KeptWindow(
			'5m',
			candles,
			rowsOf(walk, 0, candles, () => 1),
		);
	const extend = (kept: KeptWindow, from: number, to: number) => kept.extend(rowsOf(walk, from - 1, to, () => 1));

	test('take each new candle once, for whoever asks', () => {
		const kept = start();
		const use = { computed: 0, advanced: 0, reused: 0 };
		for (const spec of finite) viewOf(kept, use).indicator(spec);
		expect(use).toEqual({ computed: finite.length, advanced: 0, reused: 0 });
		for (let end = candles + 1; end <= candles + 100; end += 1) {
			extend(kept, end - 1, end);
			const view = viewOf(kept, use);
			for (let bot = 0; bot < 3; bot += 1) for (const spec of finite) view.indicator(spec);
		}
		expect(use).toEqual({ computed: 101 * finite.length, advanced: 100 * finite.length, reused: 200 * finite.length });
		expectClose(viewOf(kept), createMarketView(copyOf(kept.window), null), finite);
	});

	test('that were not asked for a while take what came meanwhile', () => {
		const kept = start();
		for (const [position, spec] of finite.entries()) if (position % 2 === 0) viewOf(kept).indicator(spec);
		for (let end = candles + 1; end <= candles + 90; end += 1) extend(kept, end - 1, end);
		expectClose(viewOf(kept), createMarketView(slice(walk, 90, candles + 90), null), finite);
	});

	test('show a window of before nothing that came later', () => {
		const kept = start();
		for (const spec of finite) viewOf(kept).indicator(spec);
		const before = viewOf(kept);
		extend(kept, candles, candles + 7);
		for (const spec of finite) viewOf(kept).indicator(spec);
		expectClose(before, createMarketView(slice(walk, 0, candles), null), finite);
		expectClose(viewOf(kept), createMarketView(slice(walk, 7, candles + 7), null), finite);
	});

	test('forget a last candle that was corrected, whether they had seen it or not', () => {
		for (const askedBefore of [true, false]) {
			const wrong = slice(walk, 0, candles + 20);
			wrong.close[candles] = wrong.close[candles]! * 1.01;
			wrong.high[candles] = wrong.close[candles]!;
			wrong.volume[candles] = 1e5;
			const kept = start();
			for (const spec of finite) viewOf(kept).indicator(spec);
			kept.extend(rowsOf(wrong, candles - 1, candles + 1, () => 1));
			const mistaken = viewOf(kept);
			if (askedBefore) for (const spec of finite) mistaken.indicator(spec);
			kept.extend(rowsOf(walk, candles, candles + 4, (index) => (index === candles ? 2 : 1)));
			expectClose(viewOf(kept), createMarketView(slice(walk, 4, candles + 4), null), finite);
			// Who holds the mistaken window still sees what it said.
			expectClose(mistaken, createMarketView(slice(wrong, 1, candles + 1), null), finite);
			extend(kept, candles + 4, candles + 5);
			expectClose(viewOf(kept), createMarketView(slice(walk, 5, candles + 5), null), finite);
		}
	});

	test('in a market that falls silent give way to the window’s own values', () => {
		const still = candleOf(walk, candles - 1).close;
		const quiet = slice(walk, 0, candles + 200);
		for (const name of ['open', 'high', 'low', 'close'] as const) quiet[name].fill(still, candles);
		const kept = new KeptWindow(
			'5m',
			candles,
			rowsOf(quiet, 0, candles, () => 1),
		);
		for (let end = candles + 1; end <= candles + 200; end += 1) {
			kept.extend(rowsOf(quiet, end - 2, end, () => 1));
			const view = viewOf(kept);
			for (const spec of finite) view.indicator(spec);
			if (end % 20 === 0) expectClose(view, createMarketView(copyOf(kept.window), null), finite);
		}
	});
});
