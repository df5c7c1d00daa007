/** Indicators as states: one candle at a time, with candles taken back, gives what the whole window gives. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computeIndicator, createIndicatorStream, indicatorKey } from '../../src/market/indicators/indicator.ts';
import { candleOf } from '../../src/market/indicators/stream.ts';
import { indicatorHistory, maxBack } from '../../src/strategies/history.ts';
import type { CandleWindow } from '../../src/strategies/strategy.ts';
import { everySpec } from './indicator-specs.ts';
import { randomWalk, slice } from './market-windows.ts';

/** The wrong candles that each candle takes the place of: none for most, up to three for some. */
const mistakes = fc.array(
	fc.nat({ max: 9 }).map((n) => Math.max(0, n - 6)),
	{ minLength: 120, maxLength: 120 },
);

describe.each(everySpec.map((spec) => [indicatorKey(spec), spec] as const))('%s', (_, spec) => {
	test('the state after N candles, some of them replaced, is that computed from the window', () => {
		fc.assert(
			fc.property(fc.nat(), mistakes, (seed, wrong) => {
				const walk = randomWalk(seed, 120);
				const other = randomWalk(seed + 1, 120, 0.05);
				const whole = computeIndicator(spec, walk);
				const stream = createIndicatorStream(spec);
				for (let index = 0; index < 120; index += 1) {
					for (let mistake = 0; mistake < wrong[index]!; mistake += 1) {
						const candle = candleOf(other, (index + 7 * mistake) % 120);
						if (mistake === 0) stream.add(candle);
						else stream.replace(candle);
					}
					if (wrong[index] === 0) stream.add(candleOf(walk, index));
					else stream.replace(candleOf(walk, index));
					for (const [position, output] of stream.outputs.entries()) {
						const expected = whole[output]![index]!;
						const value = stream.values()[position]!;
						if (Number.isNaN(expected)) expect(value).toBeNaN();
						else expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
					}
				}
				for (let back = 0; back <= maxBack; back += 1) {
					expect(stream.values(back)).toEqual(stream.outputs.map((output) => whole[output]![119 - back]));
				}
			}),
			{ numRuns: 30 },
		);
	});

	test('a replaced candle leaves no trace: the state goes on as if it had never seen it', () => {
		const walk = randomWalk(21, 80);
		const plain = createIndicatorStream(spec);
		const corrected = createIndicatorStream(spec);
		for (let index = 0; index < 80; index += 1) {
			const candle = candleOf(walk, index);
			plain.add(candle);
			corrected.add({ ...candle, high: candle.high * 3, low: candle.low / 3, close: candle.close * 2, volume: 1e6 });
			if (index > 65) expect(corrected.values()).not.toEqual(plain.values());
			corrected.replace(candle);
			expect(corrected.values()).toEqual(plain.values());
		}
	});

	test('answers with nothing before its first candle', () => {
		const stream = createIndicatorStream(spec);
		expect(stream.values().length).toBe(stream.outputs.length);
		expect(stream.values().every(Number.isNaN)).toBe(true);
	});
});

/** A walk that falls silent at `from` for `length` candles: prices stand, or move `share` of what they did. */
function quietened(seed: number, from: number, length: number, share: number): CandleWindow {
	const walk = randomWalk(seed, 1_500);
	const base = walk.close[from]!;
	const within = (column: Float64Array) =>
		column.map((price, index) => {
			if (index <= from) return price;
			if (index <= from + length) return base + (price - base) * share;
			// Goes on from where the silence ended.
			return price - (walk.close[from + length]! - base) * (1 - share);
		});
	return {
		...walk,
		open: within(walk.open),
		high: within(walk.high),
		low: within(walk.low),
		close: within(walk.close),
	};
}

const finite = everySpec.filter((spec) => spec.name !== 'obv' || spec.period !== undefined);

test.each(finite.map((spec) => [indicatorKey(spec), spec] as const))(
	'%s: a state that has run for long equals one computed from its window, or says that it has faded',
	(_, spec) => {
		fc.assert(
			fc.property(
				fc.nat(),
				fc.integer({ min: 500, max: 900 }),
				fc.integer({ min: 0, max: 450 }),
				fc.constantFrom(0, 1e-9, 1e-4, 0.1),
				(seed, from, length, share) => {
					const window = quietened(seed, from, length, share);
					const history = indicatorHistory(spec, '5m');
					const stream = createIndicatorStream(spec);
					for (let index = 0; index < window.close.length; index += 1) {
						stream.add(candleOf(window, index));
						if (index < history || index % 23 !== 0 || stream.hasFaded) continue;
						const exact = computeIndicator(spec, slice(window, index + 1 - history, index + 1));
						for (const [position, output] of stream.outputs.entries()) {
							const expected = exact[output]!.at(-1)!;
							const error = Math.abs(stream.values()[position]! - expected);
							expect(error, `${output} at ${index}`).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
						}
					}
				},
			),
			{ numRuns: 8 },
		);
	},
);

test('a market that goes on moving does not fade', () => {
	const walk = randomWalk(31, 2_000);
	for (const spec of everySpec) {
		const stream = createIndicatorStream(spec);
		for (let index = 0; index < walk.close.length; index += 1) stream.add(candleOf(walk, index));
		expect(stream.hasFaded, indicatorKey(spec)).toBe(false);
	}
});
