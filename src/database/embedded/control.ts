/**
 * initdb and pg_ctl, run as the server's user.
 *
 * pg_ctl makes the server a session leader of its own, so a Ctrl-C in the terminal reaches botbox and not the
 * database: botbox stops it in its turn, after the workers.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BotboxError, errorMessage } from '../../errors.ts';
import type { Binaries } from './binaries.ts';
import type { Location } from './location.ts';

export const superuser = 'botbox';

/** How long recovery after a crash, or a fast shutdown, may take before we give up. */
const controlTimeoutSeconds = 120;
/** How long the processes of a killed server may hold its shared memory. */
const orphansTimeoutMs = 20_000;

/** Creates the cluster if there is none. A killed initdb leaves only a folder that the next one removes. */
export async function createCluster(binaries: Binaries, location: Location, password: string): Promise<boolean> {
	if (await stat(join(location.pgdata, 'PG_VERSION')).catch(() => undefined)) return false;
	const parent = dirname(location.pgdata);
	const partial = join(parent, 'postgres.partial');
	for (const name of await readdir(parent)) {
		if (name.startsWith('postgres.partial')) await rm(join(parent, name), { recursive: true, force: true });
	}
	const passwordFile = join(parent, `postgres.partial-password-${randomBytes(6).toString('hex')}`);
	try {
		await mkdir(partial, { mode: 0o700 });
		await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
		if (location.user !== undefined) {
			await chown(partial, location.user.uid, location.user.gid);
			await chown(passwordFile, location.user.uid, location.user.gid);
		}
	} catch (cause) {
		throw new BotboxError('DATABASE_UNAVAILABLE', `${parent} cannot hold a database: ${errorMessage(cause)}`, {
			cause,
		});
	}
	try {
		const { code, output } = await runAs(location, binaries.initdb, [
			`--pgdata=${partial}`,
			`--username=${superuser}`,
			`--pwfile=${passwordFile}`,
			'--auth=scram-sha-256',
			'--encoding=UTF8',
			'--locale=C',
			'--no-instructions',
		]);
		if (code !== 0) throw new BotboxError('DATABASE_UNAVAILABLE', `initdb failed: ${lastLines(output)}`);
	} finally {
		await rm(passwordFile, { force: true });
	}
	await rename(partial, location.pgdata);
	return true;
}

/** Starts the server and waits until it takes connections; `port-taken` when another program has the port. */
export async function startServer(binaries: Binaries, location: Location): Promise<'started' | 'port-taken'> {
	const logFile = join(location.pgdata, 'start.log');
	const deadline = Date.now() + orphansTimeoutMs;
	for (;;) {
		await removeStalePidFile(location.pgdata);
		await rm(logFile, { force: true });
		const { code, output } = await runAs(location, binaries.pgCtl, [
			...['start', '--pgdata', location.pgdata, '--log', logFile, '--silent'],
			...['--wait', '--timeout', String(controlTimeoutSeconds)],
		]);
		if (code === 0) return 'started';
		const said = `${output}\n${await readLog(location.pgdata)}`;
		// The messages are those of lc_messages = C; there is no other sign of the cause.
		if (/could not (bind|create any TCP\/IP)/.test(said)) return 'port-taken';
		const orphans = /pre-existing shared memory block|is another postmaster|is still in use/i.test(said);
		if (!orphans || Date.now() > deadline) {
			throw new BotboxError('DATABASE_UNAVAILABLE', `the embedded database did not start: ${lastLines(said)}`);
		}
		await sleep(250);
	}
}

/** Fast shutdown: sessions are ended, everything is written, the next start needs no recovery. */
export async function stopServer(binaries: Binaries, location: Location): Promise<void> {
	await removeStalePidFile(location.pgdata);
	const { code, output } = await runAs(location, binaries.pgCtl, [
		...['stop', '--pgdata', location.pgdata, '--mode', 'fast', '--silent'],
		...['--wait', '--timeout', String(controlTimeoutSeconds)],
	]);
	if (code !== 0 && /server does not shut down/.test(output)) {
		throw new BotboxError('DATABASE_UNAVAILABLE', `the embedded database did not stop: ${lastLines(output)}`);
	}
	// Any other failure says that it is not running, which is what was asked for.
}

/**
 * After a kill -9 of everything, or in a restarted container, the pid in postmaster.pid may by now be another program
 * of the same user: PostgreSQL would then refuse to start, and pg_ctl would stop that program. A server works in its
 * data directory, which tells the two apart. A pid that is not there at all is left to PostgreSQL, which then looks for
 * orphaned children by their shared memory.
 */
async function removeStalePidFile(pgdata: string): Promise<void> {
	if (process.platform !== 'linux') return;
	const pidFile = join(pgdata, 'postmaster.pid');
	const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10);
	if (!Number.isInteger(pid)) return;
	const [cwd, own] = await Promise.all([readlink(`/proc/${pid}/cwd`).catch(() => undefined), realpath(pgdata)]);
	if (cwd !== undefined && cwd !== own) await rm(pidFile, { force: true });
}

async function readLog(pgdata: string): Promise<string> {
	return await readFile(join(pgdata, 'start.log'), 'utf8').catch(() => '');
}

function lastLines(text: string): string {
	const lines = text.split('\n').filter((line) => line.trim() !== '');
	const telling = lines.filter((line) => /FATAL|PANIC|error|could not|invalid|HINT/i.test(line));
	return (telling.length > 0 ? telling : lines).slice(-3).join(' | ');
}

function runAs(
	location: Location,
	program: string,
	args: readonly string[],
): Promise<{ code: number; output: string }> {
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, {
			...(location.user === undefined ? {} : { uid: location.user.uid, gid: location.user.gid }),
			// A folder that every user can be in; our own may be out of reach for the server's user.
			cwd: '/',
			env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		let output = '';
		const collect = (chunk: Buffer) => {
			output += chunk.toString();
		};
		child.stdout.on('data', collect);
		child.stderr.on('data', collect);
		child.on('error', (cause) =>
			reject(new BotboxError('DATABASE_UNAVAILABLE', `${program} cannot be run: ${cause.message}`, { cause })),
		);
		// 'exit' rather than 'close': the server inherits the pipes and keeps them open.
		child.on('exit', (code, signal) => {
			child.stdout.destroy();
			child.stderr.destroy();
			resolve({ code: code ?? 1, output: signal === null ? output : `${output}\nended by ${signal}` });
		});
	});
}
