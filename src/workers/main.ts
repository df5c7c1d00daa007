/**
 * A worker process: the jobs of its roles, each in a loop of its own, until it is told to stop. Work under way then ends or is
 * handed back within 20 s. Stateless: whatever it held in memory another worker finds in the tables.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { applicationRole } from '../database/application-role.ts';
import { findShortage, poolSize } from '../database/connection-budget.ts';
import { isDatabaseAway } from '../database/failures.ts';
import { databaseTime, installationId } from '../database/installation.ts';
import { createJobs } from '../database/jobs.ts';
import { type Listener, listen } from '../database/listener.ts';
import { listView } from '../database/listing.ts';
import { requireMatchingSchema } from '../database/migrate/matching.ts';
import { createPool } from '../database/pool.ts';
import { requireSettings } from '../database/pooler.ts';
import { createVenues } from '../exchange/registry.ts';
import type { Logger } from '../logger.ts';
import { fetchFeeds } from '../market/feed.ts';
import { publishStrategies } from '../market/strategy-versions.ts';
import { CandleWindows } from '../market/windows.ts';
import { observePool } from '../metrics.ts';
import { type Catalogue, openCatalogue } from '../sandbox/catalogue.ts';
import type { StrategyFault } from '../strategies/catalogue.ts';
import { balancePairs } from './balance-pairs.ts';
import { CheckCache } from './check-cache.ts';
import { done, type Role, type RunResult, type WorkerContext } from './context.ts';
import { deliverAlerts } from './deliver-alerts.ts';
import { executeTrades } from './execute-trades.ts';
import { guardPositions } from './guard-positions.ts';
import { type HealthServer, serveHealth } from './health.ts';
import { keepHistory } from './keep-history.ts';
import { type Loop, startLoop, untilNextMinute } from './loop.ts';
import { beat, measureClocks, runMonitor } from './monitor.ts';
import { OwnChecks } from './own-checks.ts';
import { feedHeartbeat } from './ping-heartbeat.ts';
import { reconcileAccounts } from './reconcile.ts';
import { checkLines, runChecks } from './run-checks.ts';
import { runManualChecks } from './run-manual-checks.ts';
import { settleOrders } from './settle-orders.ts';
import { runTick } from './tick.ts';

export interface WorkerOptions {
	readonly databaseUrl: string;
	readonly masterKey: string;
	readonly config: Config;
	readonly roles: readonly Role[];
	readonly log: Logger;
	readonly version: string;
	/** Where /healthz, /readyz and /metrics are answered; nowhere if left out. */
	readonly health?: { readonly host: string; readonly port: number };
}

export interface Worker {
	readonly id: string;
	/** Ends within 20 s: nothing new is begun, what is under way ends or is handed back. */
	stop(): Promise<void>;
}

const heartbeatMs = 10_000;
const stopWithinMs = 20_000;

export async function startWorker(options: WorkerOptions): Promise<Worker> {
	const { config, log } = options;
	const workerId = randomUUID();
	const isPooled = config.databaseDirectUrl !== null;
	// Behind a pooler its user has to be one with no more than that role.
	const role = isPooled ? undefined : await applicationRole(options.databaseUrl);
	const pool = createPool({
		url: options.databaseUrl,
		max: poolSize,
		applicationName: `botbox worker ${workerId.slice(0, 8)}`,
		statementTimeoutMs: 30_000,
		isPooled,
		...(role === undefined ? {} : { role }),
	});
	await requireMatchingSchema(pool);
	await requireSettings(pool);
	const shortage = await findShortage(pool, { isPooled, hasReadPool: false, starting: 'worker' });
	if (shortage !== undefined) log.warn({ connections: shortage }, 'the server may run out of connections');
	const forgetPool = observePool(pool, 'main');
	const catalogue = openCatalogue({
		folder: config.strategiesDir,
		onOutput: (file, line) => log.info({ file, line }, 'an own strategy says'),
	});
	await reportStrategies(log, catalogue, await publishStrategies(pool, catalogue));

	const stopping = new AbortController();
	const jobs = await createJobs({
		pool,
		isSupervisor: options.roles.includes('tick'),
		// A database that is away is told once, by the loops' wait; pg-boss asks several times a second.
		onError: (error) => log[isDatabaseAway(error) ? 'debug' : 'warn']({ error: error.message }, 'pg-boss'),
	});
	let workerCount = 1;
	const context: WorkerContext = {
		workerId,
		pool,
		jobs,
		venues: createVenues({
			pool,
			workerId,
			log,
			masterKey: options.masterKey,
			liveAccounts: config.liveAccounts,
			workerCount: () => workerCount,
		}),
		config,
		log,
		windows: new CandleWindows(),
		checkCache: new CheckCache(),
		ownChecks: new OwnChecks(catalogue),
		installationId: await installationId(pool),
		startedAt: await databaseTime(pool),
		databaseTime: () => databaseTime(pool),
		sleep: (ms) => sleep(ms),
		isSimulated: false,
	};
	const identity = { host: hostname(), processId: process.pid, roles: options.roles, version: options.version };
	await beat(context, identity);

	const loops = startLoops(context, options, stopping.signal);
	const heart = startLoop({
		name: 'heartbeat',
		pauseMs: heartbeatMs,
		run: async () => {
			await beat(context, identity);
			// Should the limiter become unreachable, each worker takes its share of half the limit, by the last count.
			workerCount = Math.max((await listView(pool, 'worker_status', { where: { status: 'RUNNING' } })).length, 1);
			return done;
		},
		pool,
		log,
		signal: stopping.signal,
	});
	let listener: Listener | undefined;
	let health: HealthServer | null = null;
	const stop = async (): Promise<void> => {
		stopping.abort();
		const ended = Promise.all([...[...loops.all, heart].map((loop) => loop.ended), context.ownChecks?.stop()]);
		await Promise.race([ended, sleep(stopWithinMs - 2_000, undefined, { ref: false })]);
		await listener?.close();
		await health?.close();
		await Promise.race([jobs.stop(), sleep(1_000, undefined, { ref: false })]).catch(() => undefined);
		await beat(context, identity, { isStopping: true }).catch(() => undefined);
		forgetPool();
		await Promise.race([pool.end(), sleep(1_000, undefined, { ref: false })]);
		log.info({ worker: workerId }, 'worker stopped');
	};
	try {
		listener = await listen({
			url: config.databaseDirectUrl ?? options.databaseUrl,
			applicationName: `botbox worker ${workerId.slice(0, 8)} listener`,
			channels: [...loops.channels.keys()],
			onNotification: (channel) => {
				for (const loop of loops.channels.get(channel) ?? []) loop.wake();
			},
			onConnect: () => {
				for (const loop of loops.all) loop.wake();
			},
			onError: (message) => log.debug({ message }, 'listener lost its connection'),
		});
		if (options.roles.includes('tick')) {
			// Once now, for whatever fell due while nobody ran; from then on at every full minute.
			await tickOnce(context, stopping.signal);
			await jobs.tickEveryMinute(async () => {
				await runTick(context);
			});
		}
		health = options.health === undefined ? null : await serveHealth({ ...options.health, pool, workerId });
	} catch (error) {
		// The loops work already: without this they would keep a process alive that nobody can stop.
		await stop();
		throw error;
	}
	log.info({ worker: workerId, roles: options.roles, healthPort: health?.port }, 'worker started');
	return { id: workerId, stop };
}

