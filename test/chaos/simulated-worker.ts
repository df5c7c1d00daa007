/**
 * A worker process on the drill's clock: it runs one job at a time when told to, against the real database and the simulated
 * exchange, and is a real process that can be killed, stopped and cut off. Everything that asks for the time, the database's functions
 * included, gets the shared clock's; a wait is told to the drill, which lets time pass once every process only waits.
 *
 * It begins when it is told its settings. Talks over the IPC channel.
 */
import { flushCompileCache } from 'node:module';
import { performance } from 'node:perf_hooks';
import { readConfig } from '../../src/config.ts';
import { installationId } from '../../src/database/installation.ts';
import { createJobs } from '../../src/database/jobs.ts';
import { createPool, type Pool } from '../../src/database/pool.ts';
import { createVenues } from '../../src/exchange/registry.ts';
import { createLogger } from '../../src/logger.ts';
import { fetchFeeds } from '../../src/market/feed.ts';
import { CandleWindows } from '../../src/market/windows.ts';
import { balancePairs } from '../../src/workers/balance-pairs.ts';
import { CheckCache } from '../../src/workers/check-cache.ts';
import type { WorkerContext } from '../../src/workers/context.ts';
import { armCrashPoint, type CrashPoint } from '../../src/workers/crash-points.ts';
import { executeTrades } from '../../src/workers/execute-trades.ts';
import { guardPositions } from '../../src/workers/guard-positions.ts';
import { measureClocks, runMonitor } from '../../src/workers/monitor.ts';
import { reconcileAccounts } from '../../src/workers/reconcile.ts';
import { runChecks } from '../../src/workers/run-checks.ts';
import { settleOrders } from '../../src/workers/settle-orders.ts';
import { runTick } from '../../src/workers/tick.ts';
import { readSharedClock } from './simulated-clock.ts';

export interface WorkerSettings {
	readonly name: string;
	readonly clockPath: string;
	readonly databaseUrl: string;
	readonly masterKey: string;
	/** Requests to `exchangeUrl` go to `exchangeProxy`, which can be cut. */
	readonly exchangeUrl: string;
	readonly exchangeProxy: string;
}

export const jobNames = [
	'start',
	'clock',
	'feed',
	'guard',
	'reconcile',
	'tick',
	'checks',
	'execute',
	'settle',
	'pairs',
	'monitor',
] as const;
export type JobName = (typeof jobNames)[number];

export interface Order {
	readonly kind: 'run';
	readonly id: number;
	readonly job: JobName;
	/** How far the process's own clock is off. */
	readonly clockOffsetMs: number;
	readonly crash?: { readonly point: CrashPoint; readonly passing: number; readonly signal: 'SIGKILL' | 'SIGSTOP' };
}
export type ToWorker =
	| { readonly kind: 'begin'; readonly settings: WorkerSettings }
	| { readonly kind: 'wake' }
	| Order;
export type FromWorker =
	| { readonly kind: 'loaded' }
	| { readonly kind: 'ready' }
	| { readonly kind: 'done'; readonly id: number; readonly error?: string }
	/** Everything under way waits, until this time at the earliest. */
	| { readonly kind: 'waiting'; readonly untilMs: number }
	/** Said in the last moment before the signal takes effect. */
	| { readonly kind: 'struck'; readonly point: CrashPoint; readonly signal: 'SIGKILL' | 'SIGSTOP' };

/** Real time after which a request without an answer is given up: the drill's timeouts cost this much. */
const requestTimeoutMs = 600;

/** The shared one, once the process has begun. */
let clock = (): number => 0;
let clockOffsetMs = 0;
/** What of this process is on its way to the database or the exchange: meanwhile no time passes. */
let busy = 0;
let isTold = false;
const sleepers: { readonly untilMs: number; readonly resolve: () => void }[] = [];
const say = (message: FromWorker): void => {
	process.send?.(message);
};

function tracked<T>(work: Promise<T>): Promise<T> {
	busy += 1;
	return work.finally(() => {
		busy -= 1;
		lookSoon();
	});
}

/** After what the last answer set in motion has got under way. */
function lookSoon(): void {
	setImmediate(() => setImmediate(tellIfWaiting));
}

function tellIfWaiting(): void {
	if (busy > 0 || sleepers.length === 0 || isTold) return;
	isTold = true;
	say({ kind: 'waiting', untilMs: Math.min(...sleepers.map(({ untilMs }) => untilMs)) });
}

async function sleep(ms: number): Promise<void> {
	await new Promise<void>((resolve) => {
		sleepers.push({ untilMs: clock() + ms, resolve });
		// A shorter wait than the one told already.
		isTold = false;
		lookSoon();
	});
}

function wake(): void {
	isTold = false;
	for (const sleeper of [...sleepers]) {
		if (sleeper.untilMs > clock()) continue;
		sleepers.splice(sleepers.indexOf(sleeper), 1);
		sleeper.resolve();
	}
	lookSoon();
}

