/** `botbox doctor` finds what is wrong from the machine that it runs on, and says how to mend it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccount, setExchangeAddress } from '../../src/database/functions/administration.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeBot, makeWorld } from '../support/factories/world.ts';
import { runCommand } from './command.ts';

const masterKey = Buffer.alloc(32, 7).toString('base64');
const apiKey = 'doctor-key';
const secret = 'hidden-doctor';
let database: TestDatabase;
let simulator: Simulator;
let dataDir: string;

beforeAll(async () => {
	dataDir = await mkdtemp(join(tmpdir(), 'botbox-doctor-'));
	simulator = await startSimulator({ keys: [{ apiKey, secret }] });
	database = await createTestDatabase();
	await makeBot(database.pool, await makeWorld(database.pool));
	for (const [name, key, exchangeId] of [
		['known', apiKey, 'sim'],
		['unknown', 'stranger', 'sim'],
		['elsewhere', apiKey, 'bybit'],
	] as const) {
		await createAccount(database.pool, {
			...{ name, exchangeId, mode: 'LIVE', settleAsset: 'USDT', capital: 1 },
			credentials: encryptCredentials({ apiKey: key, secret }, masterKey),
		});
	}
}, 60_000);
afterAll(async () => {
	await simulator.close();
	await rm(dataDir, { recursive: true });
	await database.drop();
});

interface Finding {
	readonly name: string;
	readonly ok: boolean;
	readonly says: string;
	readonly mend?: string;
}

/** The findings by name; the simulated exchange is at `address`. */
async function examine(
	address: string,
	env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; findings: Readonly<Record<string, Finding>> }> {
	await setExchangeAddress(database.pool, { exchangeId: 'sim', baseUrl: address });
	const { code, stdout, stderr } = await runCommand(['doctor', '--json'], {
		DATABASE_URL: database.url,
		BOTBOX_DATA_DIR: dataDir,
		BOTBOX_MASTER_KEY: masterKey,
		...env,
	});
	expect(stderr).toBe('');
	expect(stdout).not.toContain(secret);
	const all = JSON.parse(stdout) as Finding[];
	// Whatever is wrong has a remedy, and what is not has none.
	for (const { name, ok, mend } of all) expect(mend === undefined, name).toBe(ok);
	return { code, findings: Object.fromEntries(all.map((finding) => [finding.name, finding])) };
}

test('all is well but for what is wrong: no worker, and a key that the exchange does not know', async () => {
	const { code, findings } = await examine(simulator.url);
	expect(code).toBe(1);
	// How far clocks seem apart is also a matter of how busy the machine is.
	const wrong = Object.values(findings).filter(({ ok, name }) => !ok && !name.startsWith('clock'));
	expect(wrong.map(({ name }) => name)).toEqual(['workers', 'key of unknown']);
	expect(findings['key of unknown']?.mend).toMatch(/permissions/);
	expect(Object.keys(findings).sort()).toEqual(
		[
			...['master key', 'disk', 'server', 'timescaledb', 'clock', 'schema', 'workers', 'connections', 'database'],
			...['sessions', 'settings'],
			...['exchange sim', 'connection to sim', 'clock of sim'],
			...['known', 'unknown', 'elsewhere'].flatMap((name) => [`credentials of ${name}`, `key of ${name}`]),
		].sort(),
	);
	// Not asked at an exchange of real money unless this process may trade there.
	expect(findings['key of elsewhere']?.says).toMatch(/BOTBOX_LIVE_ACCOUNTS does not name it/);
}, 60_000);

test('another master key decrypts nothing, and is told account by account', async () => {
	const { findings } = await examine(simulator.url, { BOTBOX_MASTER_KEY: Buffer.alloc(32, 8).toString('base64') });
	expect(findings['credentials of known']).toMatchObject({
		ok: false,
		mend: expect.stringMatching(/BOTBOX_MASTER_KEY/),
	});
	expect(findings['key of known']).toBeUndefined();
}, 60_000);

test('an exchange that does not answer is told from one that does', async () => {
	const { findings } = await examine('http://127.0.0.1:1');
	expect(findings['connection to sim']).toMatchObject({ ok: false, mend: expect.stringMatching(/botbox up/) });
	expect(findings['clock of sim']).toBeUndefined();
	await database.pool.query(
		`update botbox.circuit_breakers set state = 'CLOSED', consecutive_failures = 0, opened_at = null, probe_at = null, probed_by = null, held_by = null`,
	);
}, 60_000);

test('workers whose pools do not fit the server are told, with the setting that would', async () => {
	await database.pool.query(
		`select botbox.record_heartbeat('w' || n, 'here', n, '{check}', '0.1.0', now()) from generate_series(1, 200) n`,
	);
	const { findings } = await examine(simulator.url);
	await database.pool.query('delete from botbox.workers');
	expect(findings.workers).toMatchObject({ ok: true, says: '200 running' });
	expect(findings.connections).toMatchObject({
		ok: false,
		mend: expect.stringMatching(/set max_connections .* to 2\d\d\d/),
	});
}, 60_000);
