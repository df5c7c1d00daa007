/** When a result is repeated and when the strategy is asked again. */
import { beforeEach, expect, test } from 'vitest';
import { createMarketView } from '../../src/market/view.ts';
import type { Evaluation, HeldPosition, MarketView, PreparedStrategy } from '../../src/strategies/strategy.ts';
import { CheckCache, type CheckSubject } from '../../src/workers/check-cache.ts';
import { evaluateCheck } from '../../src/workers/evaluate.ts';
import { windowOf } from '../market/market-windows.ts';

const view = (): MarketView => createMarketView(windowOf({ close: [100, 101, 102] }), null);
const answer = (validUntilMs?: number): Evaluation => ({
	score: 0.1,
	factors: [],
	decision: 'NONE',
	reason: 'BELOW_THRESHOLD',
	stopLossFraction: null,
	takeProfitFraction: null,
	...(validUntilMs === undefined ? {} : { validUntilMs }),
});
const held: HeldPosition = { direction: 'LONG', averageEntryPrice: 100, quantity: 2, lots: 1, openedAt: 5_000 };
const seen = view();
const subject: CheckSubject = { botId: 1, kind: 'SCHEDULED', strategyVersionId: 7, view: seen, position: held };

let cache: CheckCache;
beforeEach(() => {
	cache = new CheckCache();
});

test('repeats while version, view and position are the same and the time has not come', () => {
	const evaluation = answer(10_000);
	cache.keep(subject, evaluation, 1_000);
	expect(cache.find({ ...subject, position: { ...held } }, 9_999)).toBe(evaluation);
	expect(cache.find(subject, 10_000)).toBeNull();
	expect(cache.use).toEqual({ evaluated: 1, repeated: 1 });
});

test.each<[string, Partial<CheckSubject>]>([
	['another bot', { botId: 2 }],
	['a manual check', { kind: 'MANUAL' }],
	['another version', { strategyVersionId: 8 }],
	['another view, though of the same candles', { view: view() }],
	['no view', { view: null }],
	['no position', { position: null }],
	['the other direction', { position: { ...held, direction: 'SHORT' } }],
	['another quantity', { position: { ...held, quantity: 1 } }],
	['another entry price', { position: { ...held, averageEntryPrice: 101 } }],
	['another lot', { position: { ...held, lots: 2 } }],
	['another opening', { position: { ...held, openedAt: 6_000 } }],
])('%s is evaluated', (_, change) => {
	cache.keep(subject, answer(Number.POSITIVE_INFINITY), 1_000);
	expect(cache.find({ ...subject, ...change }, 1_001)).toBeNull();
	expect(cache.find(subject, 1_001)).not.toBeNull();
});

test('an answer that does not say how long it holds is not kept, and takes the place of one that did', () => {
	cache.keep(subject, answer(Number.POSITIVE_INFINITY), 1_000);
	cache.keep(subject, answer(), 2_000);
	expect(cache.find(subject, 2_001)).toBeNull();
	cache.keep(subject, answer(1_999), 2_000);
	expect(cache.size).toBe(0);
});

test('holds so many bots and no more; who was evaluated longest ago goes', () => {
	const small = new CheckCache(2);
	for (const botId of [1, 2, 1, 3]) small.keep({ ...subject, botId }, answer(Number.POSITIVE_INFINITY), 0);
	expect(small.size).toBe(2);
	expect([1, 2, 3].map((botId) => small.find({ ...subject, botId }, 0) !== null)).toEqual([true, false, true]);
});

test('an evaluation is repeated, and said to be; stale data is refused before, a strategy that throws is asked again', () => {
	let asked = 0;
	let throws = false;
	const strategy: PreparedStrategy = {
		timeframe: '5m',
		history: 1,
		maxLots: 1,
		favourableRegimes: [],
		evaluate: () => {
			asked += 1;
			if (throws) throw new Error('no');
			return answer(Number.POSITIVE_INFINITY);
		},
	};
	const market = { view: seen, regime: null, regimeFigures: null, candleAt: 0, price: 102 };
	const check = (nowMs: number, fetchedAt: number, changes: Partial<CheckSubject> = {}) =>
		evaluateCheck(
			{
				...subject,
				dueAt: new Date(nowMs),
				isDryRun: false,
				timeframe: '5m',
				strategy,
				market,
				view: seen,
				dataFetchedAt: new Date(fetchedAt),
				...changes,
			},
			nowMs,
			cache,
		);
	const first = check(0, 0);
	const second = check(60_000, 60_000);
	expect([first.is_repeated, second.is_repeated, asked]).toEqual([false, true, 1]);
	expect({ ...second, is_repeated: false, duration_ms: 0, started_at: '', due_at: '' }).toEqual({
		...first,
		duration_ms: 0,
		started_at: '',
		due_at: '',
	});
	// What the strategy saw goes with its answer, repeated or not.
	expect([second.position_lots, check(60_001, 60_000, { position: { ...held, lots: 3 } }).position_lots]).toEqual([
		1, 3,
	]);
	expect(check(180_001, 60_000)).toMatchObject({ failure: 'STALE_DATA', is_repeated: false });
	throws = true;
	expect(check(61_000, 60_000, { position: null })).toMatchObject({ failure: 'FAILED', is_repeated: false });
	expect(check(62_000, 60_000, { position: null })).toMatchObject({ failure: 'FAILED', is_repeated: false });
	expect(asked).toBe(4);
});

test('on minutes nothing is kept: a candle has closed by the next check of any bot', () => {
	const strategy: PreparedStrategy = {
		timeframe: '1m',
		history: 1,
		maxLots: 1,
		favourableRegimes: [],
		evaluate: () => answer(Number.POSITIVE_INFINITY),
	};
	const market = { view: seen, regime: null, regimeFigures: null, candleAt: 0, price: 102 };
	const shared = { dueAt: new Date(0), isDryRun: false, strategy, market, view: seen, dataFetchedAt: new Date(0) };
	evaluateCheck({ ...subject, ...shared, timeframe: '5m' }, 0, cache);
	expect(cache.size).toBe(1);
	evaluateCheck({ ...subject, ...shared, strategyVersionId: 8, timeframe: '1m' }, 0, cache);
	expect([cache.size, cache.use]).toEqual([0, { evaluated: 2, repeated: 0 }]);
});
