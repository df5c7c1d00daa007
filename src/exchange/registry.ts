/** The venues of a process, each made once, when first asked for. */
import { loadExchanges, loadTradingAccounts } from '../database/functions/exchange.ts';
import { refuseCredentials } from '../database/functions/guards.ts';
import { BotboxError, errorMessage } from '../errors.ts';
import { type AccountRow, databaseTime, type GatewayContext } from './context.ts';
import { type Credentials, decryptCredentials } from './credentials.ts';
import { type ExchangeLink, openExchange } from './exchange-link.ts';
import { createMarketData } from './market-data.ts';
import { createPaperVenue } from './paper-venue.ts';
import { createTradingVenue } from './trading-venue.ts';
import type { KeyFacts, MarketData, TradingVenue } from './venue.ts';

export interface Venues {
	/** Throws NOT_FOUND for an unknown exchange. */
	marketData(exchangeId: string): Promise<MarketData>;
	/**
	 * Throws ACCOUNT_NOT_FOUND, FORBIDDEN for a LIVE account that this process may not trade, and
	 * CREDENTIALS_UNREADABLE.
	 */
	tradingVenue(accountId: number): Promise<TradingVenue>;
	/**
	 * What credentials may do and what they hold, before any account has them. Throws CREDENTIALS_REFUSED for a key that the
	 * exchange does not take.
	 */
	askKey(
		exchangeId: string,
		settleAsset: string,
		credentials: Credentials,
	): Promise<KeyFacts & { readonly balances: Readonly<Record<string, string>> }>;
}

/** The simulated exchange has no real money: its accounts need no leave. */
const exemptExchange = 'sim';

export function createVenues(context: GatewayContext): Venues {
	const links = new Map<string, Promise<{ link: ExchangeLink; marketData: MarketData }>>();
	const venues = new Map<number, Promise<TradingVenue>>();

	return {
		marketData: async (exchangeId) => (await opened(exchangeId)).marketData,
		tradingVenue: (accountId) => once(venues, accountId, () => makeVenue(accountId)),
		async askKey(exchangeId, settleAsset, credentials) {
			const { link } = await opened(exchangeId);
			// No account has the number 0: the limiter gives it buckets of its own.
			const nobody = {
				accountId: 0,
				name: 'a new key',
				exchangeId,
				mode: 'LIVE',
				settleAsset,
				credentials: null,
			} as const;
			const venue = createTradingVenue(link, nobody, credentials);
			return { ...(await venue.keyFacts()), balances: await venue.balances() };
		},
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
		const credentials = await decrypted(account, account.credentials);
		return createTradingVenue(link, account, credentials, async (message) => {
			// Made anew when next asked for, with the credentials that the account has by then.
			venues.delete(accountId);
			await refuse(account, 'CREDENTIALS_REFUSED', message);
		});
	}

	/** Damage HALTs the account. Another master key is a matter of this process: the others may have the right one. */
	async function decrypted(account: AccountRow, stored: Buffer): Promise<Credentials> {
		try {
			return decryptCredentials(stored, context.masterKey);
		} catch (error) {
			if (error instanceof BotboxError && error.details.is_damaged === true)
				await refuse(account, 'CREDENTIALS_UNREADABLE', error.message);
			throw error;
		}
	}

	async function refuse(account: AccountRow, code: string, message: string): Promise<void> {
		const { accountId, credentials } = account;
		context.log.error({ account: account.name, code }, message);
		await refuseCredentials(context.pool, { accountId, code, message, credentials, now: databaseTime(context) }).catch(
			(error: unknown) => context.log.error({ account: account.name, error: errorMessage(error) }, 'not HALTED yet'),
		);
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
