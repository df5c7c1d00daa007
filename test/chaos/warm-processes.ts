/**
 * Worker processes that have loaded their code and wait to be told what to work on: loading takes a second of computing, and a
 * drill kills many. One that has begun is never used for a second run.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface WarmProcess {
	readonly child: ChildProcess;
	/** Also fulfilled if it ended instead. */
	readonly loaded: Promise<void>;
}

interface Spare extends WarmProcess {
	readonly logPath: string;
}

const spareCount = 2;
const spares: Spare[] = [];
const running = new Set<ChildProcess>();
let started = 0;
process.on('exit', () => {
	dismissSpares();
	for (const child of running) child.kill('SIGKILL');
});

/** A process whose log is at the path from now on. */
export function takeProcess(logPath: string): WarmProcess {
	let taken = spares.shift() ?? start();
	while (taken.child.exitCode !== null || taken.child.signalCode !== null) taken = spares.shift() ?? start();
	renameSync(taken.logPath, logPath);
	while (spares.length < spareCount) spares.push(start());
	return taken;
}

/** Kills those that nobody has taken. */
export function dismissSpares(): void {
	for (const { child, logPath } of spares.splice(0)) {
		child.kill('SIGKILL');
		rmSync(logPath, { force: true });
	}
}

function start(): Spare {
	started += 1;
	const logPath = join(tmpdir(), `botbox-drill-${process.pid}-${started}.log`);
	const log = openSync(logPath, 'a');
	const child = fork(new URL('./simulated-worker.ts', import.meta.url), [], {
		env: {
			PATH: process.env.PATH ?? '',
			BOTBOX_TEST_CRASH_POINTS: 'on',
			// Two thirds of the loading is compiling.
			NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
		},
		stdio: ['ignore', log, log, 'ipc'],
	});
	closeSync(log);
	running.add(child);
	const loaded = Promise.withResolvers<void>();
	child.once('message', () => loaded.resolve());
	child.once('exit', () => {
		running.delete(child);
		loaded.resolve();
	});
	return { child, logPath, loaded: loaded.promise };
}
