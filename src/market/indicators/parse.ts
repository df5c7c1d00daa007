/** Indicators as people write them, e.g. `macd:12:26:9`. */
import { UsageError } from '../../errors.ts';
import type { IndicatorSpec } from '../../strategies/strategy.ts';

/**
 * Reads one indicator: a name or its short form, then its parameters, all of them, each after a colon. Periods are whole numbers
 * up to 100,000 and at least what TA-Lib asks for. Throws UsageError that names what was expected.
 */
export function parseIndicatorSpec(text: string): IndicatorSpec {
	const [word = '', ...given] = text.trim().toLowerCase().split(':');
	const name = shortForms.get(word) ?? word;
	const form = Object.hasOwn(forms, name) ? forms[name] : undefined;
	if (form === undefined) {
		throw new UsageError(
			`there is no indicator ${JSON.stringify(text)}: expected one of ${Object.keys(forms).join(', ')}`,
		);
	}
	const values = given.map(readNumber);
	const isComplete = values.length === form.parameters.length || (values.length === 0 && form.isBareAllowed === true);
	const isRight = values.every((value, index) => isWithin(value, form.parameters[index]));
	const spec = isComplete && isRight ? form.build(values) : null;
	if (spec === null) throw new UsageError(`${JSON.stringify(text)} is not an indicator: expected ${form.expected}`);
	return spec;
}

interface Form {
	readonly expected: string;
	readonly parameters: readonly Parameter[];
	/** Whether it may also stand without its parameters. */
	readonly isBareAllowed?: boolean;
	/** Null where the values do not fit each other. */
	build(values: readonly number[]): IndicatorSpec | null;
}

interface Parameter {
	readonly least: number;
	readonly isWhole: boolean;
}

const from = (least: number): Parameter => ({ least, isWhole: true });
const fraction: Parameter = { least: Number.MIN_VALUE, isWhole: false };
const most = 100_000;

type OfOnePeriod = Extract<IndicatorSpec, { readonly period: number }>['name'] &
	('sma' | 'ema' | 'rsi' | 'atr' | 'adx' | 'roc' | 'zscore' | 'volume_zscore' | 'donchian' | 'realised_volatility');

function ofOnePeriod(name: OfOnePeriod, least: number, example: number): Form {
	return {
		expected: `${name}:PERIOD with a whole period of ${least} or more, such as ${name}:${example}`,
		parameters: [from(least)],
		build: ([period = 0]) => ({ name, period }),
	};
}

const forms: Readonly<Record<string, Form>> = {
	sma: ofOnePeriod('sma', 1, 20),
	ema: ofOnePeriod('ema', 1, 21),
	rsi: ofOnePeriod('rsi', 2, 14),
	macd: {
		expected: 'macd:FAST:SLOW:SIGNAL with whole periods and FAST below SLOW, such as macd:12:26:9',
		parameters: [from(1), from(2), from(1)],
		build: ([fast = 0, slow = 0, signal = 0]) => (fast < slow ? { name: 'macd', fast, slow, signal } : null),
	},
	bollinger: {
		expected:
			'bollinger:PERIOD:DEVIATIONS with a whole period of 2 or more and deviations above 0, such as bollinger:20:2',
		parameters: [from(2), fraction],
		build: ([period = 0, deviations = 0]) => ({ name: 'bollinger', period, deviations }),
	},
	atr: ofOnePeriod('atr', 1, 14),
	adx: ofOnePeriod('adx', 2, 14),
	stochastic: {
		expected: 'stochastic:PERIOD:SMOOTH:SIGNAL with whole periods, such as stochastic:14:3:3',
		parameters: [from(1), from(1), from(1)],
		build: ([period = 0, smooth = 0, signal = 0]) => ({ name: 'stochastic', period, smooth, signal }),
	},
	obv: {
		expected: 'obv, or obv:PERIOD with a whole period, such as obv:20',
		parameters: [from(1)],
		isBareAllowed: true,
		build: ([period]) => (period === undefined ? { name: 'obv' } : { name: 'obv', period }),
	},
	vwap: { expected: 'vwap without parameters', parameters: [], build: () => ({ name: 'vwap' }) },
	donchian: ofOnePeriod('donchian', 1, 20),
	realised_volatility: ofOnePeriod('realised_volatility', 2, 20),
	atr_percentile: {
		expected: 'atr_percentile:PERIOD:LOOKBACK with whole numbers, such as atr_percentile:14:100',
		parameters: [from(1), from(1)],
		build: ([period = 0, lookback = 0]) => ({ name: 'atr_percentile', period, lookback }),
	},
	roc: ofOnePeriod('roc', 1, 10),
	zscore: ofOnePeriod('zscore', 2, 50),
	volume_zscore: ofOnePeriod('volume_zscore', 2, 20),
};

const shortForms: ReadonlyMap<string, string> = new Map([
	['bb', 'bollinger'],
	['bbands', 'bollinger'],
	['stoch', 'stochastic'],
	['rv', 'realised_volatility'],
	['realized_volatility', 'realised_volatility'],
	['dc', 'donchian'],
]);

function readNumber(text: string): number {
	return /^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
}

function isWithin(value: number, parameter: Parameter | undefined): boolean {
	if (parameter === undefined) return false;
	return value >= parameter.least && value <= most && (!parameter.isWhole || Number.isInteger(value));
}
