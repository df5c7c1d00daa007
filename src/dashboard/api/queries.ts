/** What the page asks for, and how often. Lists are polled; an answer that took long is asked for less often. */
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { setServerTime } from '../format/times.ts';
import { getJson, type Query } from './client.ts';
import type * as rows from './rows.ts';

interface Page<Row> {
	readonly items: readonly Row[];
	readonly next: string | null;
}

/** As many rows as one page of the API may have. */
const largestPage = 500;
/** More bots than this are not loaded whole; a search then asks the API. */
const mostBots = 5_000;

export function useOverview(): UseQueryResult<rows.Overview> {
	return useQuery({
		queryKey: ['overview'],
		queryFn: async ({ signal }) => {
			const overview = await getJson<rows.Overview>('overview', {}, signal);
			setServerTime(overview.as_of);
			return overview;
		},
		refetchInterval: 2_000,
	});
}

export interface Bots {
	readonly items: readonly rows.Bot[];
	/** Whether there are more bots than were loaded. */
	readonly isCut: boolean;
	readonly tookMs: number;
}

export function useBots(search: string): UseQueryResult<Bots> {
	return useQuery({
		queryKey: ['bots', search],
		queryFn: async ({ signal }): Promise<Bots> => {
			const startedAt = performance.now();
			const items: rows.Bot[] = [];
			let after: string | undefined;
			do {
				const query = { limit: largestPage, after, q: search === '' ? undefined : search };
				const page: Page<rows.Bot> = await getJson('bots', query, signal);
				items.push(...page.items);
				after = page.next ?? undefined;
			} while (after !== undefined && items.length < mostBots);
			return { items, isCut: after !== undefined, tookMs: performance.now() - startedAt };
		},
		// No more than a tenth of the time is spent on asking.
		refetchInterval: ({ state }) => Math.min(60_000, Math.max(3_000, 10 * (state.data?.tookMs ?? 0))),
		placeholderData: (last) => last,
	});
}

export function useBot(botId: number): UseQueryResult<rows.Bot> {
	return useQuery({
		queryKey: ['bot', botId],
		queryFn: ({ signal }) => getJson<rows.Bot>(`bots/${botId}`, {}, signal),
		refetchInterval: 2_000,
	});
}

function useList<Row>(path: string, query: Query, everyMs: number): UseQueryResult<Page<Row>> {
	return useQuery({
		queryKey: [path, query],
		queryFn: ({ signal }) => getJson<Page<Row>>(path, query, signal),
		refetchInterval: everyMs,
	});
}

export const useSignals = () => useList<rows.Signal>('signals', { limit: 50 }, 3_000);
export const useTrades = () => useList<rows.Trade>('trades', { limit: 50 }, 3_000);
export const useOrders = () => useList<rows.Order>('orders', { limit: 50 }, 3_000);
export const useOpenPositions = () =>
	useList<rows.Position>('positions', { limit: largestPage, status: 'OPEN' }, 3_000);
export const useAccounts = () => useList<rows.Account>('accounts', { limit: 100 }, 5_000);
export const useExchanges = () => useList<rows.Exchange>('exchanges', { limit: 100 }, 3_000);
export const useOpenAlerts = () => useList<rows.Alert>('alerts', { limit: 50, is_open: true }, 3_000);
export const usePauses = () => useList<rows.Pause>('pauses', { limit: 50, is_in_force: true }, 3_000);
export const useWorkers = () => useList<rows.Worker>('workers', { limit: 20 }, 5_000);
export const useRejectionReasons = () => useList<rows.RejectionReason>('rejection-reasons', { limit: 20 }, 5_000);

export const useBotChecks = (botId: number) => useList<rows.Check>(`bots/${botId}/checks`, { limit: 100 }, 3_000);
export const useBotSignals = (botId: number) => useList<rows.Signal>(`bots/${botId}/signals`, { limit: 100 }, 3_000);
export const useBotTrades = (botId: number) => useList<rows.Trade>(`bots/${botId}/trades`, { limit: 100 }, 3_000);
export const useBotPositions = (botId: number) =>
	useList<rows.Position>(`bots/${botId}/positions`, { limit: 100 }, 3_000);

export function useCandles(instrumentId: number, timeframe: rows.Timeframe): UseQueryResult<Page<rows.Candle>> {
	return useList('candles', { instrument_id: instrumentId, timeframe, limit: 300 }, 5_000);
}
