/**
 * The whole system on a clock of its own: the real tick, checker, executor, feed, guard and monitor, a real database and a real
 * simulated exchange over HTTP; only time is ours. Each step moves the clock and runs every job that would have run by then.
 */

import { readConfig } from '../../src/config.ts';
import { setExchangeAddress } from '../../src/database/functions/administration.ts';
import { installationId } from '../../src/database/installation.ts';
import { createJobs } from '../../src/database/jobs.ts';
import { createVenues } from '../../src/exchange/registry.ts';
import { createLogger } from '../../src/logger.ts';
import { fetchFeeds } from '../../src/market/feed.ts';
import { publishStrategies } from '../../src/market/strategy-versions.ts';
import { CandleWindows } from '../../src/market/windows.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';
import { balancePairs } from '../../src/workers/balance-pairs.ts';
import { CheckCache } from '../../src/workers/check-cache.ts';
import type { WorkerContext } from '../../src/workers/context.ts';
import { executeTrades } from '../../src/workers/execute-trades.ts';
import { guardPositions } from '../../src/workers/guard-positions.ts';
import { keepHistory } from '../../src/workers/keep-history.ts';
import { runMonitor } from '../../src/workers/monitor.ts';
import type { OwnChecks } from '../../src/workers/own-checks.ts';
import { reconcileAccounts } from '../../src/workers/reconcile.ts';
import { recordMarkets } from '../../src/workers/refresh-markets.ts';
import { runChecks } from '../../src/workers/run-checks.ts';
import { settleOrders } from '../../src/workers/settle-orders.ts';
import { runTick } from '../../src/workers/tick.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export const credentials = { apiKey: 'flow-key', secret: 'flow-secret' };
export const masterKey = Buffer.alloc(32, 7).toString('base64');
/** Thursday noon, away from funding times. */
export const flowStart = Date.UTC(2025, 5, 12, 12);

export interface MinuteOptions {
	/** As if nobody fetched candles. */
	readonly withoutFeed?: boolean;
	/** Books are compared, health is looked at and prices are fetched in every n-th minute; 1 by default, as in real life. */
	readonly housekeepingEvery?: number;
}

export interface SimulatedSystem {
	readonly database: TestDatabase;
	readonly simulator: Simulator;
	readonly context: WorkerContext;
	/** The present of this system. */
	now(): Date;
	/** Moves the clock without running anything, as time passes while no worker runs. */
	skip(ms: number): void;
	/** Moves to the next full minute and runs everything that is due there. */
	minute(options?: MinuteOptions): Promise<void>;
	/** Runs what is due now, without moving the clock by more than waiting for the limiter takes. */
	settle(): Promise<void>;
	close(): Promise<void>;
}

/** Limits that a simulated clock, in which hours of calls happen at one instant, does not run into. */
const wideLimits = {
	ipRequests: 1e9,
	linearTradePerSecond: 1e6,
	spotTradePerSecond: 1e6,
	readPerSecond: 1e6,
	positionPerSecond: 1e6,
};

export async function startSimulatedSystem(
	options: {
		simulator?: SimulatorOptions;
		startAt?: number;
		ownChecks?: OwnChecks;
		/** A request without an answer is given up after so long, in real time. */
		requestTimeoutMs?: number;
	} = {},
): Promise<SimulatedSystem> {
	let nowMs = options.startAt ?? flowStart;
	const clock = (): number => nowMs;
	const now = (): Date => new Date(nowMs);
	const database = await createTestDatabase();
	const { pool } = database;
	const simulator = await startSimulator({
		seed: 7,
		instrumentCount: 6,
		...options.simulator,
		clock,
		keys: [credentials],
		limits: options.simulator?.limits ?? wideLimits,
	});
	await setExchangeAddress(pool, { exchangeId: 'sim', baseUrl: simulator.url });
	await publishStrategies(pool);
	const log = createLogger({ level: process.env.BOTBOX_TEST_LOG ?? 'silent', name: 'flow' });
	const jobs = await createJobs({ pool, isSupervisor: false, onError: () => undefined });
	const workerId = 'flow-worker';
	// Waiting for the limiter is a matter of the clock, and the clock is ours.
	const sleep = async (ms: number): Promise<void> => {
		nowMs += ms;
	};
	const context: WorkerContext = {
		workerId,
		pool,
		jobs,
		venues: createVenues({
			...{ pool, workerId, log, masterKey, liveAccounts: [], clock, sleep },
			...(options.requestTimeoutMs === undefined ? {} : { timings: { requestTimeoutMs: options.requestTimeoutMs } }),
		}),
		config: readConfig({}),
		log,
		windows: new CandleWindows(),
		checkCache: new CheckCache(),
		...(options.ownChecks === undefined ? {} : { ownChecks: options.ownChecks }),
		installationId: await installationId(pool),
		startedAt: now(),
		databaseTime: async () => now(),
		sleep,
		isSimulated: true,
	};
	await recordMarkets(context, 'sim', now());

	const settle = async (): Promise<void> => {
		while ((await runChecks(context, now())).again);
		for (let round = 0; round < 50; round++) {
			await executeTrades(context, now());
			await settleOrders(context, { now: now() });
			await balancePairs(context, now());
			const waiting = await pool.query(
				`select from botbox.trade_queue where status = 'PENDING' and next_attempt_at <= $1::timestamptz + interval '2 seconds' limit 1`,
				[now()],
			);
			if (waiting.rowCount === 0) break;
			nowMs += 250;
		}
	};
	return {
		database,
		simulator,
		context,
		now,
		skip: (ms) => {
			nowMs += ms;
		},
		minute: async ({ withoutFeed = false, housekeepingEvery = 1 } = {}) => {
			nowMs = Math.floor(nowMs / 60_000) * 60_000 + 60_000;
			// The exchange closes its candle, then the feed looks, a second later.
			nowMs += 1_000;
			if (!withoutFeed) {
				await fetchFeeds({ pool, workerId, marketData: (id) => context.venues.marketData(id) }, { now: now() });
			}
			const isHousekeeping = Math.floor(nowMs / 60_000) % housekeepingEvery === 0;
			if (isHousekeeping) {
				await guardPositions(context, now());
				await reconcileAccounts(context, { now: now() });
			}
			await runTick(context, now());
			await settle();
			if (isHousekeeping) {
				await runMonitor(context, now());
				if (!withoutFeed) await keepHistory(context, now());
			}
		},
		settle,
		close: async () => {
			await jobs.stop();
			await simulator.close();
			await database.drop();
		},
	};
}
