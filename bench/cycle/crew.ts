/** Worker processes of the cycle benchmark, seen from the process that measures. */
import { type ChildProcess, fork } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../../src/cli/node-flags.ts';
import type { IndicatorUse } from '../../src/market/view.ts';
import type { WindowUse } from '../../src/market/windows.ts';
import type { CheckUse } from '../../src/workers/check-cache.ts';
import { makeNamespace, type Namespace } from '../namespaces.ts';
import type { Spent } from './profile.ts';

export interface CrewOrders {
	readonly url: string;
	readonly name: string;
	readonly isProfiled: boolean;
}

export interface CycleOrders {
	/** Epoch ms: the minute whose bots are due. */
	readonly now: number;
	/** Whether this one runs the tick. */
	readonly ticks: boolean;
}

/** What one process did in one cycle. */
export interface CycleReport {
	readonly cpuMs: number;
	/** Resident memory at the end of the cycle, MiB. */
	readonly memoryMb: number;
	/** The most that the process has had since it began, MiB; NaN where the system does not tell. */
	readonly peakMemoryMb: number;
	/** What V8 has of it, and what lies outside of its heap. */
	readonly memory: NodeJS.MemoryUsage;
	readonly windows: WindowUse;
	readonly indicators: IndicatorUse;
	readonly checks: CheckUse;
	readonly spent: readonly Spent[];
}

export interface Crew {
	/** Milliseconds from the tick's start until the last process found the queue empty, and what each did. */
	runCycle(now: Date): Promise<{ readonly ms: number; readonly reports: readonly CycleReport[] }>;
	/** Bytes that all of them together have in use, after a collection that is asked for: for after the cycles that are timed. */
	liveMemory(): Promise<number>;
	stop(): void;
}

const workerProcess = fileURLToPath(new URL('worker-process.ts', import.meta.url));

/** `areApart`: each in a network namespace of its own. */
export async function startCrew(
	processes: number,
	{ areApart, ...orders }: Omit<CrewOrders, 'name'> & { readonly areApart: boolean },
): Promise<Crew> {
	const children: ChildProcess[] = [];
	const namespaces: Namespace[] = [];
	const ends = ['exit', 'SIGINT', 'SIGTERM'] as const;
	const stop = (): void => {
		for (const end of ends) process.off(end, stop);
		for (const child of children) child.kill('SIGKILL');
		for (const namespace of namespaces.splice(0)) namespace.remove();
	};
	// Before the server goes, or each would tell that it went.
	for (const end of ends) process.once(end, stop);
	const ready: Promise<unknown>[] = [];
	for (let n = 1; n <= processes; n += 1) {
		const child = startWorker({ ...orders, name: `bench ${n}` }, areApart ? makeNamespace(n) : null, namespaces);
		children.push(child);
		ready.push(message(child, (told) => told === 'ready'));
	}
	try {
		await Promise.all(ready);
	} catch (error) {
		stop();
		throw error;
	}
	return {
		stop,
		liveMemory: async () => {
			const told = children.map((child) => message(child, (answer) => typeof answer === 'number'));
			for (const child of children) child.send('live memory');
			return ((await Promise.all(told)) as number[]).reduce((sum, bytes) => sum + bytes, 0);
		},
		runCycle: async (now) => {
			const [first, ...others] = children;
			if (first === undefined) throw new RangeError('a crew needs a process');
			const reports = children.map((child) => message(child, (told) => typeof told === 'object'));
			const told = Promise.all(reports);
			// Should one end before the tick has, that is told below, by `ticked`.
			told.catch(() => undefined);
			const ticked = message(first, (told) => told === 'ticked');
			const begun = performance.now();
			for (const child of others) child.send({ now: now.getTime(), ticks: false } satisfies CycleOrders);
			first.send({ now: now.getTime(), ticks: true } satisfies CycleOrders);
			await ticked;
			for (const child of others) child.send('ticked');
			const done = (await told) as CycleReport[];
			return { ms: performance.now() - begun, reports: done };
		},
	};
}

function startWorker(orders: CrewOrders, namespace: Namespace | null, namespaces: Namespace[]): ChildProcess {
	if (namespace === null)
		return fork(workerProcess, [JSON.stringify(orders)], {
			execArgv: [...nodeFlags],
		});
	namespaces.push(namespace);
	const [command = '', ...args] = namespace.prefix;
	const told = JSON.stringify({ ...orders, url: namespace.urlOf(orders.url) });
	return fork(workerProcess, [told], { execPath: command, execArgv: [...args, process.execPath, ...nodeFlags] });
}

/** The next message that is looked for; an error if the process ends before it comes. */
function message(child: ChildProcess, isIt: (told: unknown) => boolean): Promise<unknown> {
	const { promise, resolve, reject } = Promise.withResolvers<unknown>();
	const onMessage = (told: unknown): void => {
		if (!isIt(told)) return;
		child.off('message', onMessage);
		child.off('exit', onExit);
		resolve(told);
	};
	const onExit = (code: number | null): void => {
		reject(new Error(`a worker process of the benchmark ended with ${code}`));
	};
	child.on('message', onMessage);
	child.once('exit', onExit);
	return promise;
}
