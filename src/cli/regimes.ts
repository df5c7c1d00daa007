/** The regime that a check or a bot sees, with its figures, as people and programs are told it. */
import type { Queryable } from '../database/functions/define.ts';
import { listView, type ViewRow } from '../database/listing.ts';
import { formatCell } from './output.ts';

/** Of this candle, or the newest recorded one; null while none is known. `market`: any row with instrument and timeframe. */
export async function findRegime(db: Queryable, market: ViewRow, candleAt?: Date | null): Promise<ViewRow | null> {
	if (candleAt === null) return null;
	const { instrument_id, timeframe } = market;
	if (instrument_id === undefined || timeframe === undefined) return null;
	const where = {
		instrument_id: Number(instrument_id),
		timeframe: String(timeframe),
		...(candleAt === undefined ? {} : { candle_at: candleAt.toISOString() }),
	};
	const [regime] = await listView(db, 'regimes', { where, orderBy: '-candle_at', limit: 1 });
	return regime ?? null;
}

/** One line: `RANGING, volatility LOW (ADX 14.2, slope 0.01 ATR per candle, ATR 1.3, percentile 12)`. */
export function describeRegime(regime: ViewRow | null): string | null {
	if (regime === null) return null;
	const named = `${regime.direction}, volatility ${regime.volatility}`;
	if (regime.adx === null) return named;
	const { adx, slope, atr, atr_percentile: percentile } = regime;
	return `${named} (ADX ${formatCell(adx)}, slope ${formatCell(slope)} ATR per candle, ATR ${formatCell(atr)}, percentile ${formatCell(percentile)})`;
}
