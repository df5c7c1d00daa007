/** Gaps between stored candles, for the commands that show them. */
import { listView, type ViewRow } from '../database/listing.ts';
import type { Pool } from '../database/pool.ts';
import type { Timeframe } from '../domain.ts';
import { findInstrument, parseInstrument } from './instruments.ts';

/** By exchange, symbol, timeframe and time. */
export async function listGaps(
	pool: Pool,
	options: { instrument?: string; timeframe?: Timeframe },
): Promise<readonly ViewRow[]> {
	const where: Record<string, string | number> = {};
	if (options.instrument !== undefined)
		where.instrument_id = Number((await findInstrument(pool, parseInstrument(options.instrument))).instrument_id);
	if (options.timeframe !== undefined) where.timeframe = options.timeframe;
	const rows = await listView(pool, 'candle_gaps', { where, orderBy: 'gap_from', limit: 1_000_000 });
	const order = (row: ViewRow): string => `${row.exchange_id} ${row.symbol} ${String(row.timeframe).padStart(4)}`;
	return rows.toSorted((a, b) => order(a).localeCompare(order(b)));
}

/** Gaps that lie within a range, and how many candles they are. */
export async function gapsWithin(
	pool: Pool,
	instrumentId: number,
	frame: Timeframe,
	from: Date,
	to: Date,
): Promise<{ readonly gaps: number; readonly missing: number }> {
	const where = { instrument_id: instrumentId, timeframe: frame };
	const rows = await listView(pool, 'candle_gaps', { where, limit: 10_000_000 });
	const within = rows.filter(({ gap_from, gap_to }) => (gap_from as Date) >= from && (gap_to as Date) <= to);
	return { gaps: within.length, missing: within.reduce((sum, row) => sum + Number(row.missing), 0) };
}
