/** What the exchange layer needs of the process it runs in, and the rows it is made from. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../database/pool.ts';
import type { AccountMode } from '../domain.ts';
import type { Logger } from '../logger.ts';
import type { Clock } from './venue.ts';

export interface GatewayContext {
	readonly pool: Pool;
	readonly workerId: string;
	readonly log: Logger;
	/** BOTBOX_MASTER_KEY: 32 bytes, base64. */
	readonly masterKey: string;
	/** Names of the LIVE accounts that this process may trade; accounts on the simulated exchange are exempt. */
	readonly liveAccounts: readonly string[];
	/** Time of simulated days. Absent: this machine's for the exchange, the database's for limiter and breaker. */
	readonly clock?: Clock;
	/** Aborted when the process stops: waits for the limiter end. */
	readonly signal?: AbortSignal;
	/** Workers alive, for the share of the local limiter; 1 if nobody knows. */
	readonly workerCount?: () => number;
	readonly timings?: Partial<Timings>;
	/** How a wait for the limiter passes; simulated days move their clock instead. */
	readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

export interface Timings {
	/** A request without an answer is given up. */
	readonly requestTimeoutMs: number;
	/** How long a read waits for the limiter, all waits together. */
	readonly longestReadWaitMs: number;
	/** How long an order waits for the limiter, before its row is committed; longer refusals hand the trade back. */
	readonly longestOrderWaitMs: number;
	/** A limiter that does not answer (lock, connection) counts as unreachable. */
	readonly limiterTimeoutMs: number;
	/** Pause between two attempts to reach the limiter. */
	readonly limiterRetryMs: number;
	/** A grant not used within this time has lapsed. */
	readonly grantLifeMs: number;
	/** How old a stored price may be for the paper venue. */
	readonly paperPriceAgeMs: number;
}

const standardTimings: Timings = {
	requestTimeoutMs: 10_000,
	longestReadWaitMs: 10_000,
	longestOrderWaitMs: 250,
	limiterTimeoutMs: 2_000,
	limiterRetryMs: 100,
	// take_tokens sizes its buckets for this: what arrives in one window was granted in one that is longer by as much.
	grantLifeMs: 250,
	paperPriceAgeMs: 10_000,
};

export function timingsOf(context: GatewayContext): Timings {
	return { ...standardTimings, ...context.timings };
}

/** The time to give to SQL functions; undefined means the database's own. */
export function databaseTime(context: GatewayContext): Date | undefined {
	return context.clock === undefined ? undefined : new Date(context.clock());
}

export function localTime(context: GatewayContext): number {
	return context.clock === undefined ? Date.now() : context.clock();
}

export async function pause(context: GatewayContext, ms: number): Promise<void> {
	if (context.sleep !== undefined) return await context.sleep(ms, context.signal);
	await delay(ms, undefined, context.signal === undefined ? {} : { signal: context.signal });
}

/** A row of `exchanges`. */
export interface ExchangeRow {
	readonly exchangeId: string;
	/** The ccxt class: bybit or binance. */
	readonly ccxtId: string;
	/** Where the exchange listens, if not at its own addresses: the simulated one. */
	readonly baseUrl: string | null;
	readonly sandbox: boolean;
}

/** A row of `accounts`, as far as trading needs it. */
export interface AccountRow {
	readonly accountId: number;
	readonly name: string;
	readonly exchangeId: string;
	readonly mode: AccountMode;
	readonly settleAsset: string;
	readonly credentials: Buffer | null;
}
