/**
 * From an accepted signal to an acknowledged order, by the database's clock: the executor's own functions, the real limiter and
 * breaker, and the simulated exchange over HTTP. One signal at a time and fewer than the limiter grants, so that it never binds.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '../../src/config.ts';
import {
	createAccount,
	recordOpeningBalances,
	setExchangeAddress,
} from '../../src/database/functions/administration.ts';
import { recordChecks } from '../../src/database/functions/checks.ts';
import { installationId } from '../../src/database/installation.ts';
import { createJobs } from '../../src/database/jobs.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { createVenues, type Venues } from '../../src/exchange/registry.ts';
import { createLogger } from '../../src/logger.ts';
import { CandleWindows } from '../../src/market/windows.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { CheckCache } from '../../src/workers/check-cache.ts';
import type { WorkerContext } from '../../src/workers/context.ts';
import { executeTrades } from '../../src/workers/execute-trades.ts';
import { reconcileAccounts } from '../../src/workers/reconcile.ts';
import { recordMarkets } from '../../src/workers/refresh-markets.ts';
import { checkOf } from '../../test/support/factories/evaluated-checks.ts';
import { makeBot, makeStrategyVersion } from '../../test/support/factories/world.ts';
import type { BenchContext, Figure } from '../benchmark.ts';

const credentials = { apiKey: 'bench-key', secret: 'bench-secret' };
const masterKey = Buffer.alloc(32, 7).toString('base64');
const workerId = 'bench-latency';
/** Five a second: of ten orders that the exchange takes, botbox spends eight. */
const paceMs = 200;

export async function measureAcknowledgement({ pool, isQuick, log }: BenchContext): Promise<Figure[]> {
	const signals = isQuick ? 10 : 150;
	const simulator = await startSimulator({ seed: 7, instrumentCount: 6, keys: [credentials] });
	const jobs = await createJobs({ pool, isSupervisor: false, onError: (error) => log(error.message) });
	const exchangeMs: number[] = [];
	try {
		await setExchangeAddress(pool, { exchangeId: 'sim', baseUrl: simulator.url });
		const context: WorkerContext = {
			workerId,
			pool,
			jobs,
			venues: timed(
				createVenues({
					pool,
					workerId,
					log: createLogger({ level: 'silent', name: 'bench' }),
					masterKey,
					liveAccounts: [],
				}),
				exchangeMs,
			),
			config: readConfig({}),
			log: createLogger({ level: 'silent', name: 'bench' }),
			windows: new CandleWindows(),
			checkCache: new CheckCache(),
			installationId: await installationId(pool),
			startedAt: new Date(0),
			databaseTime: async () => new Date(),
			sleep,
			isSimulated: false,
		};
		await recordMarkets(context, 'sim');
		const bots = await prepareBots(context, signals);
		for (const { bot, price } of bots) {
			const begun = performance.now();
			await pool.query(
				`update botbox.bots set claimed_by = $1, claimed_until = now() + interval '1 minute' where id = $2`,
				[workerId, bot.id],
			);
			const check = checkOf(bot, new Date(), { kind: 'MANUAL', decision: 'LONG', price });
			const [recorded] = await recordChecks(pool, { checks: [check], workerId });
			if (recorded?.reasonCode !== 'ACCEPTED') throw new Error(`the signal was not accepted: ${recorded?.reasonCode}`);
			await executeTrades(context);
			await sleep(Math.max(paceMs - (performance.now() - begun), 0));
		}
		const { rows } = await pool.query<{ ms: number }>(
			`select extract(epoch from t.acknowledged_at - t.queued_at)::float8 * 1000 as ms
			   from botbox.trade_queue t
			   join botbox.bots b on b.id = t.bot_id
			  where b.account_id = $1
			    and t.acknowledged_at is not null`,
			[bots[0]?.bot.accountId],
		);
		if (rows.length !== signals) throw new Error(`${rows.length} of ${signals} orders were acknowledged`);
		const totals = rows.map(({ ms }) => ms);
		return [
			...describe('signal to acknowledged order', totals),
			...describe('of it at the exchange (ccxt, HTTP, simulator)', exchangeMs),
		];
	} finally {
		await jobs.stop();
		await simulator.close();
	}
}

/** Bots of one LIVE account on the simulated exchange, each for one signal. */
async function prepareBots(context: WorkerContext, count: number) {
	const { pool } = context;
	const accountId = await createAccount(pool, {
		name: 'bench-live',
		exchangeId: 'sim',
		mode: 'LIVE',
		settleAsset: 'USDT',
		capital: 1_000_000,
		credentials: encryptCredentials(credentials, masterKey),
		limits: { max_positions: count, max_correlated_positions: count },
	});
	const venue = await context.venues.tradingVenue(accountId);
	await recordOpeningBalances(pool, { accountId, balances: await venue.balances() });
	await reconcileAccounts(context, { all: true });
	const { rows: instruments } = await pool.query<{ id: number; symbol: string }>(
		`select id, symbol from botbox.instruments where exchange_id = 'sim' and market_type = 'LINEAR' and is_trading order by id`,
	);
	const quotes = await (await context.venues.marketData('sim')).quotes(['LINEAR']);
	const priced = instruments.flatMap((instrument) => {
		const price = quotes.find(({ symbol }) => symbol === instrument.symbol)?.last;
		return price == null ? [] : [{ instrument, price: Number(price) }];
	});
	const world = { accountId, versionId: await makeStrategyVersion(pool) };
	const bots = [];
	for (let index = 0; index < count; index += 1) {
		const chosen = priced[index % priced.length];
		if (chosen === undefined) throw new Error('the simulated exchange lists no perpetual');
		const bot = await makeBot(pool, { ...world, instrument: chosen.instrument }, { notional: 300, now: new Date() });
		bots.push({ bot, price: chosen.price });
	}
	return bots;
}

/** From the committed order row to the exchange's answer. */
function timed(venues: Venues, spent: number[]): Venues {
	return {
		...venues,
		tradingVenue: async (accountId) => {
			const venue = await venues.tradingVenue(accountId);
			return {
				...venue,
				createOrder: async (order, beforeSend) => {
					let sentAt = Number.NaN;
					const outcome = await venue.createOrder(order, async () => {
						const permit = await beforeSend();
						sentAt = performance.now();
						return permit;
					});
					spent.push(performance.now() - sentAt);
					return outcome;
				},
			};
		},
	};
}

function describe(metric: string, values: readonly number[]): Figure[] {
	const sorted = [...values].sort((a, b) => a - b);
	const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
	return [
		['median', at(0.5)],
		['p95', at(0.95)],
	].map(([name, value]) => ({
		benchmark: 'queue',
		case: `${values.length} signals`,
		metric: `${metric}, ${name}`,
		value: Number(value),
		unit: 'ms',
		floor: null,
		peers: {},
	}));
}
