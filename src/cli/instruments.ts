/** Instruments as a person names them on the command line. */
import type { Queryable } from '../database/functions/define.ts';
import { listView, type ViewRow } from '../database/listing.ts';
import type { MarketType } from '../domain.ts';
import { BotboxError, UsageError } from '../errors.ts';

export interface MarketName {
	/** ccxt's unified symbol. */
	readonly symbol: string;
	readonly marketType: MarketType;
	readonly baseAsset: string;
	readonly quoteAsset: string;
	readonly settleAsset: string;
}

/** An instrument as it was named: by number, or by exchange and symbol, of which the exchange may be left out. */
export interface InstrumentName {
	readonly id: number | null;
	readonly exchangeId: string | null;
	readonly symbol: string;
}

/** `12`, `sim:BTC/USDT:USDT`, `sim:ADA-BTC`, `BTCUSDT`. */
export function parseInstrument(text: string): InstrumentName {
	if (/^\d{1,15}$/.test(text)) return { id: Number(text), exchangeId: null, symbol: text };
	const match = /^([a-z][a-z0-9_]*):(.+)$/.exec(text);
	return { id: null, exchangeId: match?.[1] ?? null, symbol: match?.[2] ?? text };
}

/** `BASE/QUOTE` (spot) or `BASE/QUOTE:SETTLE` (perpetual), also with dashes as in the names of files; null for anything else. */
export function parseMarket(text: string): MarketName | null {
	const match = /^([A-Z0-9]{1,20})[/-]([A-Z0-9]{1,20})(?:[:-]([A-Z0-9]{1,20}))?$/.exec(text.toUpperCase());
	const [, baseAsset, quoteAsset, settle] = match ?? [];
	if (baseAsset === undefined || quoteAsset === undefined) return null;
	const symbol = `${baseAsset}/${quoteAsset}${settle === undefined ? '' : `:${settle}`}`;
	return {
		symbol,
		marketType: settle === undefined ? 'SPOT' : 'LINEAR',
		baseAsset,
		quoteAsset,
		settleAsset: settle ?? quoteAsset,
	};
}

/** The instrument's row; null if there is none. Throws UsageError where the name fits several. */
export async function lookUpInstrument(db: Queryable, name: InstrumentName): Promise<ViewRow | null> {
	if (name.id !== null) return (await listView(db, 'instruments', { where: { instrument_id: name.id } }))[0] ?? null;
	const exchange = name.exchangeId === null ? {} : { exchange_id: name.exchangeId };
	const symbols = [name.symbol, parseMarket(name.symbol)?.symbol].filter((symbol) => symbol !== undefined);
	for (const symbol of symbols) {
		const found = await listView(db, 'instruments', { where: { ...exchange, symbol } });
		if (found.length > 0) return only(found, name);
	}
	const found = await listView(db, 'instruments', { where: { ...exchange, exchange_symbol: name.symbol } });
	// The exchange's own symbol names the spot market and the perpetual alike: the perpetual is meant.
	const perpetual = found.filter(({ market_type }) => market_type === 'LINEAR');
	return only(perpetual.length > 0 ? perpetual : found, name);
}

/** As lookUpInstrument; throws INSTRUMENT_NOT_FOUND if there is none. */
export async function findInstrument(db: Queryable, name: InstrumentName): Promise<ViewRow> {
	const found = await lookUpInstrument(db, name);
	if (found === null) {
		const where = name.exchangeId === null ? '' : ` on ${name.exchangeId}`;
		throw new BotboxError('INSTRUMENT_NOT_FOUND', `there is no instrument ${name.symbol}${where}`);
	}
	return found;
}

function only(found: readonly ViewRow[], name: InstrumentName): ViewRow | null {
	if (found.length > 1) {
		const names = found.map((row) => `${row.exchange_id}:${row.symbol}`).join(', ');
		throw new UsageError(`${name.symbol} is the name of several instruments: say which of ${names}`);
	}
	return found[0] ?? null;
}
