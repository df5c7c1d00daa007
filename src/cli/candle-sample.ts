/** What the first rows of a file of candles tell of it, before anything of it is stored. */
import { createReadStream } from 'node:fs';
import { Decimal } from 'decimal.js';
import { type Timeframe, timeframeMs } from '../domain.ts';
import { UsageError } from '../errors.ts';
import { readCandleRows } from '../market/candle-rows.ts';

export interface CandleSample {
	/** Good rows that were looked at. */
	readonly rows: number;
	/** The smallest steps in which prices and volumes are written, as decimal text. */
	readonly tickSize: string;
	readonly lotSize: string;
}

const sampleRows = 2_000;
const mostDecimals = 12;
/** Fewer steps than this, all of one length, may be those of a thin market. */
const fewestSteps = 3;

/**
 * Reads the file's first rows. Throws UsageError for one whose candles are longer than the timeframe: every step between two rows is
 * a multiple of the smallest one, which is longer than the timeframe. A thin market has gaps, but of all lengths.
 */
export async function sampleCandles(path: string, timeframe: Timeframe): Promise<CandleSample> {
	let prices = 0;
	let volumes = 0;
	const times: number[] = [];
	const file = createReadStream(path, { encoding: 'utf8' });
	try {
		for await (const row of readCandleRows(file, { timeframe, asOf: Date.now() })) {
			if (row.kind === 'BAD') continue;
			const [openAt, open, high, low, close, volume] = row.candle;
			prices = Math.max(prices, ...[open, high, low, close].map(decimalsOf));
			volumes = Math.max(volumes, decimalsOf(volume));
			times.push(openAt);
			if (times.length >= sampleRows) break;
		}
	} finally {
		file.destroy();
	}
	const step = commonStep(times);
	if (step !== null && step > timeframeMs[timeframe])
		throw new UsageError(
			`${path}: its candles are ${lengthOf(step)} apart: they are not those of ${timeframe}, so nothing was stored`,
		);
	return { rows: times.length, tickSize: stepOf(prices), lotSize: stepOf(volumes) };
}

/** The smallest step if every other one is a multiple of it, ms; null if not, or if there are too few to tell. */
function commonStep(times: readonly number[]): number | null {
	const steps = times.slice(1).map((at, index) => at - (times[index] ?? at));
	if (steps.length < fewestSteps) return null;
	const smallest = Math.min(...steps);
	return steps.every((step) => step % smallest === 0) ? smallest : null;
}

/** As timeframes are written, for lengths that are none as well: 3m, 2h, 7d. */
function lengthOf(ms: number): string {
	const minutes = ms / 60_000;
	if (minutes % 1_440 === 0) return `${minutes / 1_440}d`;
	return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}

/** Decimals that are meant: files made by floating point write 0.00005330000000000001 for 0.0000533. */
function decimalsOf(figure: string): number {
	return Math.min(new Decimal(figure).toSignificantDigits(15).decimalPlaces(), mostDecimals);
}

function stepOf(decimals: number): string {
	return decimals === 0 ? '1' : `0.${'0'.repeat(decimals - 1)}1`;
}
