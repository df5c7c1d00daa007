/** What the page asks for, and how often. Lists are polled; an answer that took long is asked for less often. */
import {
	type InfiniteData,
	type UseInfiniteQueryResult,
	type UseQueryResult,
	useInfiniteQuery,
	useQuery,
} from '@tanstack/react-query';
import type { Schema } from '../bot-form/schema.ts';
import { setServerTime } from '../format/times.ts';
import { getJson, type Query } from './client.ts';
import { pollEvery } from './live.ts';
import type * as rows from './rows.ts';

export interface Page<Row> {
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
		refetchInterval: () => pollEvery(everyMs),
	});
}

/** Pages of this many rows; further ones come when they are asked for. */
const pageRows = 100;
/** A list that was paged further back than this is read, not watched: it stands still. */
const watchedPages = 3;

export type LongList<Row> = UseInfiniteQueryResult<InfiniteData<Page<Row>>>;

/** A list without an end, newest first; '' among the filters is none. */
export function useLongList<Row>(path: string, filters: Query, everyMs = 3_000): LongList<Row> {
	const query = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== '' && value !== undefined));
	return useInfiniteQuery({
		queryKey: [path, 'long', query],
		queryFn: ({ pageParam, signal }) =>
			getJson<Page<Row>>(path, { limit: pageRows, ...query, after: pageParam ?? undefined }, signal),
		initialPageParam: null as string | null,
		getNextPageParam: (last) => last.next,
		refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > watchedPages ? false : pollEvery(everyMs)),
		placeholderData: (last) => last,
	});
}

export const useSignals = () => useList<rows.Signal>('signals', { limit: 50 }, 3_000);
/** Entries that wait for a person, of one bot or of all. */
export const useWaitingApprovals = (botId?: number) =>
	useList<rows.Approval>('approvals', { limit: 100, state: 'WAITING', bot_id: botId }, 3_000);
export const useParkedTrades = () => useList<rows.Trade>('trades', { limit: 100, status: 'PARKED' }, 5_000);
export const useAlertChannels = () => useList<rows.AlertChannel>('alert-channels', { limit: 100 }, 5_000);
export const useTrades = () => useList<rows.Trade>('trades', { limit: 50 }, 3_000);
export const useOpenPositions = () =>
	useList<rows.Position>('positions', { limit: largestPage, status: 'OPEN' }, 3_000);
/** All of them, however many: sums over a part would be wrong. */
export function useAllOpenPositions(): UseQueryResult<readonly rows.Position[]> {
	return useQuery({
		queryKey: ['positions', 'all open'],
		queryFn: async ({ signal }) => {
			const items: rows.Position[] = [];
			let after: string | undefined;
			do {
				const query = { limit: largestPage, status: 'OPEN', after };
				const page: Page<rows.Position> = await getJson('positions', query, signal);
				items.push(...page.items);
				after = page.next ?? undefined;
			} while (after !== undefined);
			return items;
		},
		refetchInterval: 10_000,
	});
}

export const useAccounts = () => useList<rows.Account>('accounts', { limit: 100 }, 5_000);
export const useRollouts = () => useList<rows.Rollout>('rollouts', { limit: 100 }, 5_000);
/** Of all plans of an account. */
export const useRolloutSteps = (account: string) =>
	useList<rows.RolloutStep>('rollout-steps', { limit: largestPage, account }, 5_000);
export const useExchanges = () => useList<rows.Exchange>('exchanges', { limit: 100 }, 3_000);
export const useOpenAlerts = () => useList<rows.Alert>('alerts', { limit: 50, is_open: true }, 3_000);
export const usePauses = () => useList<rows.Pause>('pauses', { limit: 50, is_in_force: true }, 3_000);
export const useWorkers = () => useList<rows.Worker>('workers', { limit: 20 }, 5_000);
export const useRejectionReasons = () => useList<rows.RejectionReason>('rejection-reasons', { limit: 20 }, 5_000);

export const useDataFreshness = () => useList<rows.DataFreshness>('data-freshness', { limit: largestPage }, 5_000);
export const useStrategyVersions = () => useList<rows.StrategyVersion>('strategies', { limit: largestPage }, 15_000);
export const useStrategyPerformance = () =>
	useList<rows.StrategyPerformance>('strategy-performance', { limit: largestPage }, 10_000);
/** Markets of an exchange whose name has `search` in it. */
export function useInstruments(exchange: string, search: string): UseQueryResult<Page<rows.Instrument>> {
	const query = { limit: 100, is_trading: true, exchange, q: search === '' ? undefined : search };
	return useQuery({
		queryKey: ['instruments', query],
		queryFn: ({ signal }) => getJson<Page<rows.Instrument>>('instruments', query, signal),
		enabled: exchange !== '',
		staleTime: 60_000,
		placeholderData: (last) => last,
	});
}

/** The JSON schema of a request's body, from the API's own document. */
export function useBodySchema(path: string, method: 'post' | 'patch'): UseQueryResult<Schema> {
	return useQuery({
		queryKey: ['openapi'],
		queryFn: ({ signal }) => getJson<OpenApi>('/openapi.json', {}, signal),
		staleTime: Number.POSITIVE_INFINITY,
		select: (document): Schema => {
			const schema = document.paths[path]?.[method]?.requestBody?.content['application/json']?.schema;
			const name = schema?.$ref?.split('/').at(-1);
			return (name === undefined ? schema : document.components.schemas[name]) ?? {};
		},
	});
}

interface OpenApi {
	readonly paths: Readonly<
		Record<
			string,
			Readonly<
				Record<
					string,
					{
						readonly requestBody?: {
							readonly content: Readonly<Record<string, { readonly schema: Schema & { readonly $ref?: string } }>>;
						};
					}
				>
			>
		>
	>;
	readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}
/** A day of one account. */
export const useEquity = (accountId: number) =>
	useList<rows.AccountEquity>(`accounts/${accountId}/equity`, { limit: 288 }, 30_000);

/** What bots can be made of. It changes with the program only. */
export function useCatalogue(): UseQueryResult<readonly rows.CatalogueEntry[]> {
	return useQuery({
		queryKey: ['strategy-catalogue'],
		queryFn: async ({ signal }) => (await getJson<Page<rows.CatalogueEntry>>('strategy-catalogue', {}, signal)).items,
		staleTime: Number.POSITIVE_INFINITY,
	});
}

export const useBotChecks = (botId: number) => useList<rows.Check>(`bots/${botId}/checks`, { limit: 100 }, 3_000);
export const useBotSignals = (botId: number) => useList<rows.Signal>(`bots/${botId}/signals`, { limit: 100 }, 3_000);
export const useBotTrades = (botId: number) => useList<rows.Trade>(`bots/${botId}/trades`, { limit: 100 }, 3_000);
export const useBotPositions = (botId: number) =>
	useList<rows.Position>(`bots/${botId}/positions`, { limit: 100 }, 3_000);

export function useCandles(instrumentId: number, timeframe: rows.Timeframe): UseQueryResult<Page<rows.Candle>> {
	return useList('candles', { instrument_id: instrumentId, timeframe, limit: 300 }, 5_000);
}
