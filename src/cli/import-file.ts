/** `botbox candles import`: a file into the database, with its bad rows told line by line. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Decimal } from 'decimal.js';
import { createInstrument } from '../database/functions/history.ts';
import type { ViewRow } from '../database/listing.ts';
import type { Pool } from '../database/pool.ts';
import type { Timeframe } from '../domain.ts';
import { BotboxError, errorMessage, UsageError } from '../errors.ts';
import { readCandleRows } from '../market/candle-rows.ts';
import { importCandles } from '../market/import.ts';
import { gapsWithin } from './candle-gaps.ts';
import { findInstrument, lookUpInstrument, parseInstrument, parseMarket } from './instruments.ts';
import { stopOnInterrupt } from './lifetime.ts';
import { printFacts, printJson } from './output.ts';
import { type Progress, showProgress } from './progress.ts';
import { actor, withDatabase } from './session.ts';

export interface ImportOptions {
	readonly instrument: string;
	readonly timeframe: Timeframe;
	readonly create?: boolean;
	readonly tickSize?: string;
	readonly lotSize?: string;
	readonly json?: boolean;
}

/** Bad rows that the summary as JSON names; stderr has them all. */
const mostListed = 10_000;

export async function importFile(path: string, options: ImportOptions): Promise<void> {
	if (options.create !== true && (options.tickSize !== undefined || options.lotSize !== undefined))
		throw new UsageError('--tick-size and --lot-size go with --create');
	const size = await sizeOf(path);
	await withDatabase(async (pool) => {
		const instrument = await instrumentFor(pool, path, options);
		const instrumentId = Number(instrument.instrument_id);
		const progress = showProgress(`${instrument.exchange_id} ${instrument.symbol} ${options.timeframe}`, 'rows');
		const refused: { line: number; reason: string }[] = [];
		const stopping = stopOnInterrupt();
		const file = createReadStream(path, { encoding: 'utf8' });
		try {
			const result = await importCandles(pool, {
				instrumentId,
				timeframe: options.timeframe,
				chunks: file,
				signal: stopping.signal,
				onProgress: ({ rows }) => progress.update(size === 0 ? 1 : file.bytesRead / size, rows),
				onBadRow: (line, reason) => tell(progress, refused, line, reason),
			});
			progress.end();
			if (!result.isComplete) throw new BotboxError('INTERNAL', `stopped after ${result.rows} rows: run it again`);
			const { from, to } = result;
			const gaps =
				from === null || to === null
					? { gaps: 0, missing: 0 }
					: await gapsWithin(pool, instrumentId, options.timeframe, from, to);
			const summary = {
				instrument_id: instrumentId,
				symbol: instrument.symbol ?? null,
				timeframe: options.timeframe,
				from,
				to,
				rows: result.rows,
				stored: result.stored,
				unchanged: result.rows - result.refused - result.stored,
				rolled_up: result.rolledUp,
				refused: result.refused,
				...gaps,
			};
			if (options.json) printJson({ ...summary, refused_rows: refused });
			else printFacts(summary);
			if (result.refused > 0) process.exitCode = 1;
		} finally {
			stopping.end();
			file.destroy();
		}
	});
}

function tell(progress: Progress, refused: { line: number; reason: string }[], line: number, reason: string): void {
	progress.say(`line ${line}: ${reason}`);
	if (refused.length < mostListed) refused.push({ line, reason });
}

async function sizeOf(path: string): Promise<number> {
	try {
		const found = await stat(path);
		if (found.isFile()) return found.size;
	} catch (error) {
		throw new UsageError(`${path}: cannot be read: ${errorMessage(error)}`, { cause: error });
	}
	throw new UsageError(`${path}: is not a file`);
}

async function instrumentFor(pool: Pool, path: string, options: ImportOptions): Promise<ViewRow> {
	const name = parseInstrument(options.instrument);
	const present = await lookUpInstrument(pool, name);
	if (present !== null) return present;
	if (options.create !== true) {
		const hint = name.id === null ? ': --create makes one for recorded candles' : '';
		throw new BotboxError('INSTRUMENT_NOT_FOUND', `there is no instrument ${options.instrument}${hint}`);
	}
	const market = parseMarket(name.symbol);
	if (name.exchangeId === null || market === null)
		throw new UsageError('--create needs the instrument as exchange:BASE/QUOTE or exchange:BASE/QUOTE:SETTLE');
	const steps = await deriveSteps(path, options.timeframe);
	try {
		await createInstrument(pool, {
			exchangeId: name.exchangeId,
			...market,
			tickSize: options.tickSize ?? steps.tickSize,
			lotSize: options.lotSize ?? steps.lotSize,
			actor: actor(),
		});
	} catch (error) {
		const isUnknown = error instanceof Error && 'code' in error && error.code === '23503';
		throw isUnknown ? new UsageError(`there is no exchange ${name.exchangeId}`, { cause: error }) : error;
	}
	return await findInstrument(pool, { ...name, symbol: market.symbol });
}

const sampleRows = 2_000;
const mostDecimals = 12;

/** The smallest steps in which the file's first rows write prices and volumes. */
async function deriveSteps(path: string, timeframe: Timeframe): Promise<{ tickSize: string; lotSize: string }> {
	let prices = 0;
	let volumes = 0;
	let rows = 0;
	const file = createReadStream(path, { encoding: 'utf8' });
	try {
		for await (const row of readCandleRows(file, { timeframe, asOf: Date.now() })) {
			if (row.kind === 'BAD') continue;
			const [, open, high, low, close, volume] = row.candle;
			prices = Math.max(prices, ...[open, high, low, close].map(decimalsOf));
			volumes = Math.max(volumes, decimalsOf(volume));
			rows += 1;
			if (rows >= sampleRows) break;
		}
	} finally {
		file.destroy();
	}
	if (rows === 0) throw new UsageError(`${path}: has no good row`);
	return { tickSize: stepOf(prices), lotSize: stepOf(volumes) };
}

/** Decimals that are meant: files made by floating point write 0.00005330000000000001 for 0.0000533. */
function decimalsOf(figure: string): number {
	return Math.min(new Decimal(figure).toSignificantDigits(15).decimalPlaces(), mostDecimals);
}

function stepOf(decimals: number): string {
	return decimals === 0 ? '1' : `0.${'0'.repeat(decimals - 1)}1`;
}
