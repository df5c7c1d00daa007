/**
 * The mixed drill: real worker processes on a clock that the drill moves, under random faults of the exchange, random kills at
 * named crash points and between them, processes that stand still for minutes, networks that are cut and clocks that step. Then
 * quiet, until everything holds. All that is chosen comes from the seed; how two workers' statements interleave is the machine's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '../../src/database/pool.ts';
import { type FaultKind, faultKinds } from '../../src/simulator/state/entities.ts';
import { type CrashPoint, crashPoints } from '../../src/workers/crash-points.ts';
import { type Finding, findUnchecked } from './books.ts';
import { inspect, inspectRequests } from './invariants.ts';
import { type Random, seededRandom } from './random.ts';
import type { Crash, SimulatedWorker } from './simulated-crew.ts';
import { prepareSimulatedStage, type SimulatedStage } from './simulated-stage.ts';
import type { JobName } from './simulated-worker.ts';

export interface MixedOptions {
	/** Of a migrated database that nobody else uses. */
	readonly databaseUrl: string;
	readonly pool: Pool;
	readonly dir: string;
	readonly seed: number;
	/** Kills at every crash point in turn, instead of at random ones, until each has been struck. */
	readonly everyCrashPoint?: boolean;
	readonly log: (line: string) => void;
}

export interface MixedReport {
	readonly failures: readonly Finding[];
	readonly figures: Readonly<Record<string, number | string>>;
	readonly struck: readonly CrashPoint[];
}

const bots = 40;
const workers = 2;
/** Trouble lasts for at least so many simulated minutes, and until so many trades were accepted. */
const leastMinutes = 8;
const leastTrades = 50;
const mostMinutes = 60;
/** A ban lasts 10 minutes, an order is PARKED after 10, and then they settle. */
const quietMinutes = 30;
const stepMs = 20_000;

/** Which jobs pass the crash points of a name. */
const pointsOf: Readonly<Partial<Record<JobName, RegExp>>> = {
	tick: /^tick:/,
	checks: /^checks:/,
	execute: /^(execute|fills|follow):/,
	settle: /^(settle|fills):/,
	reconcile: /^(reconcile|settle|fills):/,
	start: /^reconcile:/,
	guard: /^guard:/,
	pairs: /^pairs:/,
	monitor: /^monitor:/,
};

const endpoints = [
	'/v5/order/create',
	'/v5/order/create',
	'/v5/order/create',
	'/v5/order/realtime',
	'/v5/order/history',
	'/v5/execution/list',
	'/v5/position/list',
	'/v5/position/set-leverage',
	'/v5/account/wallet-balance',
	'/v5/account/transaction-log',
	'/v5/market/tickers',
	'/v5/market/kline',
	'/v5/market/time',
] as const;

export async function drillMixed(options: MixedOptions): Promise<MixedReport> {
	const stage = await prepareSimulatedStage({ ...options, bots, workers });
	try {
		const drill = new Mixed(stage, options);
		const minutes = await drill.trouble();
		options.log(`${minutes} minutes of trouble; quiet now`);
		await drill.calm();
		const { findings, settledMinutes } = await drill.settle();
		const struck = [...new Set(stage.crew.struck.map(({ point }) => point))];
		const figures = await drill.describe({ minutes, settledMinutes });
		const unreached = options.everyCrashPoint === true ? crashPoints.filter((point) => !struck.includes(point)) : [];
		const failures = [
			...drill.violations.slice(0, 3),
			...findings,
			...(await inspectRequests(stage)),
			...broken('no job fails but for a database that is away', drill.complaints()),
			...broken('every crash point was reached and killed there', unreached),
			...broken('the drill made 50 trades', Number(figures.trades) < leastTrades ? [figures] : []),
		];
		return { failures, figures, struck };
	} finally {
		await stage.close();
	}
}

function broken(rule: string, samples: readonly unknown[]): Finding[] {
	if (samples.length === 0) return [];
	return [{ rule, rows: samples.length, samples: samples.slice(0, 5).map((sample) => JSON.stringify(sample)) }];
}

