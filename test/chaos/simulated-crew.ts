/**
 * Worker processes on the drill's clock, told what to do one job at a time. Time passes only when every process that has a job
 * waits; a process that ends is replaced by another, which begins as every worker does, by comparing the books.
 */
import { join } from 'node:path';
import type { CrashPoint } from '../../src/workers/crash-points.ts';
import { addressOf, atPort, type CuttableProxy, startProxy } from './proxy.ts';
import type { SharedClock } from './simulated-clock.ts';
import type { FromWorker, JobName, Order, ToWorker, WorkerSettings } from './simulated-worker.ts';
import { takeProcess, type WarmProcess } from './warm-processes.ts';

export type Crash = NonNullable<Order['crash']>;
export type Ending = 'done' | 'failed' | 'killed' | 'stopped';

export interface SimulatedWorker {
	readonly name: string;
	readonly database: CuttableProxy;
	readonly exchange: CuttableProxy;
	clockOffsetMs: number;
	readonly isStopped: boolean;
	/** How the job ended; `stopped`: it is still under way in a process that stands still. */
	run(job: JobName, crash?: Crash): Promise<Ending>;
	/** kill -9. */
	kill(): void;
	/** Lets a stopped process go on; resolves when its job has ended. */
	resume(): Promise<void>;
}

export interface SimulatedCrew {
	/** Those that can be given a job. */
	present(): Promise<readonly SimulatedWorker[]>;
	/** Names of those that were stopped for a while. */
	readonly stoodStill: ReadonlySet<string>;
	readonly struck: readonly { readonly point: CrashPoint; readonly signal: string }[];
	readonly deaths: number;
	/** What jobs threw, and processes that ended by themselves. */
	readonly complaints: readonly string[];
	dismiss(): Promise<void>;
}

export interface CrewOptions extends Pick<WorkerSettings, 'clockPath' | 'databaseUrl' | 'masterKey' | 'exchangeUrl'> {
	readonly clock: SharedClock;
	readonly size: number;
	readonly dir: string;
	readonly watch: OrderWatch;
}

/** What a drill has to do with orders on their way. */
export interface OrderWatch {
	/** Before the order reaches the exchange. */
	sent(worker: SimulatedWorker, clientOrderId: string): Promise<void>;
	/** After the exchange has answered; true: the sender is killed before it hears. */
	isFatal(worker: SimulatedWorker, clientOrderId: string): boolean;
}

/** A job that takes longer than this in real time hangs, however slow the machine. */
const longestJobMs = 120_000;

interface Member extends SimulatedWorker {
	state: 'loading' | 'beginning' | 'idle' | 'running' | 'waiting' | 'stopped' | 'dead';
	untilMs: number;
	begin(): Promise<void>;
	tell(message: ToWorker): void;
	dispose(): Promise<void>;
}

