/**
 * The guard: fresh prices by one all-tickers call per exchange, closes for positions whose stop or target is reached, and the
 * fills of stops that the exchange keeps. Trailing stops are never at the exchange: they follow these prices for every position.
 *
 * Reads: tickers of the exchange, positions. Writes: tickers, best prices of positions, and through queue_exits signals and
 * trades; idempotency key: the hash of the close. A crash at any line costs one round of five seconds.
 */
import { loadExchangesInUse } from '../database/functions/guards.ts';
import { recordTickers } from '../database/functions/market.ts';
import { moveBestPrices, queueExits } from '../database/functions/trades.ts';
import { errorMessage } from '../errors.ts';
import type { RunResult, WorkerContext } from './context.ts';
import { crashPoint } from './crash-points.ts';
import { claimDue } from './duties.ts';
import { syncStops } from './reconcile.ts';

const quotesEveryMs = 5_000;

export async function guardPositions(context: WorkerContext, now?: Date): Promise<RunResult> {
	const { pool, log } = context;
	const exchanges = await loadExchangesInUse(pool, {});
	const due = await claimDue(context, exchanges, ({ exchangeId }) => `quotes ${exchangeId}`, quotesEveryMs, now);
	for (const { exchangeId, marketTypes } of due) {
		try {
			const data = await context.venues.marketData(exchangeId);
			const quotes = await data.quotes(marketTypes as readonly ('SPOT' | 'LINEAR')[]);
			crashPoint('guard:before-tickers');
			await recordTickers(pool, {
				exchangeId,
				tickers: quotes.map(({ quotedAt, ...quote }) => ({ ...quote, quoted_at: new Date(quotedAt).toISOString() })),
				now,
			});
		} catch (error) {
			log.warn({ exchange: exchangeId, error: errorMessage(error) }, 'prices could not be fetched');
		}
	}
	if (due.length > 0) {
		await moveBestPrices(pool, { now });
		crashPoint('guard:before-queue-exits');
		const exits = await queueExits(pool, { now });
		crashPoint('guard:after-queue-exits');
		if (exits > 0) log.info({ exits }, 'stops and targets reached');
	}
	return await syncStops(context, now);
}
