/**
 * Funding rates of the perpetuals that bots hold as a leg: a month of history at first, then each one after its time.
 *
 * Reads: feeds, the exchange's funding history. Writes: funding_rates, through record_funding_rates. Idempotent by (instrument,
 * funding time); a crash leaves what is due as it is.
 */
import { findDueFunding, recordFundingRates } from '../database/functions/history.ts';
import { errorMessage } from '../errors.ts';
import type { FeedContext } from './feed.ts';
import { inParallel } from './in-parallel.ts';

const concurrency = 4;

export interface FundingRound {
	readonly asked: number;
	readonly stored: number;
	readonly failed: readonly { readonly symbol: string; readonly error: string }[];
}

export async function fetchFunding(
	context: FeedContext,
	options: { now?: Date | undefined } = {},
): Promise<FundingRound> {
	const { pool } = context;
	const { now } = options;
	const due = await findDueFunding(pool, { now });
	const failed: { symbol: string; error: string }[] = [];
	let stored = 0;
	await inParallel(due, concurrency, async ({ instrumentId, exchangeId, symbol, sinceAt }) => {
		let rates: readonly (readonly [number, string])[] = [];
		let error: string | null = null;
		try {
			const data = await context.marketData(exchangeId);
			const fetched = await data.fundingRates(symbol, sinceAt.getTime());
			rates = fetched.map(({ fundingAt, rate }) => [fundingAt, rate]);
		} catch (cause) {
			error = errorMessage(cause);
			failed.push({ symbol, error });
		}
		stored += await recordFundingRates(pool, { results: [{ instrument_id: instrumentId, rates, error }], now });
	});
	return { asked: due.length, stored, failed };
}