class Mixed {
	private readonly stage: SimulatedStage;
	private readonly random: Random;
	private readonly log: (line: string) => void;
	/** Crash points still to be struck, in the drill of all of them. */
	private readonly wanted: CrashPoint[];
	private readonly isThorough: boolean;
	private isQuiet = false;
	private readonly faults: Partial<Record<FaultKind, number>> = {};
	private readonly cuts: { readonly worker: SimulatedWorker; untilMs: number }[] = [];
	private frozen: { readonly worker: SimulatedWorker; readonly untilMs: number } | undefined;
	private freezesLeft: number;
	private wasCut = false;
	private isKilledAfterSend = false;
	/** Of what holds at every moment: found once, it does not heal. */
	readonly violations: Finding[] = [];

	constructor(stage: SimulatedStage, options: MixedOptions) {
		this.stage = stage;
		this.random = seededRandom(options.seed);
		this.log = options.log;
		this.isThorough = options.everyCrashPoint === true;
		this.wanted = this.isThorough ? [...crashPoints] : [];
		this.freezesLeft = this.isThorough ? 0 : 1;
	}

	async trouble(): Promise<number> {
		for (let minute = 1; ; minute += 1) {
			if (!this.isThorough) await this.makeTrouble(minute);
			else if (minute > 1)
				this.addFault(this.random.pick(['timeout_after_accept', 'timeout_before_accept', 'no_fill']), 1);
			await this.minute();
			if (this.isThorough) this.log(`minute ${minute}; not struck yet: ${this.stillWanted().join(' ')}`);
			await this.watch();
			if (this.violations.length > 0) return minute;
			const isLong = minute >= (this.isThorough ? 2 : leastMinutes) && (await this.trades()) >= leastTrades;
			if ((isLong && this.stillWanted().length === 0) || minute >= mostMinutes) return minute;
		}
	}

	/** Nothing bad happens any more; entries are paused, so that everything can come to its end. */
	async calm(): Promise<void> {
		this.isQuiet = true;
		this.stage.simulator.clearFaults();
		await this.thaw(true);
		this.mend(true);
		for (const worker of await this.stage.crew.present()) worker.clockOffsetMs = 0;
		await this.stage.pool.query(`select botbox.pause_entries(p_scope => 'ALL', p_reason => 'drill', p_now => $1)`, [
			new Date(this.stage.clock()),
		]);
	}

	async settle(): Promise<{ findings: readonly Finding[]; settledMinutes: number }> {
		const since = new Date(this.stage.clock());
		for (let settledMinutes = 1; ; settledMinutes += 1) {
			await this.minute();
			const findings = await inspect(this.stage).then(
				async ({ findings }) => [...findings, ...(await findUnchecked(this.stage.pool, since))],
				(error: unknown) => broken('the exchange can be asked', [String(error)]),
			);
			if (findings.length === 0 || settledMinutes >= quietMinutes) return { findings, settledMinutes };
		}
	}

	/** One minute of all jobs, a third of it at a time: leases, grace periods and retries end in between. */
	private async minute(): Promise<void> {
		const { clock } = this.stage;
		clock.set((Math.floor(clock() / 60_000) + 1) * 60_000 + 1_000);
		const startedAt = clock();
		await this.run('feed');
		await this.run('tick');
		await this.run('checks');
		for (let step = 0; step < 3; step += 1) {
			clock.set(startedAt + step * stepMs);
			await this.thaw(false);
			this.mend(false);
			await this.run('guard');
			await this.run('execute');
			for (let round = 0; round < 6 && (await this.hasDueTrades()); round += 1) {
				clock.set(clock() + 500);
				await this.run('execute');
			}
			await this.run('settle');
			await this.run('pairs');
			if (step === 1) await this.run('reconcile');
			await this.run('monitor');
		}
	}

