import { describe, expect, test } from 'vitest';
import { BotboxError, UsageError } from '../../src/errors.ts';
import { findStrategy, parseParameters, prepareStrategy, strategies } from '../../src/strategies/registry.ts';

test('finds a strategy by catalogue id and by name', () => {
	expect(findStrategy('ST-003')?.name).toBe('trend_following');
	expect(findStrategy('mean_reversion')?.id).toBe('ST-002');
	expect(findStrategy('martingale')).toBeNull();
	expect(() => prepareStrategy('martingale', {})).toThrow(BotboxError);
	expect(() => prepareStrategy('martingale', {})).toThrow(/martingale.*mean_reversion, trend_following/);
});

test('ids and names are unique; intervals and timeframes are those of the catalogue', () => {
	expect(new Set(strategies.flatMap(({ id, name }) => [id, name])).size).toBe(2 * strategies.length);
	expect(strategies.map(({ id, defaultInterval }) => [id, defaultInterval])).toEqual([
		['ST-001', 1],
		['ST-002', 5],
		['ST-003', 15],
		['ST-005', 60],
	]);
	expect(prepareStrategy('ST-002', {}).timeframe).toBe('5m');
	expect(prepareStrategy('ST-003', {}).timeframe).toBe('15m');
});

describe.each(strategies)('$name', (strategy) => {
	test('its defaults are complete, valid and survive JSON', () => {
		const defaults = parseParameters(strategy.name, {});
		expect(parseParameters(strategy.id, JSON.parse(JSON.stringify(defaults)))).toEqual(defaults);
		expect(defaults).not.toBe(parseParameters(strategy.name, {}));
	});

	const refused: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
		['an unknown parameter', { leverage: 3 }, /leverage: unknown parameter/],
		['an unknown factor', { weights: { astrology: 1 } }, /weights\.astrology: unknown parameter/],
		['a weight left out', { weights: {} }, /weights\.\w+: /],
		['a weight that is text', { weights: 'equal' }, /weights: /],
		['an entry threshold above 1', { entry_threshold: 1.01 }, /entry_threshold: /],
		['an exit threshold below -1', { exit_threshold: -1.01 }, /exit_threshold: /],
		['an exit above the entry', { entry_threshold: 0.3, exit_threshold: 0.4 }, /exit_threshold: must not exceed/],
		['a threshold that is no number', { entry_threshold: Number.NaN }, /entry_threshold: /],
		['a timeframe that is none', { timeframe: '2m' }, /timeframe: /],
		['a stop of nothing', { stop_loss_fraction: 0 }, /stop_loss_fraction: /],
		['a profit of everything', { take_profit_fraction: 1 }, /take_profit_fraction: /],
		['half a minute', { max_holding_minutes: 0.5 }, /max_holding_minutes: /],
		['no regime at all', { favourable_regimes: [] }, /favourable_regimes: /],
		['a regime that is none', { favourable_regimes: ['SIDEWAYS'] }, /favourable_regimes\.0: /],
		['two lots', { max_lots: 2 }, /max_lots: /],
		['a period of one', { adx_period: 1 }, /adx_period: /],
	];
	// Each strategy has its own fields: what it does not have at all is refused as unknown, which is tested by one.
	const own = refused.filter(([, given]) =>
		Object.keys(given).every((field) => field === 'leverage' || field in parseParameters(strategy.name, {})),
	);
	test.each(own)('refuses %s, naming the field', (_, parameters, message) => {
		expect(() => prepareStrategy(strategy.name, parameters)).toThrow(UsageError);
		expect(() => prepareStrategy(strategy.name, parameters)).toThrow(message);
	});

	test('refuses what is no object', () => {
		for (const nonsense of [null, 7, 'x', [1]]) {
			expect(() => prepareStrategy(strategy.name, nonsense)).toThrow(/parameters: /);
		}
	});

	test('names every wrong field at once, in one line', () => {
		const attempt = () => prepareStrategy(strategy.name, { max_holding_minutes: 0.5, leverage: 3, timeframe: '2m' });
		expect(attempt).toThrow(/max_holding_minutes: .*; .*timeframe: |timeframe: .*; .*max_holding_minutes: /);
		expect(attempt).toThrow(/^parameters of \w+: [^\n]*leverage: unknown parameter[^\n]*$/);
	});

	test('weights must sum to 1 within 1e-9 and not be negative', () => {
		const { weights } = parseParameters(strategy.name, {}) as { weights: Record<string, number> };
		const [first, second] = Object.keys(weights) as [string, string];
		const shifted = (share: number) => ({ weights: { ...weights, [first]: weights[first]! + share } });
		expect(() => prepareStrategy(strategy.name, shifted(5e-10))).not.toThrow();
		expect(() => prepareStrategy(strategy.name, shifted(1e-6))).toThrow(/weights: must sum to 1/);
		const negative = { ...weights, [first]: weights[first]! + weights[second]! + 0.1, [second]: -0.1 };
		expect(() => prepareStrategy(strategy.name, { weights: negative })).toThrow(new RegExp(`weights\\.${second}: `));
	});
});

test('periods that must be ordered are', () => {
	expect(() => prepareStrategy('ST-003', { ema_fast_period: 21 })).toThrow(
		/ema_fast_period: must be below ema_slow_period/,
	);
	expect(() => prepareStrategy('ST-003', { macd_fast_period: 30 })).toThrow(/macd_fast_period: must be below/);
	expect(() => prepareStrategy('ST-002', { adx_fade_from: 40 })).toThrow(/adx_fade_from: must be below adx_fade_to/);
});
