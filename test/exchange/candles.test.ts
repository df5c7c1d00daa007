import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { timeframeMs } from '../../src/domain.ts';
import { cleanCandles } from '../../src/exchange/candles.ts';

const minute = 60_000;
const noon = Date.UTC(2025, 5, 12, 12);
const row = (openAt: number, prices = ['10', '12', '9', '11'], volume = '5') => [openAt, ...prices, volume];
const clean = (rows: unknown[], more: Partial<Parameters<typeof cleanCandles>[1]> = {}) =>
	cleanCandles(rows, { timeframe: '1m', asOf: noon, limit: 100, ...more });

describe('candles', () => {
	test('come out oldest first, whatever the order they came in, each once', () => {
		const rows = [3, 1, 2, 2, 3].map((back) => row(noon - back * minute));
		const { candles, refusedRows } = clean(rows);
		expect(candles.map(([openAt]) => (noon - openAt) / minute)).toEqual([3, 2, 1]);
		expect(refusedRows).toBe(0);
	});

	test('the one that is not closed is dropped and not counted; it is closed at its end, not before', () => {
		const rows = [row(noon - minute), row(noon)];
		expect(clean(rows).candles).toHaveLength(1);
		expect(clean(rows).refusedRows).toBe(0);
		expect(clean(rows, { asOf: noon + minute - 1 }).candles).toHaveLength(1);
		expect(clean(rows, { asOf: noon + minute }).candles).toHaveLength(2);
	});

	test.each([
		['high below low', row(noon - minute, ['10', '9', '12', '11'])],
		['open above high', row(noon - minute, ['13', '12', '9', '11'])],
		['close below low', row(noon - minute, ['10', '12', '9', '8'])],
		['zero price', row(noon - minute, ['10', '12', '0', '11'])],
		['negative price', row(noon - minute, ['10', '12', '-1', '11'])],
		['NaN', row(noon - minute, ['10', 'NaN', '9', '11'])],
		['infinity', row(noon - minute, ['10', 'Infinity', '9', '11'])],
		['negative volume', row(noon - minute, undefined, '-5')],
		['no volume', [noon - minute, '10', '12', '9', '11']],
		['the future', row(noon + minute)],
		['off the grid', row(noon - minute + 1)],
		['no time', row(Number.NaN)],
		['not a row', 'row'],
		['null', null],
	])('refused and counted: %s', (_, bad) => {
		expect(clean([bad, row(noon - 2 * minute)])).toEqual({
			candles: [row(noon - 2 * minute)],
			refusedRows: 1,
		});
	});

	test('the exact digits stay', () => {
		const prices = ['0.000000012345678901', '0.000000012345678902', '0.0000000100', '0.000000011'];
		expect(clean([row(noon - minute, prices)]).candles[0]?.slice(1, 5)).toEqual(prices);
	});

	test('a limit keeps the newest, or with a start the oldest', () => {
		const rows = [5, 4, 3, 2, 1].map((back) => row(noon - back * minute));
		const backs = (more: object) => clean(rows, more).candles.map(([openAt]) => (noon - openAt) / minute);
		expect(backs({ limit: 2 })).toEqual([2, 1]);
		expect(backs({ limit: 2, sinceMs: noon - 4 * minute })).toEqual([4, 3]);
	});

	test('whatever comes, what goes out is closed, on the grid, rising in time and possible', () => {
		const price = fc.oneof(
			fc.double({ min: -1, max: 100 }).map(String),
			fc.constantFrom('10', '11', '12', '', 'NaN', '1e400', '-0'),
		);
		const time = fc
			.integer({ min: -5, max: 5 })
			.chain((n) => fc.constantFrom(noon + n * minute, noon + n * minute + 7));
		const rows = fc.array(fc.oneof(fc.tuple(time, price, price, price, price, price), fc.anything()));
		fc.assert(
			fc.property(rows, fc.constantFrom('1m' as const, '5m' as const), (given, timeframe) => {
				const { candles, refusedRows } = clean(given, { timeframe });
				expect(candles.length + refusedRows).toBeLessThanOrEqual(given.length);
				let before = 0;
				for (const [openAt, open, high, low, close, volume] of candles) {
					expect(openAt).toBeGreaterThan(before);
					before = openAt;
					expect(openAt % timeframeMs[timeframe]).toBe(0);
					expect(openAt + timeframeMs[timeframe]).toBeLessThanOrEqual(noon);
					expect(Number(low)).toBeGreaterThan(0);
					expect(Number(high)).toBeGreaterThanOrEqual(Math.max(Number(open), Number(close)));
					expect(Number(low)).toBeLessThanOrEqual(Math.min(Number(open), Number(close)));
					expect(Number(volume)).toBeGreaterThanOrEqual(0);
				}
			}),
		);
	});
});
