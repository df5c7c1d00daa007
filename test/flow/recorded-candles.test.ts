/** Recorded candles with real gaps: imported, rolled up, every gap listed, and nothing that was not in the file. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type Timeframe, timeframeMs, timeframes } from '../../src/domain.ts';
import { runCommand } from '../cli/command.ts';
import { openBooks } from '../db/books.ts';

const folder = fileURLToPath(new URL('../../../shared/data/candles/', import.meta.url));
if (!existsSync(folder)) console.log(`skipped: no recorded candles in ${folder}`);

const books = openBooks();

interface Bar {
	readonly open: number;
	readonly high: number;
	readonly low: number;
	readonly close: number;
	readonly volume: number;
}

/** The file by itself: no code of the import. */
function readFile(file: string): Map<number, Bar> {
	const [, ...lines] = readFileSync(`${folder}${file}`, 'utf8').trim().split('\n');
	return new Map(
		lines.map((line) => {
			const [time = '', ...figures] = line.trim().split(',');
			const [open = 0, high = 0, low = 0, close = 0, volume = 0] = figures.map(Number);
			return [Date.parse(time), { open, high, low, close, volume }];
		}),
	);
}

/** Windows of which every part is there. */
function rollUp(bars: ReadonlyMap<number, Bar>, partMs: number, wholeMs: number): Map<number, Bar> {
	const whole = new Map<number, Bar>();
	for (const start of new Set([...bars.keys()].map((at) => Math.floor(at / wholeMs) * wholeMs))) {
		const parts: Bar[] = [];
		for (let at = start; at < start + wholeMs; at += partMs) {
			const bar = bars.get(at);
			if (bar !== undefined) parts.push(bar);
		}
		const [first] = parts;
		const last = parts.at(-1);
		if (first === undefined || last === undefined || parts.length < wholeMs / partMs) continue;
		whole.set(start, {
			open: first.open,
			high: Math.max(...parts.map(({ high }) => high)),
			low: Math.min(...parts.map(({ low }) => low)),
			close: last.close,
			volume: parts.reduce((sum, { volume }) => sum + volume, 0),
		});
	}
	return whole;
}

async function stored(timeframe: Timeframe): Promise<Map<number, Bar>> {
	const { rows } = await books.pool.query(
		`select extract(epoch from open_at)::float8 * 1000 as at, open::float8, high::float8, low::float8, close::float8, volume::float8
		from candles where timeframe = $1`,
		[timeframe],
	);
	return new Map(rows.map(({ at, ...bar }) => [at, bar]));
}

test.skipIf(!existsSync(folder)).each([
	['ADA-BTC_5m.csv', 'sim:ADA/BTC', '5m', 5_720, 40],
	['UNITTEST-BTC_1m.csv', 'sim:UNITTEST/BTC', '1m', 13_681, 717],
] as const)('%s', async (file, instrument, timeframe, rows, missing) => {
	const env = { DATABASE_URL: books.url };
	const args = ['--instrument', instrument, '--timeframe', timeframe, '--create', '--json'];
	const result = await runCommand(['candles', 'import', `${folder}${file}`, ...args], env);
	expect(result, result.stderr).toMatchObject({ code: 0 });
	expect(JSON.parse(result.stdout)).toMatchObject({ rows, stored: rows, refused: 0, missing });

	const recorded = readFile(file);
	expect(await stored(timeframe)).toEqual(recorded);

	// Every gap, by the file itself.
	const length = timeframeMs[timeframe];
	const times = [...recorded.keys()].sort((a, b) => a - b);
	const gaps = times.flatMap((at, index) => {
		const next = times[index + 1];
		return next === undefined || next === at + length
			? []
			: [{ gap_from: new Date(at + length), gap_to: new Date(next), missing: (next - at) / length - 1 }];
	});
	expect(gaps.reduce((sum, gap) => sum + gap.missing, 0)).toBe(missing);
	const listed = await books.pool.query(
		`select gap_from, gap_to, missing from reporting.candle_gaps where timeframe = $1 order by gap_from`,
		[timeframe],
	);
	expect(listed.rows).toEqual(gaps);

	// Longer candles: those of whole windows and no others.
	for (const longer of timeframes.slice(timeframes.indexOf(timeframe) + 1)) {
		const wanted = rollUp(recorded, length, timeframeMs[longer]);
		const found = await stored(longer);
		expect([...found.keys()].sort(), longer).toEqual([...wanted.keys()].sort());
		for (const [at, bar] of wanted) {
			const { volume, ...prices } = found.get(at)!;
			const { volume: sum, ...expected } = bar;
			expect(prices).toEqual(expected);
			expect(Math.abs(volume - sum)).toBeLessThanOrEqual(1e-9 * Math.max(1, sum));
		}
	}
});
