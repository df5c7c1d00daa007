/** How indicators are written on the command line. */
import { expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { indicatorKey } from '../../src/market/indicators/indicator.ts';
import { parseIndicatorSpec } from '../../src/market/indicators/parse.ts';
import { everySpec } from './indicator-specs.ts';

test.each(everySpec.map((spec) => [indicatorKey(spec), spec] as const))('%s is read back from its key', (key, spec) => {
	expect(parseIndicatorSpec(key)).toEqual(spec);
	expect(parseIndicatorSpec(` ${key.toUpperCase()} `)).toEqual(spec);
});

test.each([
	['bb:20:2', 'bollinger:20:2'],
	['bbands:20:1.5', 'bollinger:20:1.5'],
	['stoch:14:3:3', 'stochastic:14:3:3'],
	['rv:20', 'realised_volatility:20'],
	['dc:20', 'donchian:20'],
])('%s is %s', (short, key) => {
	expect(indicatorKey(parseIndicatorSpec(short))).toBe(key);
});

test.each([
	['', /there is no indicator "": expected one of sma, ema, rsi/],
	['foo:14', /there is no indicator "foo:14"/],
	['constructor:14', /there is no indicator/],
	['rsi', /expected rsi:PERIOD with a whole period of 2 or more, such as rsi:14/],
	['rsi:', /expected rsi:PERIOD/],
	['rsi:1', /expected rsi:PERIOD/],
	['rsi:14:3', /expected rsi:PERIOD/],
	['rsi:14.5', /expected rsi:PERIOD/],
	['rsi:-14', /expected rsi:PERIOD/],
	['rsi:1e1', /expected rsi:PERIOD/],
	['rsi:100001', /expected rsi:PERIOD/],
	['realised_volatility:1', /of 2 or more/],
	['macd:26:12:9', /FAST below SLOW/],
	['macd:12:26', /macd:FAST:SLOW:SIGNAL/],
	['bollinger:20', /bollinger:PERIOD:DEVIATIONS/],
	['bollinger:20:0', /deviations above 0/],
	['obv:0', /expected obv, or obv:PERIOD/],
	['vwap:14', /expected vwap without parameters/],
])('%j is refused with what was expected', (text, says) => {
	expect(() => parseIndicatorSpec(text)).toThrow(UsageError);
	expect(() => parseIndicatorSpec(text)).toThrow(says);
});
