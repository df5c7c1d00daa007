/** `botbox candles import`: a file into the database, with its bad rows told line by line. */
import { createReadStream } from 'node:fs';
import { createInstrument } from '../database/functions/history.ts';
import type { ViewRow } from '../database/listing.ts';
import type { Pool } from '../database/pool.ts';
import type { Timeframe } from '../domain.ts';
import { BotboxError, UsageError } from '../errors.ts';
import { importCandles } from '../market/import.ts';
import { gapsWithin } from './candle-gaps.ts';
import { type CandleSample, sampleCandles } from './candle-sample.ts';
import { sizeOfFile } from './files.ts';
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
	const size = await sizeOfFile(path);
	const sample = await sampleCandles(path, options.timeframe);
	await withDatabase(async (pool) => {
		const instrument = await instrumentFor(pool, path, options, sample);
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

async function instrumentFor(pool: Pool, path: string, options: ImportOptions, sample: CandleSample): Promise<ViewRow> {
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
	if (sample.rows === 0) throw new UsageError(`${path}: has no good row`);
	try {
		await createInstrument(pool, {
			exchangeId: name.exchangeId,
			...market,
			tickSize: options.tickSize ?? sample.tickSize,
			lotSize: options.lotSize ?? sample.lotSize,
			actor: actor(),
		});
	} catch (error) {
		const isUnknown = error instanceof Error && 'code' in error && error.code === '23503';
		throw isUnknown ? new UsageError(`there is no exchange ${name.exchangeId}`, { cause: error }) : error;
	}
	return await findInstrument(pool, { ...name, symbol: market.symbol });
}
