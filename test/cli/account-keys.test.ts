/** Keys of accounts on the command line: asked about at the exchange before anything is stored, and told in one line. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setExchangeAddress } from '../../src/database/functions/administration.ts';
import { refuseCredentials } from '../../src/database/functions/guards.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { runCommand } from './command.ts';

let database: TestDatabase;
let simulator: Simulator;
let dataDir: string;
beforeAll(async () => {
	database = await createTestDatabase();
	simulator = await startSimulator({ instrumentCount: 1 });
	await setExchangeAddress(database.pool, { exchangeId: 'sim', baseUrl: simulator.url });
	dataDir = await mkdtemp(join(tmpdir(), 'botbox-keys-'));
});
afterAll(async () => {
	await simulator.close();
	await rm(dataDir, { recursive: true });
	await database.drop();
});

let made = 0;

/** A key of the exchange that no account has yet. */
function newKey(options: { canWithdraw?: boolean; balances?: Record<string, string> } = {}) {
	made += 1;
	const key = { apiKey: `cli-key-${made}`, secret: `cli-secret-${made}` };
	simulator.registerKey({ ...key, ...options });
	return key;
}

const withKey = (key: { apiKey: string; secret: string }, ...args: readonly string[]) =>
	runCommand(args, {
		DATABASE_URL: database.url,
		BOTBOX_DATA_DIR: dataDir,
		EXCHANGE_API_KEY: key.apiKey,
		EXCHANGE_API_SECRET: key.secret,
	});
const create = (name: string, key: { apiKey: string; secret: string }, ...more: readonly string[]) =>
	withKey(
		key,
		...['accounts', 'create', '--name', name, '--exchange', 'sim', '--mode', 'LIVE', '--live', '--capital', '1000'],
		...more,
	);
const stored = async (name: string) =>
	(await database.pool.query('select id, status, credentials from botbox.accounts where name = $1', [name])).rows[0];

test('a key that may withdraw opens no account unless told', async () => {
	const key = newKey({ canWithdraw: true });
	expect(await create('rich', key)).toEqual({
		code: 1,
		stdout: '',
		stderr: 'botbox: the key may withdraw money from sim: take that permission from it, or say --allow-withdrawals\n',
	});
	expect(await stored('rich')).toBeUndefined();
	expect(await create('rich', key, '--allow-withdrawals')).toMatchObject({ code: 0, stderr: '' });
	expect(await stored('rich')).toMatchObject({ status: 'ACTIVE' });
});

test('wrong credentials: one line without a word of them, and no account', async () => {
	const key = newKey();
	const result = await create('wrong', { ...key, secret: 'not-the-secret' });
	expect(result).toEqual({
		code: 1,
		stdout: '',
		stderr: 'botbox: sim does not take the key: the secret does not belong to it (10004)\n',
	});
	const unknown = await create('wrong', { apiKey: 'nobody', secret: 'x' });
	expect(unknown.stderr).toBe('botbox: sim does not take the key: it is not known there (10003)\n');
	expect(await stored('wrong')).toBeUndefined();
});

test('an account without money can be opened: it enters nothing until there is some', async () => {
	expect(await create('empty', newKey({ balances: { USDT: '0' } }))).toMatchObject({ code: 0, stderr: '' });
	const { id } = await stored('empty');
	const { rows } = await database.pool.query(
		'select available::float8 as available from reporting.accounts where account_id = $1',
		[id],
	);
	expect(rows).toEqual([{ available: 0 }]);
});

test('a HALTED account is given a new key; one that is refused changes nothing', async () => {
	const key = newKey();
	expect(await create('turned', key)).toMatchObject({ code: 0 });
	const before = await stored('turned');
	await refuseCredentials(database.pool, {
		accountId: before.id,
		code: 'CREDENTIALS_REFUSED',
		message: 'sim: the balances were refused',
		credentials: before.credentials,
	});
	expect((await stored('turned')).status).toBe('HALTED');
	expect(await withKey({ ...key, secret: 'x' }, 'accounts', 'credentials', 'turned')).toMatchObject({ code: 1 });
	expect((await withKey(newKey({ canWithdraw: true }), 'accounts', 'credentials', 'turned')).stderr).toContain(
		'may withdraw',
	);
	expect((await stored('turned')).credentials).toEqual(before.credentials);

	expect(await withKey(newKey(), 'accounts', 'credentials', 'turned')).toEqual({
		code: 0,
		stdout: `account ${before.id} turned has its new key and is HALTED: botbox accounts resume ${before.id}\n`,
		stderr: '',
	});
	expect((await stored('turned')).credentials).not.toEqual(before.credentials);
	expect(await withKey(key, 'accounts', 'resume', 'turned')).toMatchObject({ code: 0 });
	const { rows } = await database.pool.query(
		`select resolved_at is null as is_open from botbox.alerts where code = 'CREDENTIALS_REFUSED' and subject = $1`,
		[`account ${before.id}`],
	);
	expect(rows).toEqual([{ is_open: false }]);
});

test('what is foreign is listed, for people and for programs', async () => {
	const { pool } = database;
	expect(await create('shared', newKey())).toMatchObject({ code: 0 });
	const { id } = await stored('shared');
	expect((await withKey(newKey(), 'accounts', 'foreign')).stdout).toBe('nothing foreign was found\n');
	await pool.query(
		`insert into botbox.foreign_positions (account_id, symbol, quantity, entry_price, first_seen_at, last_seen_at)
		values ($1, 'BTC/USDT:USDT', -0.5, 60000, now(), now())`,
		[id],
	);
	expect((await withKey(newKey(), 'accounts', 'foreign')).stdout).toMatch(
		/shared +sim +BTC\/USDT:USDT +-0\.5 +60000 +30000/,
	);
	const listed = JSON.parse((await withKey(newKey(), 'accounts', 'foreign', '--json')).stdout);
	expect(listed).toMatchObject({ positions: [{ account: 'shared', symbol: 'BTC/USDT:USDT' }], orders: [] });
	await pool.query('delete from botbox.foreign_positions');
});
