/**
 * The exchange's market list, taken over every hour and after a refusal that may come of an old one.
 *
 * Reads: the exchange's markets. Writes: through record_instruments, which says which figures have changed. Idempotent; a crash at any
 * line leaves the list of before.
 */
import { recordInstruments } from '../database/functions/market.ts';
import { errorMessage } from '../errors.ts';
import type { WorkerContext } from './context.ts';
import { claimDue } from './duties.ts';

/** After a refusal the list is asked for no more often than this, by all workers together. */
const refusalEveryMs = 60_000;
const underWay = new WeakMap<WorkerContext, Map<string, Promise<void>>>();

/** Takes over the exchange's market list; answers how many instruments it has. */
export async function recordMarkets(
	context: Pick<WorkerContext, 'pool' | 'venues'>,
	exchangeId: string,
	now?: Date,
): Promise<number> {
	const data = await context.venues.marketData(exchangeId);
	const markets = await data.markets();
	return await recordInstruments(context.pool, {
		exchangeId,
		instruments: markets.map((market) => ({
			symbol: market.symbol,
			exchange_symbol: market.exchangeSymbol,
			market_type: market.marketType,
			base_asset: market.baseAsset,
			quote_asset: market.quoteAsset,
			settle_asset: market.settleAsset,
			tick_size: market.tickSize,
			lot_size: market.lotSize,
			minimum_quantity: market.minimumQuantity,
			maximum_quantity: market.maximumQuantity,
			minimum_notional: market.minimumNotional,
			maximum_notional: market.maximumNotional,
			contract_size: market.contractSize,
			taker_fee_rate: market.takerFeeRate,
			maker_fee_rate: market.makerFeeRate,
			is_trading: market.isTrading,
		})),
		now,
	});
}

/**
 * Before a refusal is recorded, so that its recording sees what has changed. Orders of one process that are refused together wait for one
 * list; what another process has asked for within the minute is not asked for again. Never throws: without a list the refusal stands.
 */
export async function refreshAfterRefusal(context: WorkerContext, exchangeId: string, now?: Date): Promise<void> {
	const running = underWay.get(context) ?? new Map<string, Promise<void>>();
	underWay.set(context, running);
	const present = running.get(exchangeId);
	if (present !== undefined) return await present;
	const refreshing = refresh(context, exchangeId, now).finally(() => running.delete(exchangeId));
	running.set(exchangeId, refreshing);
	await refreshing;
}

async function refresh(context: WorkerContext, exchangeId: string, now?: Date): Promise<void> {
	try {
		const due = await claimDue(context, [exchangeId], (id) => `markets of ${id} after a refusal`, refusalEveryMs, now);
		for (const id of due) await recordMarkets(context, id, now);
	} catch (error) {
		context.log.warn({ exchange: exchangeId, error: errorMessage(error) }, 'markets could not be refreshed');
	}
}
