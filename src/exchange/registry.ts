/** The venues of a process, each made once, when first asked for. */
import { loadExchanges, loadTradingAccounts } from '../database/functions/exchange.ts';
import { BotboxError } from '../errors.ts';
import type { AccountRow, GatewayContext } from './context.ts';
import { decryptCredentials } from './credentials.ts';
import { type ExchangeLink, openExchange } from './exchange-link.ts';
import { createMarketData } from './market-data.ts';
import { createPaperVenue } from './paper-venue.ts';
import { createTradingVenue } from './trading-venue.ts';
import type { MarketData, TradingVenue } from './venue.ts';

export interface Venues {
	/** Throws NOT_FOUND for an unknown exchange. */
	marketData(exchangeId: string): Promise<MarketData>;
	/**
	 * Throws ACCOUNT_NOT_FOUND, FORBIDDEN for a LIVE account that this process may not trade, and
	 * CREDENTIALS_UNREADABLE.
	 */
	tradingVenue(accountId: number): Promise<TradingVenue>;
}

/** The simulated exchange has no real money: its accounts need no leave. */
const exemptExchange = 'sim';

export function createVenues(context: GatewayContext): Venues {
	const links = new Map<string, Promise<{ link: ExchangeLink; marketData: MarketData }>>();
	const venues = new Map<number, Promise<TradingVenue>>();

	return {
		marketData: async (exchangeId) => (await opened(exchangeId)).marketData,
		tradingVenue: (accountId) => once(venues, accountId, () => makeVenue(accountId)),
	};

	function opened(exchangeId: string): Promise<{ link: ExchangeLink; marketData: MarketData }> {
		return once(links, exchangeId, async () => {
			const exchange = (await loadExchanges(context.pool, {})).find((row) => row.exchangeId === exchangeId);
			if (exchange === undefined) throw new BotboxError('NOT_FOUND', `There is no exchange ${exchangeId}`);
			if (exchangeId === exemptExchange && exchange.baseUrl === null)
				throw new BotboxError(
					'EXCHANGE_UNAVAILABLE',
					'The simulated exchange has no address yet: start it with botbox up',
				);
			const link = openExchange(context, exchange);
			return { link, marketData: createMarketData(link) };
		});
	}

	async function makeVenue(accountId: number): Promise<TradingVenue> {
		const [account] = await loadTradingAccounts(context.pool, { accountIds: [accountId] });
		if (account === undefined) throw new BotboxError('ACCOUNT_NOT_FOUND', `There is no account ${accountId}`);
		if (account.mode === 'LIVE') refuseUnlessAllowed(account);
		const { link, marketData } = await opened(account.exchangeId);
		if (account.mode === 'PAPER') return createPaperVenue(context, account, marketData);
		if (account.credentials === null)
			throw new BotboxError('CREDENTIALS_UNREADABLE', `Account ${account.name} has no credentials`);
		return createTradingVenue(link, account, decryptCredentials(account.credentials, context.masterKey));
	}

	function refuseUnlessAllowed(account: AccountRow): void {
		if (account.exchangeId === exemptExchange || context.liveAccounts.includes(account.name)) return;
		throw new BotboxError(
			'FORBIDDEN',
			`This process may not trade the LIVE account ${account.name}: BOTBOX_LIVE_ACCOUNTS does not name it`,
		);
	}
}

/** What is being made or made already; what failed is made anew. */
function once<Key, Value>(made: Map<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> {
	const present = made.get(key);
	if (present !== undefined) return present;
	const making = make();
	made.set(key, making);
	making.catch(() => made.delete(key));
	return making;
}