	private async run(job: JobName): Promise<void> {
		const able = await this.stage.crew.present();
		const worker = this.random.pick(able);
		const jobs = [this.runOn(worker, job)];
		// Two at once now and then: one job of two workers, racing.
		const other = able.find((candidate) => candidate !== worker);
		if (other !== undefined && this.random.next() < 0.25) jobs.push(this.runOn(other, job));
		await Promise.all(jobs);
	}

	private async runOn(worker: SimulatedWorker, job: JobName): Promise<void> {
		const crash = this.planCrash(job);
		const isKilled = !this.isQuiet && !this.isThorough && this.random.next() < 0.012;
		const killAfterMs = this.random.next() * 60;
		const running = worker.run(job, crash);
		if (isKilled) {
			const isOver = await Promise.race([running.then(() => true), sleep(killAfterMs, false, { ref: false })]);
			if (!isOver) worker.kill();
		}
		const ending = await running;
		if (ending === 'killed') await this.watch();
		if (ending === 'stopped')
			this.frozen = { worker, untilMs: this.stage.clock() + (5.5 + this.random.next() * 2) * 60_000 };
	}

	/** What holds at every moment, whatever has just died. */
	private async watch(): Promise<void> {
		const { pool, simulator } = this.stage;
		const sent = simulator.orders().flatMap(({ orderLinkId }) => (orderLinkId === '' ? [] : [orderLinkId]));
		const unknown = await pool.query(
			`select link from unnest($1::text[]) as link
			  where not exists (select from botbox.orders o where o.client_order_id = link)`,
			[sent],
		);
		const twice = await pool.query(
			`select exchange_order_id, exchange_fill_id, count(*) from botbox.fills
			  group by account_id, instrument_id, exchange_order_id, exchange_fill_id having count(*) > 1`,
		);
		this.violations.push(
			...broken('no order is at the exchange before its row is committed', unknown.rows),
			...broken('no fill is booked twice', twice.rows),
		);
	}

	private planCrash(job: JobName): Crash | undefined {
		const passed = pointsOf[job];
		if (this.isQuiet || passed === undefined) return undefined;
		if (this.isThorough) {
			const next = this.stillWanted().filter((point) => passed.test(point));
			return next.length === 0 ? undefined : { point: this.random.pick(next), passing: 1, signal: 'SIGKILL' };
		}
		if (job === 'execute' && this.freezesLeft > 0 && this.frozen === undefined && this.random.next() < 0.4) {
			this.freezesLeft -= 1;
			return { point: 'execute:after-submit', passing: 1, signal: 'SIGSTOP' };
		}
		// The moment that the committed row is for: in every run.
		if (job === 'execute' && !this.isKilledAfterSend && this.random.next() < 0.4) {
			this.isKilledAfterSend = true;
			return { point: 'execute:after-send', passing: 1, signal: 'SIGKILL' };
		}
		const passing = this.random.pick([1, 1, 2, 3]);
		const point = this.random.pick(crashPoints.filter((name) => passed.test(name)));
		return this.random.next() < 0.05 ? { point, passing, signal: 'SIGKILL' } : undefined;
	}

	private stillWanted(): CrashPoint[] {
		const struck = new Set(this.stage.crew.struck.map(({ point }) => point));
		return this.wanted.filter((point) => !struck.has(point));
	}

	private async makeTrouble(minute: number): Promise<void> {
		const { random } = this;
		const count = Math.floor(random.next() * 4);
		for (let i = 0; i < count; i += 1) {
			const kind = random.pick(faultKinds.filter((name) => name !== 'ip_ban'));
			this.addFault(kind, 1 + Math.floor(random.next() * 2));
		}
		// It costs ten minutes of everything: in one run of ten.
		if (minute === 4 && random.next() < 0.1) this.addFault('ip_ban', 1);
		for (const worker of await this.stage.crew.present()) {
			if (random.next() < 0.06)
				worker.clockOffsetMs = random.pick([-3_600_000, -20_000, -1_500, 2_000, 45_000, 3_600_000]);
			if (random.next() < 0.06 && this.cuts.length === 0) {
				this.wasCut = true;
				const isDatabase = random.next() < 0.5;
				(isDatabase ? worker.database : worker.exchange).cut();
				this.cuts.push({ worker, untilMs: this.stage.clock() + 30_000 + random.next() * 60_000 });
				this.log(`${worker.name} is cut off from the ${isDatabase ? 'database' : 'exchange'}`);
			}
		}
	}

