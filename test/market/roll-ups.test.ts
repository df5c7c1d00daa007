/** A rolled-up candle is the exchange's own: the simulated exchange is asked for both. */
import { expect, test } from 'vitest';
import { recordCandles } from '../../src/database/functions/market.ts';
import { type Timeframe, timeframeMs } from '../../src/domain.ts';
import type { CandleRow } from '../../src/exchange/venue.ts';
import { openBooks } from '../db/books.ts';
import { linear, spot, startHarness } from '../exchange/harness.ts';

const books = openBooks();

async function rolledUp(instrumentId: number, timeframe: Timeframe): Promise<CandleRow[]> {
	const { rows } = await books.pool.query(
		`select extract(epoch from open_at)::float8 * 1000 as at, open, high, low, close, volume from candles
		where instrument_id = $1 and timeframe = $2 and not is_native order by open_at`,
		[instrumentId, timeframe],
	);
	return rows.map((row) => [row.at, row.open, row.high, row.low, row.close, row.volume]);
}

test.each([linear, spot])('%s: open, high, low and close to the last digit, volume to 1e-9', async (symbol) => {
	const harness = await startHarness(books.pool);
	try {
		const instrumentId = await harness.instrumentId(symbol);
		const now = harness.clock();
		const day = Math.floor(now / 86_400_000) * 86_400_000 - 86_400_000;
		const minutes = await harness.marketData.candles(symbol, '1m', { sinceMs: day, limit: 2_160 });
		expect(minutes.candles).toHaveLength(2_160);
		for (let start = 0; start < 2_160; start += 500) {
			const batch = [
				{ instrument_id: instrumentId, timeframe: '1m', candles: minutes.candles.slice(start, start + 500) },
			];
			await recordCandles(books.pool, { batch, now: new Date(now) });
		}
		for (const timeframe of ['5m', '15m', '1h', '4h', '1d'] as const) {
			const count = Math.floor((2_160 * 60_000) / timeframeMs[timeframe]);
			const native = (await harness.marketData.candles(symbol, timeframe, { sinceMs: day, limit: count })).candles;
			const ours = await rolledUp(instrumentId, timeframe);
			expect(ours.length, timeframe).toBe(count);
			expect(ours.map(([at, ...prices]) => [at, ...prices.slice(0, 4).map(Number)])).toEqual(
				native.map(([at, ...prices]) => [at, ...prices.slice(0, 4).map(Number)]),
			);
			for (const [index, row] of ours.entries())
				expect(Math.abs(Number(row[5]) - Number(native[index]?.[5]))).toBeLessThanOrEqual(
					1e-9 * Math.max(1, Number(row[5])),
				);
		}
	} finally {
		await harness.close();
	}
});
