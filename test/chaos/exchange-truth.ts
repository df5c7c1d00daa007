/** What the simulated exchange itself says, read without any code of botbox's: its orders, positions, balances and requests. */
import type { ReportedOrder } from '../../src/simulator/http/sim-routes.ts';
import { makeClient } from '../simulator/client.ts';
import type { Inspected } from './stage.ts';

export interface Requests {
	readonly total: number;
	readonly worstWindow: { readonly requests: number; readonly limit: number };
	readonly worstKeyWindows: Readonly<Record<string, { readonly requests: number; readonly limit: number }>>;
	readonly refused: { readonly ip: number; readonly key: number };
	readonly bans: readonly { readonly reason: 'limit' | 'fault' }[];
}

export interface ExchangeTruth {
	readonly orders: readonly ReportedOrder[];
	/** Net position by exchange symbol, signed, with what it cost. */
	readonly positions: ReadonlyMap<string, { readonly quantity: number; readonly cost: number }>;
	readonly balances: ReadonlyMap<string, number>;
	readonly requests: Requests;
}

interface PositionList {
	readonly result: { readonly list: readonly { symbol: string; side: string; size: string; avgPrice: string }[] };
}
interface WalletBalance {
	readonly result: { readonly list: readonly { coin: readonly { coin: string; walletBalance: string }[] }[] };
}
type Call = (params: object) => Promise<unknown>;

export async function readExchange(stage: Inspected): Promise<ExchangeTruth> {
	const { clock } = stage;
	const client = makeClient(stage.simulatorUrl, undefined, {});
	if (clock !== undefined)
		Object.defineProperty(client.options, 'timeDifference', { get: () => Date.now() - clock(), set: () => {} });
	Object.assign(client, stage.key);
	// ccxt makes these methods at run time, one per endpoint.
	const raw = client as unknown as Record<'privateGetV5PositionList' | 'privateGetV5AccountWalletBalance', Call>;
	const [positions, wallet] = (await Promise.all([
		raw.privateGetV5PositionList({ category: 'linear', settleCoin: 'USDT', limit: 200 }),
		raw.privateGetV5AccountWalletBalance({ accountType: 'UNIFIED' }),
	])) as [PositionList, WalletBalance];
	const { orders } = (await ask(stage, '/_sim/orders')) as { orders: ReportedOrder[] };
	return {
		orders: orders.filter(({ apiKey }) => apiKey === stage.key.apiKey),
		positions: new Map(
			positions.result.list.map(({ symbol, side, size, avgPrice }) => {
				const quantity = side === 'Sell' ? -Number(size) : Number(size);
				return [symbol, { quantity, cost: quantity * Number(avgPrice) }];
			}),
		),
		balances: new Map(
			(wallet.result.list[0]?.coin ?? []).map(({ coin, walletBalance }) => [coin, Number(walletBalance)]),
		),
		requests: (await ask(stage, '/_sim/requests')) as Requests,
	};
}

async function ask(stage: Inspected, path: string): Promise<unknown> {
	const response = await fetch(`${stage.simulatorUrl}${path}`, { signal: AbortSignal.timeout(5_000) });
	return await response.json();
}
