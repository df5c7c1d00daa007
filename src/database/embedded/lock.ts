/**
 * Who owns a data directory. The lock is a listening socket whose name is derived from the directory's device and
 * inode: the kernel grants a name to one process only and takes it back when that process ends, however it ends, so
 * there is no stale lock to judge and no race in taking one over. A lock file with a pid in it has both.
 *
 * On Linux the name is in the abstract namespace, on Windows a named pipe. Elsewhere it is a socket file, which
 * outlives a killed process and is replaced when nobody answers on it.
 */
import { createHash } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BotboxError } from '../../errors.ts';
import { makeDataDir } from './data-dir.ts';

export interface DataDirLock {
	release(): Promise<void>;
}

/** Takes the data directory for this process; throws DATABASE_IN_USE when a living process has it. */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
	const name = await lockName(dataDir, 'owner');
	const server = await tryListen(name);
	if (server === undefined) {
		const pid = await askHolder(name);
		throw new BotboxError(
			'DATABASE_IN_USE',
			`another botbox${pid === undefined ? '' : ` (process ${pid})`} is running on ${dataDir}`,
		);
	}
	return { release: () => close(server) };
}

/** Runs `work` while no other process works on the same directory in this way; waits for its turn. */
export async function withDataDirTurn<T>(dataDir: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
	const name = await lockName(dataDir, 'turn');
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		const server = await tryListen(name);
		if (server !== undefined) {
			try {
				return await work();
			} finally {
				await close(server);
			}
		}
		if (Date.now() > deadline) {
			throw new BotboxError('DATABASE_IN_USE', `another process keeps starting or stopping the server in ${dataDir}`);
		}
		await sleep(50);
	}
}

async function lockName(dataDir: string, purpose: 'owner' | 'turn'): Promise<string> {
	await makeDataDir(dataDir);
	const { dev, ino } = await stat(dataDir, { bigint: true });
	const hash = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 24);
	const name = `botbox-${purpose}-${hash}`;
	if (process.platform === 'linux') return `\0${name}`;
	if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
	return join(tmpdir(), `${name}.sock`);
}

async function tryListen(name: string): Promise<Server | undefined> {
	const server = await listen(name);
	if (server !== undefined || !name.startsWith('/')) return server;
	// A socket file: nobody behind it means that its owner is gone.
	if (await answers(name)) return undefined;
	await rm(name, { force: true });
	return await listen(name);
}

function listen(name: string): Promise<Server | undefined> {
	return new Promise((resolve, reject) => {
		// Whoever asks is told our pid.
		const server = createServer((socket) => socket.on('error', () => {}).end(String(process.pid)));
		server.once('error', (error: NodeJS.ErrnoException) =>
			error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
		);
		server.listen(name, () => {
			server.unref();
			resolve(server);
		});
	});
}

function answers(name: string): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(name, () => resolve(true)).once('error', () => resolve(false));
		socket.once('connect', () => socket.destroy());
	});
}

function askHolder(name: string): Promise<string | undefined> {
	return new Promise((resolve) => {
		let said = '';
		const socket = connect(name)
			.setTimeout(1_000, () => socket.destroy())
			.on('data', (chunk) => {
				said += chunk.toString();
			})
			.on('error', () => {})
			.on('close', () => resolve(/^\d+$/.test(said) ? said : undefined));
	});
}

function close(server: Server): Promise<void> {
	return new Promise((resolve) => server.close(() => resolve()));
}