	private addFault(kind: FaultKind, count: number): void {
		this.faults[kind] = (this.faults[kind] ?? 0) + 1;
		const endpoint = this.random.pick(endpoints);
		const chance = this.random.next();
		this.stage.simulator.addFault({
			kind,
			count,
			endpoint: this.isThorough ? '/v5/order/create' : endpoint,
			// Late enough for the caller to have given up, or merely slow.
			...(kind === 'slow' ? { ms: chance < 0.5 ? 50 : 800 } : {}),
			...(kind === 'clock_skew' ? { ms: chance < 0.5 ? 15_000 : -15_000 } : {}),
			...(kind === 'drop_connection' ? { after: chance < 0.5 } : {}),
		});
	}

	/** Lets the process that stands still go on, once its time is over. */
	private async thaw(isForced: boolean): Promise<void> {
		const { frozen } = this;
		if (frozen === undefined || (!isForced && this.stage.clock() < frozen.untilMs)) return;
		if (isForced) this.stage.clock.set(frozen.untilMs);
		this.frozen = undefined;
		await frozen.worker.resume();
	}

	private mend(isForced: boolean): void {
		for (const cut of [...this.cuts]) {
			if (!isForced && this.stage.clock() < cut.untilMs) continue;
			cut.worker.database.mend();
			cut.worker.exchange.mend();
			this.cuts.splice(this.cuts.indexOf(cut), 1);
		}
	}

	private async trades(): Promise<number> {
		const { rows } = await this.stage.pool.query<{ trades: number }>(
			'select count(*) as trades from botbox.trade_queue where account_id = $1',
			[this.stage.liveAccountId],
		);
		return rows[0]?.trades ?? 0;
	}

	private async hasDueTrades(): Promise<boolean> {
		const due = await this.stage.pool.query(
			`select from botbox.trade_queue where status = 'PENDING' and next_attempt_at <= $1::timestamptz + interval '500 ms' limit 1`,
			[new Date(this.stage.clock())],
		);
		return due.rowCount !== 0;
	}

	complaints(): string[] {
		// A worker that is cut off, or whose connection is cut, throws; its loop waits for the database then.
		const away = /ECONNRESET|ECONNREFUSED|EPIPE|Connection terminated|timeout exceeded when trying to connect/;
		return this.stage.crew.complaints.filter((text) => !(this.wasCut && away.test(text)));
	}

	async describe(counts: Readonly<Record<string, number>>): Promise<Record<string, number | string>> {
		const { crew, pool } = this.stage;
		const { rows } = await pool.query<Record<string, number>>(
			`select (select count(*) from botbox.trade_queue where account_id = $1) as trades,
			        (select count(*) from botbox.trade_queue where status = 'EXECUTED') as executed,
			        (select count(*) from botbox.trade_queue where status in ('FAILED', 'EXPIRED', 'CANCELLED')) as not_executed,
			        (select count(*) from botbox.orders where send_count > 1) as sent_again,
			        (select count(*) from botbox.fills) as fills`,
			[this.stage.liveAccountId],
		);
		return {
			...counts,
			...rows[0],
			kills: crew.struck.filter(({ signal }) => signal === 'SIGKILL').length,
			deaths: crew.deaths,
			freezes: crew.struck.filter(({ signal }) => signal === 'SIGSTOP').length,
			faults: Object.entries(this.faults)
				.map(([kind, count]) => `${kind}:${count}`)
				.join(' '),
		};
	}
}
