/**
 * Candles of a file into the database, batch by batch.
 *
 * Writes: candles, their roll-ups and candle_coverage (so that imported minutes outlive their life), each batch in one transaction.
 * Idempotent by (instrument, timeframe, opening time): the same file twice, or again after a crash, changes nothing more.
 */
import { recordCandles } from '../database/functions/market.ts';
import type { Pool } from '../database/pool.ts';
import { type Timeframe, timeframeMs } from '../domain.ts';
import type { CandleRow } from '../exchange/venue.ts';
import { batchOf, covering } from './candle-batch.ts';
import { readCandleRows } from './candle-rows.ts';

export interface ImportRequest {
	readonly instrumentId: number;
	readonly timeframe: Timeframe;
	readonly chunks: AsyncIterable<string>;
	readonly now?: Date | undefined;
	onBadRow(line: number, reason: string): void;
	readonly onProgress?: (progress: ImportProgress) => void;
	/** Stops after the batch under way. */
	readonly signal?: AbortSignal;
}

export interface ImportProgress {
	/** Rows read, without the header. */
	readonly rows: number;
	/** Candles that were new or different. */
	readonly stored: number;
	/** Candles of longer timeframes that followed from them. */
	readonly rolledUp: number;
	readonly refused: number;
}

export interface ImportResult extends ImportProgress {
	/** Opening times of the first and the last good row; null if there was none. */
	readonly from: Date | null;
	readonly to: Date | null;
	readonly isComplete: boolean;
}

const batchRows = 5_000;

/** Throws UsageError for a file without a header that names the columns. */
export async function importCandles(pool: Pool, request: ImportRequest): Promise<ImportResult> {
	const { instrumentId, timeframe, now, signal, onBadRow, onProgress } = request;
	const asOf = (now ?? new Date()).getTime();
	const progress = { rows: 0, stored: 0, rolledUp: 0, refused: 0 };
	let from: number | null = null;
	let to: number | null = null;
	let batch: CandleRow[] = [];
	let batchFrom: number | null = null;

	const store = async (): Promise<void> => {
		const last = batch.at(-1)?.[0];
		if (last === undefined) return;
		// From the end of the batch before on: a gap between two batches belongs to the file as well.
		const covered = covering('IMPORT', batchFrom ?? last, last + timeframeMs[timeframe]);
		const fetch = { candles: batch, refusedRows: 0 };
		const [recorded] = await recordCandles(pool, { batch: [batchOf(instrumentId, timeframe, fetch, covered)], now });
		progress.stored += recorded?.stored ?? 0;
		progress.rolledUp += recorded?.rolledUp ?? 0;
		batchFrom = last + timeframeMs[timeframe];
		batch = [];
		onProgress?.({ ...progress });
	};

	for await (const row of readCandleRows(request.chunks, { timeframe, asOf })) {
		progress.rows += 1;
		if (row.kind === 'BAD') {
			progress.refused += 1;
			onBadRow(row.line, row.reason);
			continue;
		}
		const [openAt] = row.candle;
		from ??= openAt;
		batchFrom ??= openAt;
		to = openAt;
		batch.push(row.candle);
		if (batch.length >= batchRows) {
			await store();
			if (signal?.aborted === true) return result(false);
		}
	}
	await store();
	return result(true);

	function result(isComplete: boolean): ImportResult {
		const time = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
		return { ...progress, from: time(from), to: time(to), isComplete };
	}
}
