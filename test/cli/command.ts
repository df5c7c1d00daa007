/** Running botbox's command line: in this process, where that is the same code, or as a child process. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { vi } from 'vitest';
import { run } from '../../src/cli.ts';
import { repository } from '../support/script.ts';

export interface CommandResult {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** In this process: the same parsing, the same actions and the same telling of errors as the executable has. */
export async function runCommand(
	args: readonly string[],
	env: Readonly<Record<string, string>> = {},
	/** Told of each piece of output, once it is out. */
	onOutput: (text: string) => void = () => undefined,
): Promise<CommandResult> {
	const written = { stdout: '', stderr: '' };
	const before = { ...process.env };
	const capture = (stream: 'stdout' | 'stderr') =>
		vi.spyOn(process[stream], 'write').mockImplementation((text) => {
			written[stream] += String(text);
			onOutput(String(text));
			return true;
		});
	const spies = [capture('stdout'), capture('stderr')];
	Object.assign(process.env, env);
	const listened = reasonsToEnd.map((name) => [name, events.listeners(name)] as const);
	try {
		const code = await run(['node', 'botbox', ...args]);
		return { code, ...written };
	} finally {
		for (const spy of spies) spy.mockRestore();
		for (const name of Object.keys(env)) delete process.env[name];
		Object.assign(process.env, before);
		process.exitCode = undefined;
		// A command that runs until it is told to end listens for that, and lets go of the channel to its parent: here that is the test
		// runner, and without the channel this process would end as soon as it had nothing to do.
		for (const [name, before] of listened)
			for (const listener of events.listeners(name)) {
				if (!before.includes(listener)) events.off(name, listener as () => void);
			}
		process.channel?.ref();
	}
}

const events: NodeJS.EventEmitter = process;
const reasonsToEnd = ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'];

/** As a child process with nothing in its environment but PATH and `env`. */
export async function spawnCommand(
	args: readonly string[],
	env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
	return await new Promise((resolve) => {
		const child = execFile(
			process.execPath,
			[join(repository, 'bin', 'botbox.js'), ...args],
			{ env: { PATH: process.env.PATH ?? '', ...env }, timeout: 30_000 },
			(_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
		);
	});
}
