/** Wrappers of the functions that the exchange layer reads: exchanges, accounts, stored prices, the paper venue's books. */
import { rowsFunction, valueFunction } from './define.ts';

export const loadExchanges = rowsFunction(
	'load_exchanges',
	{},
	{ exchangeId: 'text', ccxtId: 'text', baseUrl: 'text?', sandbox: 'boolean' },
);

export const loadTradingAccounts = rowsFunction(
	'load_trading_accounts',
	{ accountIds: 'bigint[]?' },
	{
		accountId: 'bigint',
		name: 'text',
		exchangeId: 'text',
		mode: 'account_mode',
		settleAsset: 'text',
		credentials: 'bytea?',
	},
);

export const recordClockOffset = valueFunction(
	'record_clock_offset',
	{ exchangeId: 'text', offsetMs: 'double precision', now: 'timestamptz?' },
	'void',
);

/** No row: nothing is stored yet. */
export const findQuote = rowsFunction(
	'find_quote',
	{ instrumentId: 'bigint' },
	{ bid: 'text?', ask: 'text?', last: 'text', mark: 'text?', quotedAt: 'timestamptz' },
);

export const findTradedSymbols = rowsFunction(
	'find_traded_symbols',
	{ accountId: 'bigint', since: 'timestamptz?' },
	{ symbol: 'text', marketType: 'market_type' },
);

export const findPaperPositions = rowsFunction(
	'find_paper_positions',
	{ accountId: 'bigint' },
	{ symbol: 'text', quantity: 'text', entryPrice: 'text' },
);

/** Positive amounts were received. */
export const settlePaperFunding = rowsFunction(
	'settle_paper_funding',
	{ accountId: 'bigint', since: 'timestamptz', now: 'timestamptz?' },
	{ symbol: 'text', asset: 'text', amount: 'text', reference: 'text', paidAt: 'timestamptz' },
);

export const findPaperBalances = rowsFunction(
	'find_paper_balances',
	{ accountId: 'bigint' },
	{ asset: 'text', quantity: 'text' },
);