/** The functions' `p_now` is what the database's clock says when they are called, not when the job began. */
function onSharedClock(pool: Pool): Pool {
	const query = pool.query.bind(pool) as unknown as (text: string, values?: unknown[]) => Promise<unknown>;
	const timed = (text: string, values?: unknown[]): Promise<unknown> => {
		const place = /p_now => \$(\d+)/.exec(text)?.[1];
		const given =
			place === undefined ? values : values?.map((value, i) => (i === Number(place) - 1 ? new Date(clock()) : value));
		return tracked(query(text, given));
	};
	return Object.assign(pool, { query: timed as unknown as Pool['query'] });
}

function redirectRequests(settings: WorkerSettings): void {
	const send = globalThis.fetch;
	globalThis.fetch = (input, init) =>
		tracked(
			(async () => {
				const response = await send(String(input).replace(settings.exchangeUrl, settings.exchangeProxy), init);
				// Read whole here, so that an answer on its way counts as such.
				const text = await response.text();
				return new Response(text, { status: response.status, headers: response.headers });
			})(),
		);
}

async function makeContext(settings: WorkerSettings): Promise<WorkerContext> {
	const pool = onSharedClock(
		createPool({
			url: settings.databaseUrl,
			max: 3,
			applicationName: `botbox drill ${settings.name}`,
			statementTimeoutMs: 30_000,
		}),
	);
	const log = createLogger({ level: 'info', name: settings.name });
	const workerId = settings.name;
	const startedAt = new Date(clock());
	return {
		workerId,
		pool,
		jobs: await createJobs({ pool, isSupervisor: false, onError: () => undefined }),
		venues: createVenues({
			pool,
			workerId,
			log,
			masterKey: settings.masterKey,
			liveAccounts: [],
			workerCount: () => 2,
			clock: () => clock() + clockOffsetMs,
			sleep,
			timings: { requestTimeoutMs },
		}),
		config: readConfig({}),
		log,
		windows: new CandleWindows(),
		checkCache: new CheckCache(),
		installationId: await installationId(pool),
		startedAt,
		databaseTime: async () => new Date(clock()),
		sleep,
		isSimulated: true,
	};
}

async function runJob(context: WorkerContext, job: JobName): Promise<void> {
	const now = new Date(clock());
	switch (job) {
		case 'start':
			await measureClocks(context);
			return void (await reconcileAccounts(context, { all: true, now }));
		case 'clock':
			return void (await measureClocks(context));
		case 'feed':
			return void (await fetchFeeds({ ...context, marketData: (id) => context.venues.marketData(id) }, { now }));
		case 'guard':
			return void (await guardPositions(context, now));
		case 'reconcile':
			return void (await reconcileAccounts(context, { now }));
		case 'tick':
			return void (await runTick(context, now));
		case 'checks':
			return void (await runChecks(context, now));
		case 'execute':
			return void (await executeTrades(context, now));
		case 'settle':
			return void (await settleOrders(context, { now }));
		case 'pairs':
			return void (await balancePairs(context, now));
		case 'monitor':
			return void (await runMonitor(context, now));
	}
}

function arm({ crash }: Order): void {
	if (crash === undefined) {
		armCrashPoint(undefined);
		return;
	}
	const { point, passing, signal } = crash;
	armCrashPoint({
		point,
		passing,
		strike: () => {
			say({ kind: 'struck', point, signal });
			process.kill(process.pid, signal);
		},
	});
}

function begin(settings: WorkerSettings): Promise<WorkerContext> {
	clock = readSharedClock(settings.clockPath);
	const beganAt = clock();
	// Leases and grants are measured with it: on this clock they last as long as everything else.
	performance.now = () => clock() - beganAt;
	redirectRequests(settings);
	return makeContext(settings);
}

let making: Promise<WorkerContext> | undefined;
process.on('message', (message: ToWorker) => {
	if (message.kind === 'wake') {
		wake();
		return;
	}
	if (message.kind === 'begin') {
		making ??= begin(message.settings);
		making.then(
			() => say({ kind: 'ready' }),
			(error: unknown) => {
				console.error(error);
				process.exit(1);
			},
		);
		return;
	}
	clockOffsetMs = message.clockOffsetMs;
	// A wait left over from the job before may be what this one waits behind, and was told when nobody listened.
	isTold = false;
	lookSoon();
	void (async () => {
		if (making === undefined) throw new Error('told to run before it began');
		arm(message);
		await runJob(await making, message.job);
		say({ kind: 'done', id: message.id });
	})().catch((error: unknown) => {
		const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
		say({ kind: 'done', id: message.id, error: text });
	});
});
process.on('disconnect', () => process.exit(0));
// Those that are killed write nothing at their end; the next ones are to find the code compiled.
flushCompileCache();
say({ kind: 'loaded' });
