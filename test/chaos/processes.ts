/** Real botbox processes, each with its log in a file, ended with this process at the latest. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/script.ts';

export interface Exit {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
}

export interface BotboxProcess {
	readonly name: string;
	readonly logPath: string;
	readonly pid: number;
	readonly exit: Promise<Exit>;
	hasExited(): boolean;
	kill(signal: NodeJS.Signals): void;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
	for (const child of running) child.kill('SIGKILL');
});

export function startBotbox(options: {
	readonly name: string;
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string>>;
	readonly dir: string;
}): BotboxProcess {
	const logPath = join(options.dir, `${options.name}.log`);
	const log = openSync(logPath, 'a');
	const child = spawn(process.execPath, [join(repository, 'bin', 'botbox.js'), ...options.args], {
		env: { PATH: process.env.PATH ?? '', HOME: options.dir, ...options.env },
		// By the IPC channel a child notices that its parent is gone, however that ended.
		stdio: ['ignore', log, log, 'ipc'],
	});
	closeSync(log);
	running.add(child);
	const exit = new Promise<Exit>((resolve) => {
		child.once('exit', (code, signal) => {
			running.delete(child);
			resolve({ code, signal });
		});
		child.once('error', () => resolve({ code: 1, signal: null }));
	});
	return {
		name: options.name,
		logPath,
		pid: child.pid ?? -1,
		exit,
		hasExited: () => !running.has(child),
		kill: (signal) => {
			child.kill(signal);
		},
	};
}

/** The line of the process's log that matches, once it is there. */
export async function waitForLine(botbox: BotboxProcess, wanted: RegExp, timeoutMs: number): Promise<RegExpMatchArray> {
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		const found = readFileSync(botbox.logPath, 'utf8').match(wanted);
		if (found !== null) return found;
		if (botbox.hasExited() || Date.now() > deadline) {
			throw new Error(`${botbox.name} did not say ${wanted}; its log: ${botbox.logPath}`);
		}
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

export interface LogLine {
	readonly level: number;
	readonly at: number;
	readonly text: string;
}

/** Warnings and errors of a log of pino's; a line that is not JSON counts as an error. */
export function readComplaints(logPath: string): LogLine[] {
	const lines: LogLine[] = [];
	for (const line of readFileSync(logPath, 'utf8').split('\n')) {
		if (line.trim() === '') continue;
		try {
			const { level, time, msg } = JSON.parse(line) as { level: number; time: string; msg: string };
			if (level >= 40) lines.push({ level, at: Date.parse(time), text: msg });
		} catch {
			// The last line of a process that was killed while it wrote is cut off, not wrong.
			if (!line.startsWith('{')) lines.push({ level: 50, at: Number.NaN, text: line });
		}
	}
	return lines;
}
