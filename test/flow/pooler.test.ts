/**
 * Behind a real PgBouncer in transaction mode: two workers and the API with more connections than the pooler has to the server, from the tick to
 * the position and out of it again, on paper and at the simulated exchange, and told by the event stream. Nothing is lost and no error logged.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Api, startApi } from '../../src/api/server.ts';
import { type Config, readConfig } from '../../src/config.ts';
import {
	createAccount,
	createBot,
	recordOpeningBalances,
	setExchangeAddress,
} from '../../src/database/functions/administration.ts';
import { checkLedger } from '../../src/database/functions/guards.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { createVenues, encryptCredentials } from '../../src/exchange/gateway.ts';
import { ensureStrategyVersion, publishStrategies } from '../../src/market/strategy-versions.ts';
import { openCatalogue } from '../../src/sandbox/catalogue.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { roles } from '../../src/workers/context.ts';
import { startWorker, type Worker } from '../../src/workers/main.ts';
import { recordMarkets } from '../../src/workers/refresh-markets.ts';
import { fill, strategyFile } from '../sandbox/folder.ts';
import { makeToken } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createPooledUser, type PooledUser, poolerUrl, readPool, whySkipped } from '../support/pooler.ts';

const key = { apiKey: 'pooler-key', secret: 'pooler-secret' };
const masterKey = Buffer.alloc(32, 7).toString('base64');
const botsPerAccount = 10;

describe.skipIf(poolerUrl === '')(`through PgBouncer in transaction mode${whySkipped}`, () => {
	let database: TestDatabase;
	let user: PooledUser;
	let simulator: Simulator;
	let folder: string;
	let config: Config;
	let workers: Worker[] = [];
	let api: Api;
	/** Errors, and whatever concerns the database; an exchange that is slow on a busy machine is another matter. */
	const logged: string[] = [];
	const log = pino(
		{ level: 'warn' },
		{
			write: (line: string) => {
				const { level, msg } = JSON.parse(line) as { level: number; msg: string };
				if (level >= 50 || /pg-boss|database|limiter|server/.test(msg)) logged.push(line);
			},
		},
	);

	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'botbox-pooler-'));
		await fill(folder, {
			'eager.ts': strategyFile(
				'eager',
				`return { decision: position === null ? 'LONG' : 'NONE', stopLossFraction: 0.3 };`,
			),
		});
		simulator = await startSimulator({ seed: 7, instrumentCount: 5, keys: [key] });
		database = await createTestDatabase();
		user = await createPooledUser(database);
		config = Object.freeze({
			...readConfig({ BOTBOX_STRATEGIES: folder, BOTBOX_DATA_DIR: folder }),
			port: 0,
			databaseUrl: user.url,
			databaseDirectUrl: database.url,
		});
		await prepareBots();
		const options = { databaseUrl: user.url, config, log, version: '0.0.0-test' };
		api = await startApi({ ...options, pageDir: null });
		await openStream();
		workers = await Promise.all([1, 2].map(() => startWorker({ ...options, masterKey, roles: [...roles] })));
	}, 120_000);

	afterAll(async () => {
		stream?.destroy();
		await Promise.all(workers.map((worker) => worker.stop()));
		await api?.close();
		await simulator?.close();
		await rm(folder, { recursive: true });
		await database?.drop();
		await user?.drop();
	}, 60_000);

	/** Bots of both kinds of account that enter at their first check. */
	async function prepareBots(): Promise<void> {
		const { pool } = database;
		const catalogue = openCatalogue({ folder });
		await publishStrategies(pool, catalogue);
		await setExchangeAddress(pool, { exchangeId: 'sim', baseUrl: simulator.url });
		const venues = createVenues({ pool, workerId: 'pooler', log, masterKey, liveAccounts: [] });
		await recordMarkets({ pool, venues }, 'sim');
		const account = {
			...{ exchangeId: 'sim', settleAsset: 'USDT', capital: 100_000 },
			limits: { max_positions: 100, max_correlated_positions: 100 },
		};
		const paper = await createAccount(pool, { ...account, name: 'paper', mode: 'PAPER' });
		const credentials = encryptCredentials(key, masterKey);
		const live = await createAccount(pool, { ...account, name: 'live', mode: 'LIVE', credentials });
		const balances = await (await venues.tradingVenue(live)).balances();
		await recordOpeningBalances(pool, { accountId: live, balances });
		const linear = (await findInstruments(pool, { exchangeId: 'sim' })).filter(
			({ marketType }) => marketType === 'LINEAR',
		);
		const strategyVersionId = await ensureStrategyVersion(pool, 'eager', {}, catalogue);
		await catalogue.close();
		for (const accountId of [paper, live]) {
			for (let index = 0; index < botsPerAccount; index += 1) {
				await createBot(pool, {
					...{ name: `eager ${accountId} ${index}`, strategyVersionId, accountId, intervalMinutes: 60 },
					...{
						instrumentId: linear[index % linear.length]!.id,
						sizing: 'FIXED_NOTIONAL',
						sizingValue: 500,
						isDueAtOnce: true,
					},
				});
			}
		}
	}

	const rows = async (sql: string) => (await database.pool.query(sql)).rows;

	/** From before the workers start: positions as the event stream tells of them. */
	let stream: IncomingMessage;
	let chunks: AsyncIterator<string>;
	let rest = '';
	async function openStream(): Promise<void> {
		const request = get(`${api.url}api/v1/events?topics=positions`, { agent: false });
		[stream] = (await once(request, 'response')) as [IncomingMessage];
		chunks = stream.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>;
	}

	/** Reads until the stream has told of so many positions with this status. */
	async function untilTold(status: 'OPEN' | 'CLOSED', count: number): Promise<void> {
		const told = new Set<number>();
		while (told.size < count) {
			const { value, done } = await chunks.next();
			if (done) throw new Error('the event stream ended');
			const blocks = `${rest}${value}`.split('\n\n');
			rest = blocks.pop() ?? '';
			for (const block of blocks) {
				const { items = [] } = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '{}') as {
					items?: { position_id: number; status: string }[];
				};
				for (const item of items) if (item.status === status) told.add(item.position_id);
			}
		}
	}

	test('bots are checked, enter, and are flattened, by two workers with more connections than the server gives', {
		timeout: 180_000,
	}, async () => {
		await untilTold('OPEN', 2 * botsPerAccount);
		const { token } = await makeToken(database.pool, 'operator');
		const answer = await fetch(`${api.url}api/v1/flatten`, {
			method: 'POST',
			headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
			body: JSON.stringify({ scope: 'ALL', reason: 'enough' }),
		});
		expect([answer.status, await answer.json()]).toEqual([202, expect.anything()]);
		await untilTold('CLOSED', 2 * botsPerAccount);

		// An hour may begin meanwhile, and with it another check.
		const outcomes = await rows('select outcome::text, count(*)::integer as n from botbox.checks group by 1');
		expect(outcomes).toContainEqual({ outcome: 'QUEUED', n: 2 * botsPerAccount });
		expect(outcomes.filter(({ outcome }) => ['FAILED', 'TIMED_OUT'].includes(outcome))).toEqual([]);
		expect(await rows('select status::text, count(*)::integer as n from botbox.trade_queue group by 1')).toEqual([
			{ status: 'EXECUTED', n: 4 * botsPerAccount },
		]);
		expect(await rows('select status::text, count(*)::integer as n from botbox.orders group by 1')).toEqual([
			{ status: 'FILLED', n: 4 * botsPerAccount },
		]);
		expect(await checkLedger(database.pool, {})).toEqual([]);
		// The exchange has been asked for as much as the books say, once.
		const sent = simulator.orders({ apiKey: key.apiKey });
		expect(sent).toHaveLength(2 * botsPerAccount);
		expect(new Set(sent.map((order) => order.orderLinkId)).size).toBe(sent.length);
		expect(await rows(`select code, subject from botbox.alerts where severity = 'CRITICAL'`)).toEqual([]);
		expect(logged).toEqual([]);
		const pool = await readPool(user.name);
		expect(pool.mode).toBe('transaction');
		expect(pool.servers).toBeLessThanOrEqual(4);
		expect(pool.clients).toBeGreaterThan(pool.servers);
	});
});
