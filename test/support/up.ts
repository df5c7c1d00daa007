/** `botbox` as a user runs it, in processes of its own on a data directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const executable = fileURLToPath(new URL('../../bin/botbox.js', import.meta.url));

export interface Running {
	readonly child: ChildProcess;
	/** All that it has said so far, on both streams. */
	output(): string;
}

export interface Status {
	readonly page: string;
	readonly database: string;
	readonly simulator: string;
	readonly overview: { readonly bots: number; readonly running_workers: number };
}

export interface Installation {
	readonly dataDir: string;
	readonly port: number;
	/** Starts the command and leaves it running. */
	botbox(...args: string[]): Running;
	/** Starts the whole system; resolves once it says that it is ready. */
	up(): Promise<Running>;
	/** What a command prints with --json; it must end with 0. */
	json<T>(...args: string[]): Promise<T>;
	/** Ends whatever of it still runs, and removes its files. */
	remove(): Promise<void>;
}

export async function makeInstallation(): Promise<Installation> {
	const dataDir = await mkdtemp(join(tmpdir(), 'botbox-up-'));
	const port = await freePort();
	const running: ChildProcess[] = [];
	const botbox = (...args: string[]): Running => {
		let text = '';
		// The suite's own database, if any, is not this one's.
		const { DATABASE_URL: _, ...env } = process.env;
		// With a channel to its parent, as when an older Node hands over to the pinned one: it must not outlive its end for it.
		const child = spawn(process.execPath, [executable, ...args], {
			stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
			env: { ...env, BOTBOX_DATA_DIR: dataDir, BOTBOX_LOG_LEVEL: 'info' },
		});
		for (const stream of [child.stdout, child.stderr]) {
			stream?.on('data', (chunk) => {
				text += chunk;
			});
		}
		return { child, output: () => text };
	};
	return {
		dataDir,
		port,
		botbox,
		up: async () => {
			const started = botbox('up', '--port', String(port));
			running.push(started.child);
			await until(started, (output) => output.includes('botbox ready'));
			return started;
		},
		json: async <T>(...args: string[]) => {
			const { child, output } = botbox(...args, '--json');
			expect(await ended(child), output()).toBe(0);
			return JSON.parse(output()) as T;
		},
		remove: async () => {
			for (const child of running) child.kill('SIGINT');
			await Promise.all(running.map(ended));
			await rm(dataDir, { recursive: true, force: true });
		},
	};
}

/** The link that `up` prints, and the code within it. */
export function loginLink({ output }: Running): { readonly url: string; readonly code: string } {
	const [, url = '', code = ''] =
		/^log in once.* (http:\/\/127\.0\.0\.1:\d+\/#\/login\/([\w-]{43}))$/m.exec(output()) ?? [];
	return { url, code };
}

export async function ended(child: ChildProcess): Promise<number | string> {
	if (child.exitCode !== null) return child.exitCode;
	if (child.signalCode !== null) return child.signalCode;
	return await new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? '')));
}

/** Resolves when `isTrue` of what was said does; output and end are events, so nothing is waited for blindly. */
export async function until({ child, output }: Running, isTrue: (output: string) => boolean): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		const look = (): void => {
			if (isTrue(output())) resolve();
		};
		for (const stream of [child.stdout, child.stderr]) stream?.on('data', look);
		child.once('exit', () => (isTrue(output()) ? resolve() : reject(new Error(`it ended: ${output()}`))));
		look();
	});
}

async function freePort(): Promise<number> {
	return await new Promise((resolve) => {
		const server = createServer().listen(0, '127.0.0.1', () => {
			const { port } = server.address() as { port: number };
			server.close(() => resolve(port));
		});
	});
}
