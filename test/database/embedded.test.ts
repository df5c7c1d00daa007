/** The embedded server's life: found, stopped, killed, shut out of its port; each on a real server of its own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EmbeddedServer, startEmbedded } from '../../src/database/embedded/server.ts';
import { startScript } from '../support/script.ts';
import { makeServerFolder } from '../support/temporary-server.ts';

const run = promisify(execFile);
let base: string;
let dataDir: string;
beforeEach(async () => {
	base = await makeServerFolder();
	dataDir = join(base, '.botbox');
});
afterEach(async () => {
	const running = await postmasterPid().catch(() => undefined);
	if (running !== undefined) await (await startEmbedded({ dataDir })).stop();
	await rm(base, { recursive: true, force: true });
});

async function postmasterPid(): Promise<number> {
	return Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
	const client = new pg.Client({ connectionString: url });
	client.on('error', () => {});
	await client.connect();
	try {
		return (await client.query(sql)).rows;
	} finally {
		await client.end().catch(() => {});
	}
}

async function serverProcesses(pgdata: string): Promise<number[]> {
	const { stdout } = await run('sh', ['-c', 'for p in /proc/[0-9]*; do echo "$p $(readlink $p/cwd)"; done']);
	return stdout
		.split('\n')
		.filter((line) => line.endsWith(` ${pgdata}`))
		.map((line) => Number(/\d+/.exec(line)?.[0]));
}

async function gone(pids: readonly number[]): Promise<void> {
	for (const pid of pids) {
		while (await stat(`/proc/${pid}/exe`).catch(() => undefined))
			await new Promise((resolve) => setTimeout(resolve, 10));
	}
}

function mode(info: { mode: number }): string {
	return (info.mode & 0o777).toString(8);
}

describe('a new database', () => {
	test('is UTF-8, locale C, UTC, durable, on loopback only, behind a generated password', async () => {
		const server = await startEmbedded({ dataDir });
		expect(server).toMatchObject({ started: true, dataDir });
		const [row] = await query(
			server.url,
			`select
				current_database() as name, getdatabaseencoding() as encoding, datcollate as collate,
				current_setting('timezone') as zone, current_setting('fsync') as fsync,
				current_setting('full_page_writes') as pages, current_setting('synchronous_commit') as commit,
				current_setting('listen_addresses') as address, current_setting('unix_socket_directories') as socket,
				current_setting('shared_buffers') as buffers, current_setting('max_connections') as connections
			from pg_database where datname = current_database()`,
		);
		expect(row).toEqual({
			name: 'botbox',
			encoding: 'UTF8',
			collate: 'C',
			zone: 'UTC',
			fsync: 'on',
			pages: 'on',
			commit: 'on',
			address: '127.0.0.1',
			socket: '',
			buffers: '256MB',
			connections: '200',
		});
		expect(mode(await stat(join(dataDir, 'database-password')))).toBe('600');
		expect(mode(await stat(join(dataDir, 'postgres')))).toBe('700');
		const wrong = new URL(server.url);
		wrong.password = 'wrong';
		await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
		const stored = await query(
			server.url,
			`select rolpassword like 'SCRAM-SHA-256$%' as scram from pg_authid where rolname = 'botbox'`,
		);
		expect(stored).toEqual([{ scram: true }]);
		await server.stop();
	});

	test('is in a session of its own, so that a Ctrl-C in the terminal does not reach it', async () => {
		const server = await startEmbedded({ dataDir });
		const session = async (pid: number | 'self') =>
			(await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ').slice(2, 4);
		const [group, own] = (await session(await postmasterPid())) ?? [];
		expect([group, own]).toEqual([String(await postmasterPid()), String(await postmasterPid())]);
		expect(own).not.toBe((await session('self'))?.[1]);
		await server.stop();
	});
});

describe('a server', () => {
	test('is found running, stopped, and started again on its port with its data', async () => {
		const first = await startEmbedded({ dataDir });
		await query(first.url, 'create table kept as select 42 as n');
		const second = await startEmbedded({ dataDir });
		expect(second).toMatchObject({ started: false, url: first.url });
		await second.stop();
		await second.stop();
		await expect(query(first.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
		const third = await startEmbedded({ dataDir });
		expect(third).toMatchObject({ started: true, url: first.url });
		expect(await query(third.url, 'select n from kept')).toEqual([{ n: 42 }]);
		await third.stop();
	});

	test('is started once by four processes at once', async () => {
		const script = `
			import { startEmbedded } from 'botbox:src/database/embedded/server.ts';
			const server = await startEmbedded({ dataDir: process.env.DIR });
			console.log('answer', server.started, server.url);
			process.exit();
		`;
		const scripts = Array.from({ length: 4 }, () => startScript(script, { DIR: dataDir }));
		const answers = await Promise.all(scripts.map((each) => each.line(/^answer /)));
		await Promise.all(scripts.map((each) => each.exit));
		expect(answers.filter((answer) => answer.startsWith('answer true'))).toHaveLength(1);
		expect(new Set(answers.map((answer) => answer.split(' ')[2])).size).toBe(1);
	});

	test('takes another port when its own is taken', async () => {
		const first = await startEmbedded({ dataDir });
		await first.stop();
		const intruder = createServer().listen(first.port, '127.0.0.1');
		await once(intruder, 'listening');
		const second = await startEmbedded({ dataDir });
		expect(second.port).not.toBe(first.port);
		expect(await query(second.url, 'select 1 as n')).toEqual([{ n: 1 }]);
		await second.stop();
		intruder.close();
	});

	test('is found and stopped when an operator has moved its files to another disk and left a link', async () => {
		const first = await startEmbedded({ dataDir });
		await first.stop();
		await rename(first.pgdata, join(base, 'elsewhere'));
		await symlink(join(base, 'elsewhere'), first.pgdata);
		expect((await startEmbedded({ dataDir })).started).toBe(true);
		const found = await startEmbedded({ dataDir });
		expect(found).toMatchObject({ started: false, url: first.url });
		await found.stop();
		expect(await serverProcesses(join(base, 'elsewhere'))).toEqual([]);
	});

	test('reads operator.conf last', async () => {
		const server = await startEmbedded({ dataDir });
		await server.stop();
		await writeFile(join(dataDir, 'postgres', 'operator.conf'), "work_mem = '7MB'\n");
		const again = await startEmbedded({ dataDir, settings: { work_mem: '5MB', jit: 'on' } });
		const [row] = await query(again.url, `select current_setting('work_mem') as memory, current_setting('jit') as jit`);
		expect(row).toEqual({ memory: '7MB', jit: 'on' });
		await again.stop();
	});
});

describe('after kill -9', () => {
	let server: EmbeddedServer;
	beforeEach(async () => {
		server = await startEmbedded({ dataDir });
		await query(server.url, 'create table committed as select 1 as n');
	});

	test('of every process, the next start recovers', async () => {
		const pids = await serverProcesses(server.pgdata);
		for (const pid of pids) process.kill(pid, 'SIGKILL');
		await gone(pids);
		const again = await startEmbedded({ dataDir });
		expect(again.started).toBe(true);
		expect(await query(again.url, 'select n from committed')).toEqual([{ n: 1 }]);
		await again.stop();
	});

	test('of the postmaster alone, the next start waits for its orphans', async () => {
		const postmaster = await postmasterPid();
		const client = new pg.Client({ connectionString: server.url });
		client.on('error', () => {});
		await client.connect();
		const backend = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid;
		// Stopped, it cannot notice that its postmaster is gone and goes on holding the shared memory.
		process.kill(backend, 'SIGSTOP');
		process.kill(postmaster, 'SIGKILL');
		await gone([postmaster]);
		const starting = startEmbedded({ dataDir });
		const log = join(server.pgdata, 'start.log');
		while (!(await readFile(log, 'utf8').catch(() => '')).includes('pre-existing shared memory')) {
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		process.kill(backend, 'SIGKILL');
		const again = await starting;
		expect(await query(again.url, 'select n from committed')).toEqual([{ n: 1 }]);
		await client.end().catch(() => {});
		await again.stop();
	});

	test('a pid file that now names another program of the same user is no obstacle, and that program lives on', async () => {
		const pids = await serverProcesses(server.pgdata);
		const pidFile = join(server.pgdata, 'postmaster.pid');
		const text = await readFile(pidFile, 'utf8');
		for (const pid of pids) process.kill(pid, 'SIGKILL');
		await gone(pids);
		const owner = await stat(server.pgdata);
		const bystander = spawn('sleep', ['60'], { uid: owner.uid, gid: owner.gid, cwd: '/', stdio: 'ignore' });
		await once(bystander, 'spawn');
		await writeFile(pidFile, text.replace(/^\d+/, String(bystander.pid)));
		await server.stop();
		expect(bystander.exitCode).toBeNull();
		await writeFile(pidFile, text.replace(/^\d+/, String(bystander.pid)));
		const again = await startEmbedded({ dataDir });
		expect(await query(again.url, 'select n from committed')).toEqual([{ n: 1 }]);
		expect(bystander.exitCode).toBeNull();
		bystander.kill();
		await again.stop();
	});

	test('a half-made cluster is made anew', async () => {
		await server.stop();
		await cp(server.pgdata, join(dataDir, 'postgres.partial'), { recursive: true });
		await rm(server.pgdata, { recursive: true });
		const again = await startEmbedded({ dataDir });
		expect(await query(again.url, `select to_regclass('committed') as found`)).toEqual([{ found: null }]);
		await again.stop();
	});
});

describe('what cannot be used is said in one line', () => {
	test('a damaged record', async () => {
		await (await startEmbedded({ dataDir })).stop();
		await writeFile(join(dataDir, 'database.json'), '{');
		await expect(startEmbedded({ dataDir })).rejects.toMatchObject({
			code: 'DATABASE_UNAVAILABLE',
			message: expect.stringContaining('database.json is damaged'),
		});
	});

	test('a lost password', async () => {
		await (await startEmbedded({ dataDir })).stop();
		await rm(join(dataDir, 'database-password'));
		await expect(startEmbedded({ dataDir })).rejects.toThrow(/database-password is missing: restore it/);
	});

	test('a database of another major version', async () => {
		const server = await startEmbedded({ dataDir });
		await server.stop();
		await writeFile(join(server.pgdata, 'PG_VERSION'), '14\n');
		await expect(startEmbedded({ dataDir })).rejects.toThrow(/is of PostgreSQL 14 and this botbox brings 18/);
		await writeFile(join(server.pgdata, 'PG_VERSION'), '18\n');
	});

	test('a setting that PostgreSQL refuses', async () => {
		await expect(startEmbedded({ dataDir, settings: { shared_buffers: 'much' } })).rejects.toThrow(
			/did not start: .*shared_buffers/,
		);
	});
});
