/** `botbox candles backfill`: history of one instrument from its exchange. */

import { candleOpen, type Timeframe } from '../domain.ts';
import { BotboxError, UsageError } from '../errors.ts';
import { backfillCandles } from '../market/backfill.ts';
import { gapsWithin } from './candle-gaps.ts';
import { findInstrument, parseInstrument } from './instruments.ts';
import { stopOnInterrupt } from './lifetime.ts';
import { ensureMarkets, openVenues } from './market-access.ts';
import { printFacts, printJson } from './output.ts';
import { showProgress } from './progress.ts';
import { withDatabase } from './session.ts';

const dayMs = 86_400_000;
export const defaultDays = 30;

export interface BackfillOptions {
	readonly exchange?: string;
	readonly symbol?: string;
	readonly instrument?: string;
	readonly timeframe: Timeframe;
	readonly from?: Date;
	readonly days?: number;
	readonly to?: Date;
	readonly again?: boolean;
	readonly json?: boolean;
}

export async function backfill(options: BackfillOptions): Promise<void> {
	const { exchange, symbol } = options;
	if ((options.instrument === undefined) === (symbol === undefined))
		throw new UsageError('name the instrument by either --instrument or --exchange and --symbol');
	if (symbol !== undefined && exchange === undefined) throw new UsageError('--symbol needs --exchange');
	if (options.from !== undefined && options.days !== undefined) throw new UsageError('give either --from or --days');
	const now = new Date();
	const to = options.to ?? now;
	// Whole days back from the last candle that may be closed.
	const lastMs = candleOpen(to.getTime(), options.timeframe);
	const from = options.from ?? new Date(lastMs - (options.days ?? defaultDays) * dayMs);
	if (from >= to) throw new UsageError(`--from ${from.toISOString()} is not before ${to.toISOString()}`);

	await withDatabase(async (pool, config) => {
		const name =
			options.instrument === undefined
				? { id: null, exchangeId: exchange ?? null, symbol: symbol ?? '' }
				: parseInstrument(options.instrument);
		if (name.exchangeId !== null) await ensureMarkets(pool, config, name.exchangeId);
		const instrument = await findInstrument(pool, name);
		const exchangeId = String(instrument.exchange_id);
		const data = await (await openVenues(pool, config)).marketData(exchangeId);
		const title = `${exchangeId} ${instrument.symbol} ${options.timeframe}`;
		const progress = showProgress(title, 'candles');
		const stopping = stopOnInterrupt();
		try {
			const result = await backfillCandles(pool, data, {
				instrumentId: Number(instrument.instrument_id),
				symbol: String(instrument.symbol),
				timeframe: options.timeframe,
				from,
				to,
				afresh: options.again ?? false,
				signal: stopping.signal,
				onProgress: ({ share, fetched }) => progress.update(share, fetched),
			});
			progress.end();
			if (!result.isComplete)
				throw new BotboxError('INTERNAL', `stopped after ${result.fetched} candles: run it again to go on`);
			const gaps = await gapsWithin(pool, Number(instrument.instrument_id), options.timeframe, result.from, result.to);
			const summary = {
				instrument_id: instrument.instrument_id ?? null,
				symbol: instrument.symbol ?? null,
				timeframe: options.timeframe,
				from: result.from,
				to: result.to,
				fetched: result.fetched,
				stored: result.stored,
				refused: result.refused,
				...gaps,
			};
			if (options.json) printJson(summary);
			else printFacts(summary);
		} finally {
			stopping.end();
		}
	});
}
