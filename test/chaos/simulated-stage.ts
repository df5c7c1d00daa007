/** The stage of a drill on a clock of its own: a database, the simulated exchange in this process, accounts, bots, workers. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
	createAccount,
	recordOpeningBalances,
	setExchangeAddress,
} from '../../src/database/functions/administration.ts';
import type { Pool } from '../../src/database/pool.ts';
import { createVenues, encryptCredentials } from '../../src/exchange/gateway.ts';
import { createLogger } from '../../src/logger.ts';
import { publishStrategies } from '../../src/market/strategy-versions.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { recordMarkets } from '../../src/workers/refresh-markets.ts';
import { makeSharedClock, type SharedClock } from './simulated-clock.ts';
import { gatherSimulatedCrew, type OrderWatch, type SimulatedCrew } from './simulated-crew.ts';
import { createBots, type Inspected } from './stage.ts';

export interface SimulatedStage extends Inspected {
	readonly clock: SharedClock;
	readonly simulator: Simulator;
	readonly crew: SimulatedCrew;
	close(): Promise<void>;
}

export interface SimulatedStageOptions {
	readonly databaseUrl: string;
	readonly pool: Pool;
	/** For the clock and the workers' logs. */
	readonly dir: string;
	readonly seed: number;
	readonly bots: number;
	readonly workers: number;
	readonly watch: OrderWatch;
}

const capital = '1000000';
/** Thursday noon, and by the seed up to four hours later: some runs cross a funding time. */
const earliestStart = Date.UTC(2025, 5, 12, 12);
/** Bases, each with a spot market and a perpetual. */
const instrumentCount = 4;
/** Every n-th bot trades on paper. */
const paperEvery = 5;

export async function prepareSimulatedStage(options: SimulatedStageOptions): Promise<SimulatedStage> {
	const { pool, dir, seed, databaseUrl } = options;
	const clockPath = join(dir, `clock-${seed}`);
	const clock = makeSharedClock(clockPath, earliestStart + (seed % 5) * 57 * 60_000);
	const now = (): Date => new Date(clock());
	const key = { apiKey: 'drill-key', secret: 'drill-secret' };
	// Bybit's published limits: a violation is a finding.
	const simulator = await startSimulator({
		seed: seed % 65_536,
		instrumentCount,
		clock,
		keys: [{ ...key, balances: { USDT: capital } }],
	});
	const masterKey = randomBytes(32).toString('base64');
	await publishStrategies(pool);
	await setExchangeAddress(pool, { exchangeId: 'sim', baseUrl: simulator.url });
	const venues = createVenues({
		pool,
		workerId: 'drill',
		log: createLogger({ level: 'silent', name: 'drill' }),
		masterKey,
		liveAccounts: [],
		clock,
		sleep: async (ms) => clock.set(clock() + ms),
		// Grants and the limiter's patience are measured in real time here, on a machine that may be busy.
		timings: { grantLifeMs: 60_000, limiterTimeoutMs: 60_000 },
	});
	await recordMarkets({ pool, venues }, 'sim', now());
	const account = {
		exchangeId: 'sim',
		settleAsset: 'USDT',
		capital,
		limits: { max_positions: 400, max_correlated_positions: 400 },
		now: now(),
	};
	const paperAccountId = await createAccount(pool, { ...account, name: 'drill-paper', mode: 'PAPER' });
	const liveAccountId = await createAccount(pool, {
		...account,
		name: 'drill-live',
		mode: 'LIVE',
		credentials: encryptCredentials(key, masterKey),
	});
	const balances = await (await venues.tradingVenue(liveAccountId)).balances();
	await recordOpeningBalances(pool, { accountId: liveAccountId, balances, now: now() });
	await createBots(pool, options.bots, { paperAccountId, liveAccountId }, { paperEvery, now: now() });
	const crew = await gatherSimulatedCrew({
		clock,
		clockPath,
		databaseUrl,
		masterKey,
		exchangeUrl: simulator.url,
		size: options.workers,
		dir,
		watch: options.watch,
	});
	return {
		pool,
		clock,
		simulator,
		simulatorUrl: simulator.url,
		key,
		liveAccountId,
		crew,
		close: async () => {
			await crew.dismiss();
			await simulator.close();
			clock.close();
		},
	};
}
