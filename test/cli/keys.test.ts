/** A new master key: everything under it or nothing, wherever the key lives and whenever the run is killed. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSettings, sealSettings } from '../../src/alerts/channels.ts';
import { createAccount } from '../../src/database/functions/administration.ts';
import { createAlertChannel, findAlertChannels } from '../../src/database/functions/alerts.ts';
import { decryptCredentials, encryptCredentials } from '../../src/exchange/credentials.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { runCommand } from './command.ts';

let database: TestDatabase;
let dataDir: string;
const newKey = () => randomBytes(32).toString('base64');
const oldKey = newKey();
const credentialsOf = (name: string) => ({ apiKey: `key of ${name}`, secret: `hidden ${name}` });

beforeEach(async () => {
	database = await createTestDatabase();
	dataDir = await mkdtemp(join(tmpdir(), 'botbox-keys-'));
	for (const name of ['alpha', 'beta']) {
		await createAccount(database.pool, {
			...{ name, exchangeId: 'sim', mode: 'LIVE', settleAsset: 'USDT', capital: 1 },
			credentials: encryptCredentials(credentialsOf(name), oldKey),
		});
	}
	await createAccount(database.pool, {
		name: 'paper',
		exchangeId: 'sim',
		mode: 'PAPER',
		settleAsset: 'USDT',
		capital: 1,
	});
});
afterEach(async () => {
	await rm(dataDir, { recursive: true });
	await database.drop();
});

const file = (name: string) => join(dataDir, name);
const rotate = (env: Record<string, string>, ...args: string[]) =>
	runCommand(['keys', 'rotate', ...args], {
		DATABASE_URL: database.url,
		BOTBOX_DATA_DIR: dataDir,
		BOTBOX_MASTER_KEY: '',
		...env,
	});
const stored = async () =>
	(
		await database.pool.query<{ name: string; credentials: Buffer }>(
			'select name, credentials from botbox.accounts where credentials is not null order by id',
		)
	).rows;

async function expectUnder(key: string): Promise<void> {
	const rows = await stored();
	expect(rows.map(({ name }) => name)).toEqual(['alpha', 'beta']);
	for (const { name, credentials } of rows) expect(decryptCredentials(credentials, key)).toEqual(credentialsOf(name));
}
const inFile = async (name: string) => (await readFile(file(name), 'utf8')).trim();

test('the secrets of alert channels move with the credentials, all or none', async () => {
	const settings = { kind: 'SLACK', url: 'https://hooks.example.org/hidden' } as const;
	const add = (name: string, key: string) =>
		createAlertChannel(database.pool, { name, kind: 'SLACK', target: 't', settings: sealSettings(settings, key) });
	const keyOfChannels = async (key: string) =>
		(await findAlertChannels(database.pool, {})).map((channel) => openSettings(channel.settings, key));
	await add('chat', oldKey);
	const key = newKey();
	await writeFile(file('next'), `${key}\n`);
	const result = await rotate({ BOTBOX_MASTER_KEY: oldKey }, '--new-key-file', file('next'));
	expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('and secrets of 1 alert channels') });
	expect(await keyOfChannels(key)).toEqual([settings]);
	await expectUnder(key);
	// One that nobody can read stops everything.
	await add('odd', newKey());
	const last = newKey();
	await writeFile(file('last'), `${last}\n`);
	const refused = await rotate({ BOTBOX_MASTER_KEY: key }, '--new-key-file', file('last'));
	expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('channel odd: nothing was changed') });
	await expectUnder(key);
});

test('a key in the environment is replaced by one from a file', async () => {
	const key = newKey();
	await writeFile(file('next'), `${key}\n`);
	const result = await rotate({ BOTBOX_MASTER_KEY: oldKey }, '--new-key-file', file('next'));
	expect(result).toMatchObject({
		code: 0,
		stderr: '',
		stdout: expect.stringMatching(/of 2 accounts .*\nset BOTBOX_MASTER_KEY/),
	});
	expect(result.stdout).not.toContain(key);
	await expectUnder(key);
	const { rows } = await database.pool.query(
		`select subject, before, after from botbox.audit_log where action = 'account.credentials'`,
	);
	expect(rows).toHaveLength(2);
	expect(rows.every(({ before, after }) => before === null && after === null)).toBe(true);
	// Nothing but the file that was given.
	expect(await readdir(dataDir)).toEqual(['next']);
});

test('a key in the data directory is made anew, for its owner alone, and the old one kept', async () => {
	await writeFile(file('master.key'), `${oldKey}\n`);
	expect(JSON.parse((await rotate({}, '--json')).stdout)).toEqual({
		accounts: 2,
		channels: 0,
		key_file: file('master.key'),
		old_key_file: file('master.key.old'),
	});
	await expectUnder(await inFile('master.key'));
	expect(await inFile('master.key.old')).toBe(oldKey);
	expect((await readdir(dataDir)).sort()).toEqual(['master.key', 'master.key.old']);
	for (const name of await readdir(dataDir)) expect((await stat(file(name))).mode & 0o777).toBe(0o600);
	// And once more.
	const second = await inFile('master.key');
	expect((await rotate({})).code).toBe(0);
	await expectUnder(await inFile('master.key'));
	expect(await inFile('master.key.old')).toBe(second);
});

test('a value that cannot be decrypted is named, and nothing is changed', async () => {
	await writeFile(file('master.key'), oldKey);
	const damaged = (await stored())[1]!.credentials;
	damaged[damaged.length - 1]! ^= 1;
	await database.pool.query(`update botbox.accounts set credentials = $1 where name = 'beta'`, [damaged]);
	const before = await stored();
	const result = await rotate({});
	expect(result).toMatchObject({ code: 1, stdout: '' });
	expect(result.stderr).toMatch(
		/^botbox: the present key does not decrypt the credentials of beta: nothing was changed\n$/,
	);
	expect(await stored()).toEqual(before);
	expect(await readdir(dataDir)).toEqual(['master.key']);
	expect(await inFile('master.key')).toBe(oldKey);
});

test('killed after the commit and before the rename: the next run finishes', async () => {
	await writeFile(file('master.key'), oldKey);
	expect((await rotate({})).code).toBe(0);
	const key = await inFile('master.key');
	// As that run would have left it.
	await copyFile(file('master.key'), file('master.key.new'));
	await writeFile(file('master.key'), oldKey);
	expect(await rotate({})).toMatchObject({ code: 0, stdout: expect.stringMatching(/of 2 accounts/) });
	expect(await inFile('master.key')).toBe(key);
	await expectUnder(key);
});

test('killed before the commit: a key that nothing is under is forgotten', async () => {
	await writeFile(file('master.key'), oldKey);
	const leftOver = newKey();
	await writeFile(file('master.key.new'), leftOver);
	expect((await rotate({})).code).toBe(0);
	expect(await inFile('master.key')).not.toBe(leftOver);
	await expectUnder(await inFile('master.key'));
});

test.each([
	['the same key', oldKey, 2, /the new key is the present one/],
	['half a key', 'c2VjcmV0', 2, /expected 32 bytes in base64/],
	['no key', '', 2, /expected 32 bytes in base64/],
])('%s is refused', async (_title, key, code, says) => {
	await writeFile(file('next'), key);
	const before = await stored();
	const result = await rotate({ BOTBOX_MASTER_KEY: oldKey }, '--new-key-file', file('next'));
	expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(says) });
	expect(await stored()).toEqual(before);
});

test('with the key in the environment the new one must be given', async () => {
	expect(await rotate({ BOTBOX_MASTER_KEY: oldKey })).toMatchObject({
		code: 2,
		stderr: expect.stringMatching(/--new-key-file/),
	});
	await expectUnder(oldKey);
});
