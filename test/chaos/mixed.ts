/**
 * The mixed drill: real worker processes on a clock that the drill moves, under random faults of the exchange, random kills at
 * named crash points and between them, a death with an order on its way, a process that stands still until its entry is over, networks
 * that are cut and clocks that step. Then quiet, until everything holds. What happens where comes from the seed and the place in the
 * drill alone; how two workers' statements interleave is the machine's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '../../src/database/pool.ts';
import { type CrashPoint, crashPoints } from '../../src/workers/crash-points.ts';
import { broken, type Finding, findUnchecked } from './books.ts';
import { Freeze } from './freeze.ts';
import { inspect, inspectRequests } from './invariants.ts';
import { OrderDoor } from './order-door.ts';
import { type Random, randomAt } from './random.ts';
import type { Crash, SimulatedWorker } from './simulated-crew.ts';
import { prepareSimulatedStage, type SimulatedStage } from './simulated-stage.ts';
import type { JobName } from './simulated-worker.ts';
import { Trouble } from './trouble.ts';

export interface MixedOptions {
	/** Of a migrated database that nobody else uses. */
	readonly databaseUrl: string;
	readonly pool: Pool;
	readonly dir: string;
	readonly seed: number;
	/** Kills at every crash point in turn, instead of at random ones, until each has been struck. */
	readonly everyCrashPoint?: boolean;
	/** Default 40. */
	readonly bots?: number;
	/** LIVE trades that are accepted before it may be quiet; default 50. */
	readonly trades?: number;
	readonly log: (line: string) => void;
}

export interface MixedReport {
	readonly failures: readonly Finding[];
	readonly figures: Readonly<Record<string, number | string>>;
	readonly struck: readonly CrashPoint[];
}

const workers = 2;
/** Trouble lasts for at least so many simulated minutes, and until enough trades were accepted. */
const leastMinutes = 8;
const mostMinutes = 60;
/** A ban lasts 10 minutes, an order is PARKED after 10, and then they settle. */
const quietMinutes = 30;
/** Once a rule was broken that does not heal, the rest is only looked at. */
const hopelessMinutes = 3;
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

export async function drillMixed(options: MixedOptions): Promise<MixedReport> {
	const { seed, everyCrashPoint = false, bots = 40 } = options;
	const afterOrders = randomAt(seed, 'door').pick([2, 5, 9, 14, 20]);
	const door = new OrderDoor({ left: everyCrashPoint ? 0 : 1, afterOrders });
	const stage = await prepareSimulatedStage({ ...options, bots, workers, watch: door });
	try {
		door.stage = stage;
		const drill = new Mixed(stage, door, options);
		const minutes = await drill.trouble();
		options.log(`${minutes} minutes of trouble; quiet now`);
		await drill.calm();
		const { findings, settledMinutes } = await drill.settle();
		const struck = [...new Set(stage.crew.struck.map(({ point }) => point))];
		const figures = await drill.describe({ minutes, settledMinutes });
		const unreached = everyCrashPoint ? crashPoints.filter((point) => !struck.includes(point)) : [];
		const failures = [
			...door.violations.slice(0, 3),
			...drill.violations.slice(0, 3),
			...findings,
			...(await drill.freeze.inspect()),
			...(await inspectRequests(stage)),
			...broken('no job fails but for a database that is away', drill.complaints()),
			...broken('every crash point was reached and killed there', unreached),
			...broken('the drill did all that it is to do', drill.hasDoneItsWork(Number(figures.trades)) ? [] : [figures]),
		];
		return { failures, figures, struck };
	} finally {
		await stage.close();
	}
}

class Mixed {
	private readonly stage: SimulatedStage;
	private readonly door: OrderDoor;
	private readonly seed: number;
	private readonly log: (line: string) => void;
	private readonly isThorough: boolean;
	private readonly leastTrades: number;
	private readonly made: Trouble;
	readonly freeze: Freeze;
	private isQuiet = false;
	/** Where the drill is: minute, step and how many jobs of a name came before in the step. */
	private minuteOf = 0;
	private stepOf = 0;
	private readonly roundOf = new Map<string, number>();
	/** Of what holds at every moment: found once, it does not heal. */
	readonly violations: Finding[] = [];

	constructor(stage: SimulatedStage, door: OrderDoor, options: MixedOptions) {
		this.stage = stage;
		this.door = door;
		this.seed = options.seed;
		this.log = options.log;
		this.isThorough = options.everyCrashPoint === true;
		this.leastTrades = options.trades ?? 50;
		this.made = new Trouble(stage, options);
		this.freeze = new Freeze(stage, options.log);
	}

	async trouble(): Promise<number> {
		for (let minute = 1; ; minute += 1) {
			if (this.isThorough) {
				if (minute > 1) this.made.faultAtOrders(minute);
			} else await this.made.ofMinute(minute, { mayBan: this.freeze.isOver });
			await this.minute();
			if (this.isThorough) this.log(`minute ${minute}; not struck yet: ${this.stillWanted().join(' ')}`);
			await this.watch();
			if (this.isBroken || minute >= mostMinutes) return minute;
			if (minute >= (this.isThorough ? 2 : leastMinutes) && this.hasDoneItsWork(await this.trades())) return minute;
		}
	}

	private get isBroken(): boolean {
		return this.violations.length + this.door.violations.length > 0;
	}

	hasDoneItsWork(trades: number): boolean {
		if (this.isBroken) return true;
		if (this.isThorough) return trades >= this.leastTrades && this.stillWanted().length === 0;
		return trades >= this.leastTrades && this.freeze.isOver && this.door.isOver;
	}

