/** Tables and facts as they reach a terminal, and everything else. */
import { afterEach, expect, test, vi } from 'vitest';
import { printTable } from '../../src/cli/output.ts';

const terminal = { isTTY: process.stdout.isTTY, columns: process.stdout.columns };
afterEach(() => void Object.assign(process.stdout, terminal));

/** What `print` writes where stdout is a terminal of so many columns, or none. */
function written(columns: number | null, print: () => void): string {
	Object.assign(process.stdout, { isTTY: columns !== null, columns: columns ?? undefined });
	let text = '';
	const spy = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
		text += String(part);
		return true;
	});
	try {
		print();
		return text;
	} finally {
		spy.mockRestore();
	}
}

const bots = ['paper-trend-btcusdt-1m', 'paper-reversion-dogeusdt-15m'].map((name, index) => ({
	...{ bot_id: index + 1, name, status: 'ACTIVE', strategy: 'funding_arbitrage', symbol: 'DOGE/USDT:USDT' },
	...{ account: 'the-account-of-somebody', last_outcome: 'INSUFFICIENT_HISTORY', net_pnl: '-12345.67' },
}));
const print = () =>
	printTable(bots, ['bot_id', 'name', 'status', 'strategy', 'symbol', 'account', 'last_outcome', 'net_pnl']);

test('nothing is cut in a pipe', () => {
	const text = written(null, print);
	expect(text).not.toContain('…');
	for (const bot of bots) for (const cell of Object.values(bot)) expect(text).toContain(String(cell));
});

test('a wide terminal shows everything, a narrower one shortens the last texts and no figure', () => {
	expect(written(160, print)).toBe(written(null, print));
	const text = written(120, print);
	expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
	expect(text).toMatch(/INSUFFICI\S*… +-12345\.67$/m);
	expect(text).toContain('DOGE/USDT:USDT');
});

test.each([80, 60, 40])('a terminal of %i columns: names are whole, the last columns are left out', (columns) => {
	const lines = written(columns, print).trimEnd().split('\n');
	expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
	expect(lines[0]).not.toContain('net pnl');
	for (const [index, { name }] of bots.entries()) expect(lines[index + 1]).toContain(` ${name}`);
});

test('a terminal narrower than a name still has the name', () => {
	expect(written(20, print)).toContain('paper-reversion-dogeusdt-15m');
});
