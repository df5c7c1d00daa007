/** The API as a process serves it: on a socket, with its page, its probes, LISTEN, and what it refuses to start on. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, startApi } from '../../src/api/server.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { revokeToken } from '../../src/database/functions/administration.ts';
import { recordHeartbeat } from '../../src/database/functions/guards.ts';
import { createJobs } from '../../src/database/jobs.ts';
import { listen } from '../../src/database/listener.ts';
import { createLogger } from '../../src/logger.ts';
import { makeToken } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeManualCheck } from '../support/factories/checks.ts';
import { makeBot, makeWorld } from '../support/factories/world.ts';

let database: TestDatabase;
let pageDir: string;
let api: Api;
beforeAll(async () => {
	database = await createTestDatabase();
	pageDir = await mkdtemp(join(tmpdir(), 'botbox-page-'));
	await mkdir(join(pageDir, 'assets'));
	await writeFile(join(pageDir, 'index.html'), '<!doctype html><title>botbox</title>');
	await writeFile(join(pageDir, 'assets', 'index-abc123.js'), 'export {};');
	api = await start();
});
afterAll(async () => {
	await api.close();
	await rm(pageDir, { recursive: true, force: true });
	await database.drop();
});

async function start(overrides: Partial<Config> = {}): Promise<Api> {
	return await startApi({
		databaseUrl: database.url,
		config: { ...readConfig({}), port: 0, ...overrides },
		log: createLogger({ level: 'silent', name: 'test' }),
		version: '0.0.0-test',
		pageDir,
	});
}

test('lives at once, and is ready once a worker is heard', async () => {
	expect(await (await fetch(`${api.url}healthz`)).json()).toMatchObject({ status: 'alive', version: '0.0.0-test' });
	const before = await fetch(`${api.url}readyz`);
	expect(before.status).toBe(503);
	expect(await before.json()).toMatchObject({
		status: 'not_ready',
		database: { ok: true },
		schema: { ok: true },
		workers: { ok: false },
	});
	const worker = { workerId: 'w', host: 'h', processId: 1, roles: ['check'], version: '0', startedAt: new Date() };
	await recordHeartbeat(database.pool, { ...worker, now: new Date(Date.now() - 31_000) });
	expect((await fetch(`${api.url}readyz`)).status).toBe(503);
	await recordHeartbeat(database.pool, worker);
	expect((await fetch(`${api.url}readyz`)).status).toBe(200);
	await recordHeartbeat(database.pool, { ...worker, isStopping: true });
	expect((await fetch(`${api.url}readyz`)).status).toBe(503);
});

test('ends although a client has connected and says nothing', async () => {
	const other = await start();
	const silent = connect(other.port, '127.0.0.1');
	const ended = new Promise((resolve) => silent.once('close', resolve));
	silent.on('error', () => {});
	await new Promise<void>((resolve) => silent.once('connect', resolve));
	// Accepted as well: the server answers those that came later.
	expect((await fetch(`${other.url}healthz`)).status).toBe(200);
	// By Node's own rules it would end after a minute.
	await other.close();
	await ended;
}, 30_000);

test('is not ready on a schema of another version', async () => {
	const { rows } = await database.pool.query('select schema_fingerprint from botbox.installation');
	await database.pool.query(`update botbox.installation set schema_fingerprint = 'other'`);
	try {
		const answer = await fetch(`${api.url}readyz`);
		expect(answer.status).toBe(503);
		expect(await answer.json()).toMatchObject({ schema: { ok: false, detail: expect.stringContaining('migrate') } });
		await expect(start()).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
	} finally {
		await database.pool.query('update botbox.installation set schema_fingerprint = $1', [rows[0].schema_fingerprint]);
	}
});

test('serves the page under a strict policy, its assets for ever', async () => {
	const page = await fetch(api.url);
	expect(await page.text()).toContain('<title>botbox</title>');
	expect(page.headers.get('cache-control')).toBe('no-cache');
	const policy = page.headers.get('content-security-policy') ?? '';
	expect(policy).toContain("default-src 'none'");
	expect(policy).toContain("script-src 'self'");
	expect(policy).not.toContain('unsafe');
	expect(page.headers.get('x-frame-options')).toBe('DENY');
	expect(page.headers.get('strict-transport-security')).toBeNull();
	const asset = await fetch(`${api.url}assets/index-abc123.js`);
	expect(asset.headers.get('cache-control')).toContain('immutable');
	for (const path of ['assets/other.js', '..%2f..%2fpackage.json', '.env', 'assets/']) {
		const answer = await fetch(`${api.url}${path}`);
		expect([403, 404]).toContain(answer.status);
		expect(answer.headers.get('content-type')).toContain('application/problem+json');
	}
});

test('metrics agree with the overview and carry those of the process', async () => {
	const text = await (await fetch(`${api.url}metrics`)).text();
	const overview = (await (await fetch(`${api.url}api/v1/overview`)).json()) as { active_bots: number };
	expect(text).toContain(`\nbotbox_bots_active ${overview.active_bots}\n`);
	expect(text).toMatch(/^process_cpu_seconds_total /m);
	expect(text).not.toContain('null');
	for (const cache of ['windows', 'indicators', 'checks']) {
		expect(text).toContain(`\nbotbox_cache_hits{cache="${cache}"} 0\n`);
	}
	const beat = { host: 'test', processId: 1, roles: ['check'], version: '1', startedAt: new Date() };
	for (const [index, repeated] of [3, 4].entries()) {
		const figures = { checks_repeated: repeated, checks_evaluated: 10 };
		await recordHeartbeat(database.pool, { ...beat, workerId: `metered ${index}`, figures });
	}
	const later = await (await fetch(`${api.url}metrics`)).text();
	expect(later).toContain('\nbotbox_cache_hits{cache="checks"} 7\n');
	expect(later).toContain('\nbotbox_cache_misses{cache="checks"} 20\n');
	for (const [, name] of text.matchAll(/^# TYPE (botbox_\S+)/gm)) expect(text).toContain(`# HELP ${name} `);
	// Another test looks at what is said while no worker is heard.
	for (const index of [0, 1])
		await recordHeartbeat(database.pool, { ...beat, workerId: `metered ${index}`, figures: {}, isStopping: true });
});

test('check now reaches a worker through the queue and its answer comes by NOTIFY', async () => {
	const bot = await makeBot(database.pool, await makeWorld(database.pool));
	const { token } = await makeToken(database.pool, 'operator');
	const jobs = await createJobs({ pool: database.pool, isSupervisor: false, onError: () => {} });
	// A worker in short: woken by the request, it takes the job, checks, records.
	const worker = await listen({
		url: database.url,
		applicationName: 'test worker',
		channels: ['botbox_manual_requests'],
		onNotification: () => void answerRequests(),
	});
	const answerRequests = async () => {
		for (const { id, data } of await jobs.fetchManualChecks(10)) {
			await makeManualCheck(database.pool, data.botId, { at: new Date(data.requestedAt), isDryRun: data.isDryRun });
			await jobs.endManualChecks([id]);
		}
	};
	try {
		const answer = await fetch(`${api.url}api/v1/bots/${bot.id}/check`, {
			method: 'POST',
			headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
			body: JSON.stringify({ dry_run: true }),
		});
		expect(answer.status).toBe(200);
		expect(await answer.json()).toMatchObject({ bot_id: bot.id, kind: 'MANUAL', outcome: 'DRY_RUN' });
	} finally {
		await worker.close();
		await jobs.stop();
	}
});

test('beyond loopback it starts only where a valid token exists', async () => {
	await database.pool.query('update botbox.api_tokens set revoked_at = now()');
	await expect(start({ host: '0.0.0.0' })).rejects.toMatchObject({
		code: 'CONFIGURATION_INVALID',
		message: expect.stringContaining('botbox tokens create'),
	});
	const { id, token } = await makeToken(database.pool, 'viewer');
	const open = await start({ host: '0.0.0.0' });
	try {
		const url = `http://127.0.0.1:${open.port}/`;
		expect((await fetch(url)).status).toBe(200);
		expect((await fetch(`${url}healthz`)).status).toBe(200);
		for (const path of ['api/v1/overview', 'metrics', 'openapi.json', 'docs']) {
			expect((await fetch(`${url}${path}`)).status, path).toBe(401);
			expect((await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })).status, path).toBe(200);
		}
		await revokeToken(database.pool, { tokenId: id });
		expect((await fetch(`${url}metrics`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
	} finally {
		await open.close();
	}
});

test('says which port is taken, and leaves no connection behind', async () => {
	const other = createServer();
	const port = await new Promise<number>((resolve) => {
		other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port));
	});
	try {
		await expect(start({ port })).rejects.toMatchObject({
			code: 'PORT_IN_USE',
			message: expect.stringContaining(`${port}`),
		});
		await expect(start({ host: '192.0.2.1' })).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
	} finally {
		other.close();
	}
});
