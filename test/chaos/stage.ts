/** What a drill plays on: a migrated database, the simulated exchange as a process, two accounts and their bots. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
	createAccount,
	createBot,
	recordOpeningBalances,
	setExchangeAddress,
} from '../../src/database/functions/administration.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { migrate } from '../../src/database/migrate/migrate.ts';
import { createPool, type Pool } from '../../src/database/pool.ts';
import { createVenues, encryptCredentials } from '../../src/exchange/gateway.ts';
import { createLogger } from '../../src/logger.ts';
import { ensureStrategyVersion, publishStrategies } from '../../src/market/strategy-versions.ts';
import { recordMarkets } from '../../src/workers/refresh-markets.ts';
import { type BotboxProcess, startBotbox, waitForLine } from './processes.ts';

export interface Stage {
	readonly pool: Pool;
	readonly simulator: BotboxProcess;
	readonly simulatorUrl: string;
	readonly key: { readonly apiKey: string; readonly secret: string };
	readonly liveAccountId: number;
	readonly paperAccountId: number;
	/** Environment of the workers. */
	readonly env: Readonly<Record<string, string>>;
	/** Where logs and the exchange's state lie. */
	readonly dir: string;
	close(): Promise<void>;
}

/** What the promises are held against: our books, and the exchange as the account's key sees it. */
export interface Inspected extends Pick<Stage, 'pool' | 'simulatorUrl' | 'key' | 'liveAccountId'> {
	/** The exchange's clock, where it is not this machine's. */
	readonly clock?: () => number;
}

const capital = '1000000';
const regimes = ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'];
/** Live bots that are alone in their instrument: their stops are the exchange's. */
const loneBots = 4;

export async function prepareStage(options: {
	readonly databaseUrl: string;
	readonly dir: string;
	readonly bots: number;
	readonly seed: number;
	readonly exchangeBehind?: (url: string) => Promise<string>;
}): Promise<Stage> {
	const { databaseUrl, dir } = options;
	await migrate({ url: databaseUrl });
	const pool = createPool({ url: databaseUrl, max: 4, applicationName: 'botbox drill' });
	const masterKey = randomBytes(32).toString('base64');
	const key = { apiKey: 'drill-key', secret: randomBytes(12).toString('hex') };
	const simulator = startBotbox({
		name: 'simulator',
		args: ['simulator', '--port', '0', '--seed', String(options.seed % 65_536), '--state-dir', join(dir, 'simulator')],
		env: {},
		dir,
	});
	const simulatorUrl = (await waitForLine(simulator, /simulator ready (\S+)/, 20_000))[1] ?? '';
	await introduceKey(simulatorUrl, key);

	await publishStrategies(pool);
	const baseUrl = (await options.exchangeBehind?.(simulatorUrl)) ?? simulatorUrl;
	await setExchangeAddress(pool, { exchangeId: 'sim', baseUrl });
	const log = createLogger({ level: 'silent', name: 'drill' });
	const venues = createVenues({ pool, workerId: 'drill', log, masterKey, liveAccounts: [] });
	await recordMarkets({ pool, venues }, 'sim');
	const account = {
		exchangeId: 'sim',
		settleAsset: 'USDT',
		capital,
		limits: { max_positions: 400, max_correlated_positions: 400 },
	};
	const paperAccountId = await createAccount(pool, { ...account, name: 'drill-paper', mode: 'PAPER' });
	const liveAccountId = await createAccount(pool, {
		...account,
		name: 'drill-live',
		mode: 'LIVE',
		credentials: encryptCredentials(key, masterKey),
	});
	const balances = await (await venues.tradingVenue(liveAccountId)).balances();
	await recordOpeningBalances(pool, { accountId: liveAccountId, balances });
	await createBots(pool, options.bots, { paperAccountId, liveAccountId });

	return {
		pool,
		simulator,
		simulatorUrl,
		key,
		liveAccountId,
		paperAccountId,
		dir,
		env: { DATABASE_URL: databaseUrl, BOTBOX_MASTER_KEY: masterKey, BOTBOX_DATA_DIR: join(dir, 'unused') },
		close: async () => {
			simulator.kill('SIGTERM');
			await simulator.exit;
			await pool.end();
		},
	};
}

export async function introduceKey(url: string, key: Stage['key']): Promise<void> {
	const response = await fetch(`${url}/_sim/keys`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ ...key, balances: { USDT: capital } }),
	});
	if (!response.ok) throw new Error(`the simulated exchange did not take the key: ${response.status}`);
}

/**
 * One-minute bots over all instruments, half of them LIVE unless told. Thresholds are low and positions short-lived, so that there are many
 * trades in little time: this is a drill of the machinery, not of strategies.
 */
export async function createBots(
	pool: Pool,
	count: number,
	ids: { paperAccountId: number; liveAccountId: number },
	options: { readonly paperEvery?: number; readonly now?: Date } = {},
): Promise<void> {
	const { paperEvery = 2, now } = options;
	const versions: number[] = [];
	for (const strategy of ['trend_following', 'mean_reversion']) {
		for (const [i, threshold] of [0.02, 0.1, 0.25].entries()) {
			versions.push(
				await ensureStrategyVersion(pool, strategy, {
					timeframe: '1m',
					entry_threshold: threshold,
					exit_threshold: -threshold,
					stop_loss_fraction: 0.004,
					take_profit_fraction: 0.004,
					max_holding_minutes: i + 1,
					favourable_regimes: regimes,
				}),
			);
		}
	}
	const instruments = (await findInstruments(pool, { exchangeId: 'sim' })).filter(
		({ isTrading, settleAsset }) => isTrading && settleAsset === 'USDT',
	);
	const lone = instruments.filter(({ marketType }) => marketType === 'LINEAR').slice(-loneBots);
	const shared = instruments.filter((instrument) => !lone.includes(instrument));
	const placed = { live: 0, paper: 0 };
	for (let i = 0; i < count; i += 1) {
		const isLive = i % paperEvery !== paperEvery - 1;
		const rank = isLive ? placed.live++ : placed.paper++;
		const open = isLive ? shared : instruments;
		const instrument = (isLive ? lone[rank] : undefined) ?? open[rank % open.length];
		const strategyVersionId = versions[i % versions.length];
		if (instrument === undefined || strategyVersionId === undefined)
			throw new Error('the exchange lists no instrument');
		await createBot(pool, {
			name: `drill-${i}`,
			strategyVersionId,
			accountId: isLive ? ids.liveAccountId : ids.paperAccountId,
			instrumentId: instrument.id,
			intervalMinutes: 1,
			sizing: 'FIXED_NOTIONAL',
			sizingValue: 500,
			actor: 'drill',
			isDueAtOnce: true,
			now,
		});
	}
}
