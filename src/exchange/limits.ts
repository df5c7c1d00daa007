/** How each exchange counts: which bucket a request belongs to, what its headers say, how long a refusal lasts. */
import type { Family, PlannedRequest } from './ccxt-client.ts';
import type { CallFacts } from './transport.ts';

export interface ExchangeCall {
	/** For logs: method and path. */
	readonly name: string;
	/** Weight in the IP's bucket. */
	readonly weight: number;
	readonly ipBucket: IpBucket;
	/** The account's bucket; null for public calls, which alone may probe an open breaker. */
	readonly account: { readonly key: string; readonly bucket: AccountBucket } | null;
	/** Whether the exchange's headers on this endpoint speak of the whole bucket. */
	readonly isTelling: boolean;
	/** May take the tokens that are kept for what cannot wait: closes, stops, the asking for unknown orders. */
	readonly isUrgent?: boolean;
	/** How long the caller can wait for its grant, in ms; a refusal for longer counts as a denial. */
	readonly patienceMs?: number;
}

/** Bybit counts all requests of an IP together, Binance those to spot and to USDⓈ-M apart. */
export type IpBucket = 'all' | 'weight_spot' | 'weight_linear';

export function ipBucketOf(family: Family, isLinear: boolean): IpBucket {
	if (family === 'bybit') return 'all';
	return isLinear ? 'weight_linear' : 'weight_spot';
}

export type AccountBucket = 'read' | 'order_linear' | 'order_spot';

/** A bucket's state as the exchange reports it. */
export interface LimitReport {
	readonly scope: 'IP' | 'ACCOUNT';
	readonly scopeKey: string;
	readonly bucket: IpBucket | AccountBucket;
	readonly used: number;
	readonly limit: number | undefined;
}

export const ipKey = 'default';

export function describeCall(family: Family, request: PlannedRequest, accountKey: string | undefined): ExchangeCall {
	const { path, api, method, params } = request;
	const name = `${method} ${path}`;
	const isPublic = /public/i.test(api);
	if (family === 'bybit') {
		const isOrder = bybitOrderPaths.has(path);
		const bucket = !isOrder && !bybitSettingPaths.has(path) ? 'read' : orderBucket(params.category === 'spot');
		const account = isPublic || accountKey === undefined ? null : { key: accountKey, bucket };
		return { name, weight: 1, ipBucket: 'all', account, isTelling: isOrder || bybitReadPaths.has(path) };
	}
	const isFutures = api.startsWith('fapi');
	const isOrder = method !== 'GET' && /order|leverage|marginType|positionSide/i.test(path);
	const bucket = isOrder ? orderBucket(!isFutures) : 'read';
	return {
		name,
		// ccxt counts spot weights in fifths.
		weight: Math.max(1, Math.ceil(isFutures ? request.cost : request.cost * 5)),
		ipBucket: ipBucketOf(family, isFutures),
		account: isPublic || accountKey === undefined ? null : { key: accountKey, bucket },
		isTelling: true,
	};
}

const orderBucket = (isSpot: boolean): AccountBucket => (isSpot ? 'order_spot' : 'order_linear');

const bybitOrderPaths: ReadonlySet<string> = new Set(['v5/order/create', 'v5/order/amend', 'v5/order/cancel']);
/** Writes with limits of their own, all at least as strict: metered as orders, their headers not taken for the bucket's. */
const bybitSettingPaths: ReadonlySet<string> = new Set([
	'v5/position/set-leverage',
	'v5/position/switch-mode',
	'v5/account/set-margin-mode',
	'v5/position/trading-stop',
	'v5/order/cancel-all',
]);
const bybitReadPaths: ReadonlySet<string> = new Set([
	'v5/order/realtime',
	'v5/order/history',
	'v5/execution/list',
	'v5/position/list',
	'v5/account/wallet-balance',
]);

export function readLimits(family: Family, call: ExchangeCall, header: CallFacts['header']): LimitReport[] {
	const number = (name: string): number | undefined => {
		const text = header(name);
		return text === undefined || text === '' || !Number.isFinite(Number(text)) ? undefined : Number(text);
	};
	const reports: LimitReport[] = [];
	if (family === 'bybit') {
		const limit = number('x-bapi-limit');
		const left = number('x-bapi-limit-status');
		if (call.account !== null && call.isTelling && limit !== undefined && left !== undefined && limit > 0)
			reports.push({
				scope: 'ACCOUNT',
				scopeKey: call.account.key,
				bucket: call.account.bucket,
				used: limit - left,
				limit,
			});
		return reports;
	}
	const weight = number('x-mbx-used-weight-1m');
	if (weight !== undefined)
		reports.push({
			scope: 'IP',
			scopeKey: ipKey,
			bucket: call.ipBucket,
			used: weight,
			limit: undefined,
		});
	const orders = number('x-mbx-order-count-10s');
	if (orders !== undefined && call.account !== null)
		reports.push({
			scope: 'ACCOUNT',
			scopeKey: call.account.key,
			bucket: call.account.bucket,
			used: orders,
			limit: undefined,
		});
	return reports;
}

/** Bybit: "wait at least 10 minutes" after a 403 (docs/v5/rate-limit). */
const bybitBanMs = 600_000;
const binanceBanMs = 120_000;
const shortBlockMs = 1_000;
const binanceWindowMs = 60_000;
const binanceOrderWindowMs = 10_000;

/** Until when, in milliseconds from now, nothing of this bucket may be sent after a refusal for its rate. */
export function blockOf(
	family: Family,
	call: ExchangeCall,
	facts: CallFacts,
	isBan: boolean,
	exchangeTime: number,
): { scope: 'IP' | 'ACCOUNT'; scopeKey: string; bucket: IpBucket | AccountBucket; forMs: number } {
	const retryAfterSeconds = Number(facts.header('retry-after') ?? Number.NaN);
	const askedMs = retryAfterSeconds > 0 ? retryAfterSeconds * 1000 : undefined;
	const ip = { scope: 'IP', scopeKey: ipKey, bucket: call.ipBucket } as const;
	if (isBan) return { ...ip, forMs: askedMs ?? (family === 'bybit' ? bybitBanMs : binanceBanMs) };
	if (family === 'binance') {
		if (facts.code === '-1015' && call.account !== null)
			return { scope: 'ACCOUNT', scopeKey: call.account.key, bucket: call.account.bucket, forMs: binanceOrderWindowMs };
		return { ...ip, forMs: askedMs ?? binanceWindowMs };
	}
	const resetAt = Number(facts.header('x-bapi-limit-reset-timestamp') ?? Number.NaN);
	const forMs = resetAt > exchangeTime ? Math.min(resetAt - exchangeTime, binanceWindowMs) : shortBlockMs;
	if (call.account === null) return { ...ip, forMs };
	return { scope: 'ACCOUNT', scopeKey: call.account.key, bucket: call.account.bucket, forMs };
}

/** Half of the published IP limit a second, for the local limiter; divided by the workers alive. */
export const localWeightPerSecond: Readonly<Record<Family, number>> = { bybit: 60, binance: 20 };
