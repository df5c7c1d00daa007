/**
 * The processes that `up` keeps: started with their log in a file, started again when they die, ended in order. They hang
 * on to their parent by an IPC channel, so that a parent killed with -9 does not leave them behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFlags } from '../node-flags.ts';
import { packageRoot } from '../version.ts';

export interface ChildOptions {
	readonly name: string;
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly logDir: string;
	/** Told in one line each time the process ended by itself. */
	readonly onExit: (line: string) => void;
}

export interface Child {
	readonly name: string;
	/** Asks it to end, and insists after `patienceMs`. */
	stop(patienceMs: number): Promise<void>;
}

const firstPauseMs = 500;
const longestPauseMs = 10_000;
/** A process that ran this long had started well: its next pause is the first one again. */
const healthyMs = 30_000;

export function startChild(options: ChildOptions): Child {
	mkdirSync(options.logDir, { recursive: true });
	const logPath = join(options.logDir, `${options.name}.log`);
	let child: ChildProcess | undefined;
	let isStopping = false;
	let pauseMs = firstPauseMs;
	let timer: NodeJS.Timeout | undefined;

	const start = (): void => {
		const startedAt = Date.now();
		const log = openSync(logPath, 'a');
		child = spawn(process.execPath, [...nodeFlags, join(packageRoot, 'bin', 'botbox.js'), ...options.args], {
			env: { ...process.env, ...options.env },
			stdio: ['ignore', log, log, 'ipc'],
			// A group of its own: Ctrl-C in the terminal reaches `up` alone, which then ends them in order.
			detached: true,
		});
		closeSync(log);
		child.on('error', (error) => options.onExit(`${options.name} could not be started: ${error.message}`));
		child.once('exit', (code, signal) => {
			if (isStopping) return;
			if (Date.now() - startedAt > healthyMs) pauseMs = firstPauseMs;
			options.onExit(
				`${options.name} ended with ${signal ?? `exit code ${code}`} and is started again; its log: ${logPath}`,
			);
			timer = setTimeout(start, pauseMs);
			pauseMs = Math.min(pauseMs * 2, longestPauseMs);
		});
	};
	start();

	return {
		name: options.name,
		stop: async (patienceMs) => {
			isStopping = true;
			clearTimeout(timer);
			const running = child;
			if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
			const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()));
			running.kill('SIGTERM');
			const insist = setTimeout(() => running.kill('SIGKILL'), patienceMs);
			await ended;
			clearTimeout(insist);
		},
	};
}