export async function gatherSimulatedCrew(options: CrewOptions): Promise<SimulatedCrew> {
	const { clock } = options;
	const struck: { point: CrashPoint; signal: string }[] = [];
	const complaints: string[] = [];
	const stoodStill = new Set<string>();
	const everyone: Member[] = [];
	let deaths = 0;
	let isOver = false;

	/** Moves the clock to the first end of a wait, once nobody does anything else. */
	const letTimePass = (): void => {
		const working = everyone.filter(({ state }) => state === 'running' || state === 'waiting');
		if (working.length === 0 || working.some(({ state }) => state === 'running')) return;
		clock.set(Math.min(...working.map(({ untilMs }) => untilMs)));
		for (const member of working.filter(({ untilMs }) => untilMs <= clock())) {
			member.state = 'running';
			member.tell({ kind: 'wake' });
		}
	};

	const hire = async (): Promise<Member> => {
		const name = `worker-${everyone.length + 1}`;
		const database = await startProxy(addressOf(options.databaseUrl));
		// The proxy is there before the member that it watches.
		let member: Member | undefined;
		const exchange = await startProxy(addressOf(options.exchangeUrl), {
			sent: async (clientOrderId) => {
				if (member !== undefined) await options.watch.sent(member, clientOrderId);
			},
			answered: (clientOrderId) => {
				if (member === undefined || !options.watch.isFatal(member, clientOrderId)) return true;
				member.kill();
				return false;
			},
		});
		const settings: WorkerSettings = {
			name,
			clockPath: options.clockPath,
			masterKey: options.masterKey,
			exchangeUrl: options.exchangeUrl,
			exchangeProxy: `http://127.0.0.1:${exchange.port}`,
			databaseUrl: atPort(options.databaseUrl, database.port),
		};
		member = enlist(takeProcess(join(options.dir, `${name}.log`)), settings, database, exchange);
		return member;
	};

	const enlist = (
		{ child, loaded }: WarmProcess,
		settings: WorkerSettings,
		database: CuttableProxy,
		exchange: CuttableProxy,
	): Member => {
		const { name } = settings;
		let nextId = 1;
		let job: { readonly id: number; readonly name: JobName; readonly end: (ending: Ending) => void } | undefined;
		let ended = Promise.withResolvers<void>();
		let isExpected = false;
		const ready = Promise.withResolvers<void>();
		const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
		const finish = (ending: Ending): void => {
			const { end } = job ?? {};
			job = undefined;
			end?.(ending);
			ended.resolve();
		};
		child.on('message', (message: FromWorker) => {
			switch (message.kind) {
				case 'loaded':
					return;
				case 'ready':
					member.state = 'idle';
					return ready.resolve();
				case 'waiting':
					if (member.state !== 'running') return;
					member.state = 'waiting';
					member.untilMs = message.untilMs;
					return letTimePass();
				case 'struck':
					struck.push({ point: message.point, signal: message.signal });
					isExpected ||= message.signal === 'SIGKILL';
					if (message.signal !== 'SIGSTOP') return;
					member.state = 'stopped';
					stoodStill.add(name);
					job?.end('stopped');
					return letTimePass();
				case 'done':
					if (message.id !== job?.id) return;
					member.state = 'idle';
					if (message.error !== undefined) complaints.push(`${name} ${job.name}: ${message.error}`);
					finish(message.error === undefined ? 'done' : 'failed');
					return letTimePass();
			}
		});
		child.once('exit', (code, signal) => {
			member.state = 'dead';
			deaths += 1;
			if (!isExpected) complaints.push(`${name} ended with ${signal ?? code}`);
			finish('killed');
			ready.resolve();
			void database.close();
			void exchange.close();
			letTimePass();
		});
		const member: Member = {
			name,
			database,
			exchange,
			clockOffsetMs: 0,
			state: 'loading',
			untilMs: 0,
			get isStopped() {
				return member.state === 'stopped';
			},
			tell: (message) => {
				if (child.connected) child.send(message);
			},
			begin: async () => {
				if (member.state !== 'loading') return await ready.promise;
				member.state = 'beginning';
				await loaded;
				member.tell({ kind: 'begin', settings });
				await ready.promise;
				if ((member.state as string) !== 'dead') await member.run('start');
			},
			run: (jobName, crash) => {
				const id = nextId++;
				ended = Promise.withResolvers();
				member.state = 'running';
				return new Promise((resolve, reject) => {
					const timer = setTimeout(() => reject(new Error(`${name}: ${jobName} hangs`)), longestJobMs);
					const end = (ending: Ending): void => {
						clearTimeout(timer);
						resolve(ending);
					};
					job = { id, name: jobName, end };
					const { clockOffsetMs } = member;
					member.tell({ kind: 'run', id, job: jobName, clockOffsetMs, ...(crash === undefined ? {} : { crash }) });
				});
			},
			kill: () => {
				isExpected = true;
				child.kill('SIGKILL');
			},
			resume: async () => {
				if (member.state !== 'stopped') return;
				member.state = 'running';
				// It says that it stands still just before it does: what comes in between would let it stand for ever.
				const urging = setInterval(() => child.kill('SIGCONT'), 50);
				child.kill('SIGCONT');
				member.tell({ kind: 'wake' });
				await ended.promise;
				clearInterval(urging);
			},
			dispose: async () => {
				isExpected = true;
				child.kill('SIGKILL');
				await exit;
			},
		};
		everyone.push(member);
		return member;
	};

	const fill = async (): Promise<void> => {
		const alive = everyone.filter(({ state }) => state !== 'dead');
		for (let missing = options.size - alive.length; missing > 0 && !isOver; missing -= 1) await hire();
	};
	await fill();

	return {
		struck,
		complaints,
		stoodStill,
		get deaths() {
			return deaths;
		},
		present: async () => {
			for (;;) {
				await fill();
				const standing = everyone.filter(({ state }) => state !== 'dead');
				for (const member of standing) await member.begin();
				const able = standing.filter(({ state }) => state === 'idle');
				const isWhole = standing.every(({ state }) => state === 'idle' || state === 'stopped');
				if (isWhole && able.length > 0) return able;
				if (isWhole) throw new Error('every worker of the drill stands still');
			}
		},
		dismiss: async () => {
			isOver = true;
			await Promise.all(everyone.filter(({ state }) => state !== 'dead').map((member) => member.dispose()));
		},
	};
}
