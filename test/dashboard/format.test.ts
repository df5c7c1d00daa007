/** Figures, times, codes and marks as the page writes them. */
import { expect, test } from 'vitest';
import type { Candle, Position, Signal } from '../../src/dashboard/api/rows.ts';
import { marksOf, ofMarket } from '../../src/dashboard/bot/markers.ts';
import * as numbers from '../../src/dashboard/format/numbers.ts';
import { minuteTime, relative } from '../../src/dashboard/format/times.ts';
import { words } from '../../src/dashboard/format/words.ts';

test('money has two decimals, a true minus, and no sign where it rounds to nothing', () => {
	expect(numbers.money('1234567.891')).toBe('1,234,567.89');
	expect(numbers.money('-0.5')).toBe('−0.50');
	expect(numbers.money('0.5', true)).toBe('+0.50');
	expect(numbers.money('-0.001', true)).toBe('0.00');
	expect(numbers.money(null)).toBe('–');
	expect([numbers.signOf('-0.004'), numbers.signOf('-0.006'), numbers.signOf('0.01')]).toEqual([0, -1, 1]);
});

test('prices show what their size calls for', () => {
	expect(['68241.5', '119.2', '7.1413', '0.52466', '0.00001234', '0'].map((text) => numbers.price(text))).toEqual([
		'68,241.50',
		'119.200',
		'7.1413',
		'0.52466',
		'0.00001234',
		'0.00',
	]);
	expect(numbers.quantity('2551.000')).toBe('2,551');
	expect(numbers.quantity('0.00700')).toBe('0.007');
});

test('lengths of time', () => {
	expect([0.4, 756, 1_488, 59_999, 331_000, 7_800_000, 90_000_000].map((ms) => numbers.milliseconds(ms))).toEqual([
		'0 ms',
		'756 ms',
		'1.5 s',
		'60 s',
		'5 min 31 s',
		'2 h 10 min',
		'1 d 1 h',
	]);
	expect(numbers.total([null, '1.5', undefined, '-0.25'])).toBe(1.25);
	expect(numbers.total([null, undefined])).toBeNull();
});

test('times relative to now, before and after it', () => {
	const now = Date.UTC(2026, 2, 2, 12);
	expect(relative(now - 400, now)).toBe('now');
	expect(relative(now - 59_900, now)).toBe('59 s ago');
	expect(relative(now - 3_599_000, now)).toBe('59 min ago');
	expect(relative(now + 180_000, now)).toBe('in 3 min');
	expect(relative(now - 4 * 86_400_000, now)).toBe('4 d ago');
	expect(relative(now + 3 * 366 * 86_400_000, now)).toBe('in 3 y');
});

test('a minute is told without its year as long as nobody can mistake it', () => {
	const now = Date.UTC(2026, 10, 28, 12);
	expect(minuteTime(Date.UTC(2027, 0, 2, 9, 5), now)).toMatch(/^02 Jan, \d\d:\d5$/);
	expect(minuteTime(Date.UTC(2099, 11, 8, 9), now)).toBe('08 Dec 2099');
});

test('codes are words, acronyms stay', () => {
	expect(words('REGIME_UNFAVOURABLE')).toBe('Regime unfavourable');
	expect(words('ema_cross')).toBe('EMA cross');
	expect(words(null)).toBe('–');
});

test('marks lie on the candle of their moment; what is not shown has none; repeated refusals are one', () => {
	const minute = (n: number): string => new Date(Date.UTC(2026, 2, 2, 12, n)).toISOString();
	const candles = [15, 10, 5, 0].map((n): Candle => ({ ...flat, open_at: minute(n) }));
	const position = (opened: number, closed: number | null) =>
		({ direction: 'LONG', opened_at: minute(opened), closed_at: closed === null ? null : minute(closed) }) as Position;
	const refused = (n: number) => ({ status: 'REJECTED', direction: 'SHORT', created_at: minute(n) }) as Signal;
	const accepted = { status: 'QUEUED', direction: 'LONG', created_at: minute(6) } as Signal;

	const marks = marksOf(
		candles,
		'5m',
		[refused(1), refused(3), accepted],
		[position(6, 12), position(-60, -50), position(22, null)],
	);
	expect(marks.map(({ time, kind, isUp }) => [new Date(time * 1_000).getUTCMinutes(), kind, isUp])).toEqual([
		[0, 'rejected', false],
		[5, 'entry', true],
		[10, 'exit', false],
		// Its own candle is not closed yet: it stands on the newest.
		[15, 'entry', true],
	]);
});

test('the lists of a bot name the market of each row if it has two, and only then', async () => {
	// Typed here: the compiler reads files with markup as the page's own project only.
	const { ownColumns } = (await import('../../src/dashboard/bot/own-columns.tsx' as string)) as {
		ownColumns(secondSymbol: string | null): Readonly<Record<string, readonly { readonly key: string }[]>>;
	};
	const lists = (secondSymbol: string | null) =>
		Object.entries(ownColumns(secondSymbol)).map(([list, columns]) => [
			list,
			columns.filter(({ key }) => key === 'symbol' || key === 'bot').map(({ key }) => key),
		]);
	const each = (keys: string[]) => ['positions', 'signals', 'trades'].map((list) => [list, keys]);
	expect(lists(null)).toEqual(each([]));
	expect(lists('BTC/USDT:USDT')).toEqual(each(['symbol']));
});

test('a chart of the first leg shows nothing of the second', () => {
	const spot = { symbol: 'BTC/USDT', direction: 'LONG' };
	const perpetual = { symbol: 'BTC/USDT:USDT', direction: 'SHORT' };
	expect(ofMarket([perpetual, spot], 'BTC/USDT')).toEqual([spot]);
});

const flat: Omit<Candle, 'open_at'> = { open: '1', high: '1', low: '1', close: '1', volume: '1' };