	/** Nothing bad happens any more; entries are paused, so that everything can come to its end. */
	async calm(): Promise<void> {
		this.isQuiet = true;
		this.door.isQuiet = true;
		this.stage.simulator.clearFaults();
		await this.freeze.end(true);
		this.made.mend(true);
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
			const isHopeless = this.isBroken && settledMinutes >= hopelessMinutes;
			if (findings.length === 0 || isHopeless || settledMinutes >= quietMinutes) return { findings, settledMinutes };
		}
	}

	/** One minute of all jobs, a third of it at a time: leases, grace periods and retries end in between. */
	private async minute(): Promise<void> {
		const { clock } = this.stage;
		this.minuteOf += 1;
		clock.set((Math.floor(clock() / 60_000) + 1) * 60_000 + 1_000);
		const startedAt = clock();
		this.beginStep(0);
		await this.run('feed');
		await this.run('tick');
		await this.run('checks');
		for (let step = 1; step <= 3; step += 1) {
			this.beginStep(step);
			clock.set(startedAt + (step - 1) * stepMs);
			await this.freeze.end(false);
			this.made.mend(false);
			await this.run('guard');
			await this.run('execute');
			for (let round = 0; round < 6 && (await this.hasDueTrades()); round += 1) {
				clock.set(clock() + 500);
				await this.run('execute');
			}
			await this.run('settle');
			await this.run('pairs');
			if (step === 2) await this.run('reconcile');
			await this.run('monitor');
		}
	}

	private beginStep(step: number): void {
		this.stepOf = step;
		this.roundOf.clear();
	}

	/** Chance of one kind at this place: no other kind and no other place moves it. */
	private chance(kind: string, job: JobName): Random {
		return randomAt(this.seed, kind, this.minuteOf, this.stepOf, job, this.roundOf.get(job) ?? 0);
	}

	private async run(job: JobName): Promise<void> {
		this.roundOf.set(job, (this.roundOf.get(job) ?? 0) + 1);
		const chance = this.chance('worker', job);
		const able = await this.stage.crew.present();
		const worker = chance.pick(able);
		const jobs = [this.runOn(worker, job, 'first')];
		// Two at once now and then: one job of two workers, racing.
		const other = able.find((candidate) => candidate !== worker);
		if (chance.next() < 0.25 && other !== undefined) jobs.push(this.runOn(other, job, 'second'));
		await Promise.all(jobs);
	}

	private async runOn(worker: SimulatedWorker, job: JobName, rank: 'first' | 'second'): Promise<void> {
		const chance = this.chance(`kill ${rank}`, job);
		const isKilled = chance.next() < 0.012 && !this.isQuiet && !this.isThorough;
		const killAfterMs = chance.next() * 60;
		const running = worker.run(job, this.planCrash(job, rank));
		if (isKilled) {
			const isOver = await Promise.race([running.then(() => true), sleep(killAfterMs, false, { ref: false })]);
			if (!isOver) worker.kill();
		}
		const ending = await running;
		if (ending === 'killed') await this.watch();
		if (ending === 'stopped') await this.freeze.begin(worker);
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

	private planCrash(job: JobName, rank: 'first' | 'second'): Crash | undefined {
		const passed = pointsOf[job];
		if (this.isQuiet || passed === undefined) return undefined;
		const chance = this.chance(`crash ${rank}`, job);
		if (this.isThorough) {
			const next = this.stillWanted().filter((point) => passed.test(point));
			return next.length === 0 ? undefined : { point: chance.pick(next), passing: 1, signal: 'SIGKILL' };
		}
		if (job === 'execute' && rank === 'first' && this.minuteOf > 1) {
			const freeze = this.freeze.plan();
			if (freeze !== undefined) return freeze;
		}
		if (chance.next() >= 0.05) return undefined;
		const passing = chance.pick([1, 1, 2, 3]);
		return { point: chance.pick(crashPoints.filter((name) => passed.test(name))), passing, signal: 'SIGKILL' };
	}

	/** Crash points still to be struck, in the drill of all of them. */
	private stillWanted(): CrashPoint[] {
		if (!this.isThorough) return [];
		const struck = new Set(this.stage.crew.struck.map(({ point }) => point));
		return crashPoints.filter((point) => !struck.has(point));
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
		// And for one that stood still, waits for a connection have run out on the real clock when it goes on.
		const overslept = /timeout exceeded when trying to connect/;
		const { complaints, stoodStill } = this.stage.crew;
		return complaints.filter((text) => {
			const hasStoodStill = stoodStill.has(text.split(' ')[0] ?? '');
			return !((this.made.wasCut && away.test(text)) || (hasStoodStill && overslept.test(text)));
		});
	}

	async describe(counts: Readonly<Record<string, number>>): Promise<Record<string, number | string>> {
		const { crew, pool } = this.stage;
		const { rows } = await pool.query<Record<string, number>>(
			`select (select count(*) from botbox.trade_queue where account_id = $1) as trades,
			        (select count(*) from botbox.trade_queue where status = 'EXECUTED') as executed,
			        (select count(*) from botbox.trade_queue where status in ('FAILED', 'EXPIRED', 'CANCELLED')) as not_executed,
			        (select count(*) from botbox.trade_queue where status = 'PARKED') as parked,
			        (select count(*) from botbox.orders where send_count > 1) as sent_again,
			        (select count(*) from botbox.fills) as fills`,
			[this.stage.liveAccountId],
		);
		return {
			...counts,
			...rows[0],
			deaths: crew.deaths,
			deaths_at_points: crew.struck.filter(({ signal }) => signal === 'SIGKILL').length,
			deaths_with_an_order_on_its_way: this.door.killed,
			freezes: crew.struck.filter(({ signal }) => signal === 'SIGSTOP').length,
			...this.made.describe(),
		};
	}
}