/** Whoever wrote a strategy reads here whether this worker has it. */
async function reportStrategies(log: Logger, catalogue: Catalogue, refused: readonly StrategyFault[]): Promise<void> {
	for (const { id, name, file } of await catalogue.list()) {
		if (file !== null) log.info({ file, strategy: name, id }, 'own strategy loaded');
	}
	for (const { file, message } of [...(await catalogue.faults()), ...refused]) {
		log.error({ file, error: message }, 'own strategy not loaded: checks of its bots will fail');
	}
}

/** One tick that succeeded; a database that is away is waited for. */
async function tickOnce(context: WorkerContext, signal: AbortSignal): Promise<void> {
	const ticked = new AbortController();
	const run = async (): Promise<RunResult> => {
		await runTick(context);
		ticked.abort();
		return done;
	};
	const { pool, log } = context;
	await startLoop({ name: 'first tick', pauseMs: 0, run, pool, log, signal: AbortSignal.any([signal, ticked.signal]) })
		.ended;
}

function startLoops(
	context: WorkerContext,
	{ roles, masterKey, config }: WorkerOptions,
	signal: AbortSignal,
): { all: Loop[]; channels: Map<string, Loop[]> } {
	const all: Loop[] = [];
	const channels = new Map<string, Loop[]>();
	const add = (
		role: Role,
		name: string,
		pauseMs: number | (() => number),
		run: () => Promise<RunResult>,
		channel?: string,
	) => {
		if (!roles.includes(role)) return;
		const loop = startLoop({ name, pauseMs, run, pool: context.pool, log: context.log, signal });
		all.push(loop);
		if (channel !== undefined) channels.set(channel, [...(channels.get(channel) ?? []), loop]);
	};
	const feed = {
		pool: context.pool,
		workerId: context.workerId,
		marketData: (id: string) => context.venues.marketData(id),
	};

	add(
		'feed',
		'feed',
		() => untilNextMinute(1_000),
		async () => {
			const round = await fetchFeeds(feed);
			for (const failure of round.failed) context.log.debug(failure, 'candles not fetched yet');
			return done;
		},
	);
	add('feed', 'history', 5_000, () => keepHistory(context));
	// Two batches side by side: while the database records one, the other is evaluated.
	for (let line = 1; line <= checkLines; line += 1) {
		add('check', `checks ${line}`, 1_000, () => runChecks(context), 'botbox_checks');
	}
	add('check', 'manual checks', 1_000, () => runManualChecks(context), 'botbox_manual_requests');
	// Before anything is sent the books are compared: claim_trades passes over accounts not reconciled since the start.
	let isReconciled = false;
	add('execute', 'reconciliation', 5_000, async () => {
		await reconcileAccounts(context, { all: !isReconciled });
		isReconciled = true;
		return done;
	});
	// Trades denied by the limiter are due again within a fraction of a second.
	add('execute', 'execution', 300, () => executeTrades(context), 'botbox_trades');
	add('execute', 'settlement', 1_000, () => settleOrders(context));
	// Signed requests carry our time, which the exchange compares with its own: each process knows its offset.
	add('execute', 'clock', 600_000, () => measureClocks(context));
	add('guard', 'guard', 1_000, () => guardPositions(context));
	add('guard', 'pairs', 5_000, () => balancePairs(context), 'botbox_pairs');
	add('monitor', 'monitor', 2_000, () => runMonitor(context));
	// Apart from everything else: nothing but messages waits for a channel that does not answer.
	add('monitor', 'alerts', 5_000, () => deliverAlerts(context, { masterKey }), 'botbox_alerts');
	const { heartbeatUrl } = config;
	if (heartbeatUrl !== null) add('monitor', 'heartbeat url', 5_000, () => feedHeartbeat(context, heartbeatUrl));
	return { all, channels };
}
