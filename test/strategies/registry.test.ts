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
		['ST-004', 5],
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
		['no lots', { max_lots: 0 }, /max_lots: /],
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

	test.runIf('weights' in parseParameters(strategy.name, {}))(
		'weights must sum to 1 within 1e-9 and not be negative',
		() => {
			const { weights } = parseParameters(strategy.name, {}) as { weights: Record<string, number> };
			const [first, second] = Object.keys(weights) as [string, string];
			const shifted = (share: number) => ({ weights: { ...weights, [first]: weights[first]! + share } });
			expect(() => prepareStrategy(strategy.name, shifted(5e-10))).not.toThrow();
			expect(() => prepareStrategy(strategy.name, shifted(1e-6))).toThrow(/weights: must sum to 1, not 1\.000001$/);
			const negative = { ...weights, [first]: weights[first]! + weights[second]! + 0.1, [second]: -0.1 };
			expect(() => prepareStrategy(strategy.name, { weights: negative })).toThrow(new RegExp(`weights\\.${second}: `));
			const misspelt = { ...weights, [first]: 0.9999, astrology: 1 };
			expect(() => prepareStrategy(strategy.name, { weights: misspelt })).toThrow(
				/^parameters of \w+: weights\.astrology: unknown parameter$/,
			);
		},
	);
});

test('periods that must be ordered are', () => {
	expect(() => prepareStrategy('ST-003', { ema_fast_period: 21 })).toThrow(
		/ema_fast_period: must be below ema_slow_period/,
	);
	expect(() => prepareStrategy('ST-003', { macd_fast_period: 30 })).toThrow(/macd_fast_period: must be below/);
	expect(() => prepareStrategy('ST-002', { adx_fade_from: 40 })).toThrow(/adx_fade_from: must be below adx_fade_to/);
});

test('a higher timeframe lies above the own one, and is there where it is weighed', () => {
	for (const name of ['scalping', 'trend_following']) {
		const refused = (parameters: object) => expect(() => prepareStrategy(name, parameters));
		refused({ timeframe: '1h', higher_timeframe: '1h' }).toThrow(
			/higher_timeframe: must be longer than timeframe \(1h\)/,
		);
		refused({ timeframe: '15m', higher_timeframe: '5m' }).toThrow(/higher_timeframe: must be longer/);
		refused({ higher_timeframe: null }).toThrow(/higher_timeframe: must be set while weights\.higher_timeframe/);
		refused({ higher_timeframe: '2h' }).toThrow(/higher_timeframe: /);
		refused({ higher_fast_period: 20 }).toThrow(/higher_fast_period: must be below higher_slow_period/);

		const { weights } = parseParameters(name, {}) as { weights: Record<string, number> };
		const moved = { ...weights, higher_timeframe: 0, ema_cross: weights.ema_cross! + weights.higher_timeframe! };
		expect(prepareStrategy(name, { higher_timeframe: null, weights: moved }).furtherWindows).toEqual([]);
	}
	expect(prepareStrategy('trend_following', {}).furtherWindows).toEqual([{ timeframe: '1h', history: 36 }]);
	expect(prepareStrategy('scalping', {}).furtherWindows).toEqual([{ timeframe: '15m', history: 36 }]);
});

test('scalping asks for a session of candles where it weighs their VWAP', () => {
	const { weights } = parseParameters('scalping', {}) as { weights: Record<string, number> };
	const vwap = { ...weights, higher_timeframe: 0, vwap_deviation: weights.higher_timeframe! };
	expect(prepareStrategy('scalping', { weights: vwap }).furtherWindows).toEqual([{ timeframe: '5m', history: 304 }]);
	const minutes = prepareStrategy('scalping', { weights: vwap, vwap_timeframe: '1m' });
	expect(minutes).toMatchObject({ history: 1456, furtherWindows: [] });
});

test.each(['scalping', 'mean_reversion', 'trend_following'])('%s: what its scored fields refuse', (name) => {
	const refused = (parameters: object, message: RegExp) =>
		expect(() => prepareStrategy(name, parameters)).toThrow(message);
	refused({ trailing_stop_fraction: 0 }, /trailing_stop_fraction: /);
	refused({ trailing_stop_fraction: 1 }, /trailing_stop_fraction: /);
	refused({ entry_threshold: -1.5, exit_threshold: -1.6 }, /entry_threshold: .*exit_threshold: /);
	expect(() => prepareStrategy(name, { trailing_stop_fraction: null })).not.toThrow();
});

test('fields of the new factors are bounded', () => {
	const refused = (field: string, value: unknown) =>
		expect(() => prepareStrategy('scalping', { [field]: value })).toThrow(new RegExp(`${field}: `));
	refused('stochastic_smooth', 0);
	refused('stochastic_oversold', 50);
	refused('volume_candles', 17);
	refused('volume_full', 0);
	refused('vwap_timeframe', '1d');
	refused('volatility_favours', 'ANY');
	refused('volatility_fast_period', 100);
	refused('donchian_period', 1.5);
});
