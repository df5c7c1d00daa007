/** What a person who checks a bot is shown: factors, age of the data, regime with its figures, decision, reason, whether it was repeated. */
import { expect, test, vi } from 'vitest';
import { printCheck } from '../../src/cli/manual-check.ts';

const check = {
	bot: 'eth-5m',
	candle_at: new Date('2026-03-02T12:00:00Z'),
	price: '2000.5',
	data_age_ms: 812,
	regime_direction: 'RANGING',
	regime_volatility: 'LOW',
	score: -0.25,
	decision: 'NONE',
	outcome: 'NO_SIGNAL',
	reason_code: 'BELOW_THRESHOLD',
	reason: 'The score lies between the entry thresholds: nothing to do',
	is_repeated: false,
	error: null,
	signal_id: null,
	trade_id: null,
	factors: [
		{ name: 'rsi_reversion', value: 61.5, score: -0.5, weight: 0.5, contribution: -0.25 },
		{ name: 'z_score', value: null, score: null, weight: 0.5, contribution: null },
	] as unknown as string,
};
const regime = { direction: 'RANGING', volatility: 'LOW', adx: 14.2, slope: 0.0132, atr: 3.5, atr_percentile: 12 };

function said(...args: Parameters<typeof printCheck>): string {
	let text = '';
	const spy = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
		text += String(part);
		return true;
	});
	try {
		printCheck(...args);
	} finally {
		spy.mockRestore();
	}
	return text;
}

test('a check in full', () => {
	expect(said(check, regime)).toBe(`bot          eth-5m
candle       2026-03-02 12:00:00
price        2000.5
data age ms  812
regime       RANGING, volatility LOW (ADX 14.2, slope 0.0132 ATR per candle, ATR 3.5, percentile 12)
score        -0.25
decision     NONE
outcome      NO_SIGNAL
reason       BELOW_THRESHOLD: The score lies between the entry thresholds: nothing to do
repeated     no
error        -
signal       -
trade        -

name           value  score  weight  contribution
rsi_reversion   61.5   -0.5     0.5         -0.25
z_score            -      -     0.5             -
`);
});

test('the regime that the check saw, with or without recorded figures; a repeated check says so', () => {
	expect(said(check, null)).toContain('regime       RANGING, volatility LOW\n');
	// Another worker recorded the candle's regime first: the check's own words count.
	expect(said(check, { ...regime, volatility: 'NORMAL' })).toContain('RANGING, volatility LOW (ADX 14.2');
	expect(said({ ...check, regime_direction: null, regime_volatility: null }, null)).toContain('regime       -\n');
	expect(said({ ...check, is_repeated: true }, regime)).toContain('repeated     yes: nothing had changed');
});

test('small figures keep their digits: the funding rate of a perpetual, the ATR of a cheap coin', () => {
	const factors = [{ name: 'funding_rate', value: 0.000085757, score: 0.2859, weight: 1, contribution: 0.2859 }];
	const text = said({ ...check, factors: factors as unknown as string }, { ...regime, atr: 0.0000123456 });
	expect(text).toContain('ATR 0.00001235,');
	expect(text).toMatch(/funding_rate\s+0\.00008576\s+0\.2859/);
});
