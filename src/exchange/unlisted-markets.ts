/** Markets that the exchange has taken off its list, as far as our instruments remember them. */
import type { Market, MarketInterface } from 'ccxt';
import { findInstruments } from '../database/functions/market.ts';
import { errorMessage } from '../errors.ts';
import type { GatewayContext } from './context.ts';

const unlisted = { isUnlisted: true };

export function isUnlisted(market: Market): boolean {
	return market?.info?.isUnlisted === true;
}

/**
 * Without them the exchange's answers about a position or fills there would be read as those of another market of the same name, such as the
 * spot one, and a close would not even be tried. They are marked, so that nobody takes them for listed ones.
 */
export async function findUnlisted(
	context: GatewayContext,
	exchangeId: string,
	listed: ReadonlySet<string | undefined>,
): Promise<MarketInterface[]> {
	const known = await findInstruments(context.pool, { exchangeId }).catch((error: unknown) => {
		context.log.warn({ exchange: exchangeId, error: errorMessage(error) }, 'instruments could not be read');
		return [];
	});
	return known
		.filter(({ symbol }) => !listed.has(symbol))
		.map(({ symbol, exchangeSymbol, marketType, baseAsset, quoteAsset, settleAsset }) => {
			const isLinear = marketType === 'LINEAR';
			return {
				...{ id: exchangeSymbol, symbol, base: baseAsset, quote: quoteAsset, baseId: baseAsset, quoteId: quoteAsset },
				...{ settle: isLinear ? settleAsset : undefined, settleId: isLinear ? settleAsset : undefined },
				...{ type: isLinear ? 'swap' : 'spot', spot: !isLinear, swap: isLinear, contract: isLinear, linear: isLinear },
				...{
					info: unlisted,
					precision: {},
					limits: {},
					margin: false,
					future: false,
					option: false,
					inverse: false,
					active: false,
				},
			} as unknown as MarketInterface;
		});
}
