/**
 * A new master key: every account's credentials are decrypted with the present key and encrypted with the new one in one
 * transaction, or nothing changes. Where the key lives in the data directory, the new one is on disk before the transaction
 * commits and takes its place afterwards by a rename; a run that was killed in between is finished by the next one.
 */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config.ts';
import { lockCredentials, replaceCredentials } from '../database/functions/administration.ts';
import type { Pool } from '../database/pool.ts';
import { inTransaction } from '../database/transaction.ts';
import { BotboxError, errorMessage, UsageError } from '../errors.ts';
import { type Credentials, decryptCredentials, encryptCredentials } from '../exchange/credentials.ts';

export interface Rotation {
	/** Accounts whose credentials are under the new key. */
	readonly accounts: number;
	/** Where the new key and the one before lie; null: the operator keeps them. */
	readonly keyFile: string | null;
	readonly oldKeyFile: string | null;
}

type Stored = Awaited<ReturnType<typeof lockCredentials>>;

/** Throws UsageError, CREDENTIALS_UNREADABLE with every account concerned, and CONFIGURATION_INVALID; nothing is changed then. */
export async function rotateKey(
	pool: Pool,
	config: Config,
	options: { newKeyFile?: string | undefined; actor: string },
): Promise<Rotation> {
	const { newKeyFile, actor } = options;
	if (config.masterKey !== null) {
		if (newKeyFile === undefined)
			throw new UsageError(
				'the present key is in BOTBOX_MASTER_KEY: name a file that holds the new one with --new-key-file',
			);
		const [oldKey, newKey] = [config.masterKey, await readKey(newKeyFile)];
		requireAnother(oldKey, newKey);
		const accounts = await inTransaction(
			pool,
			async (db) => await reencrypt(db, await lockCredentials(db, {}), oldKey, newKey, actor),
		);
		return { accounts, keyFile: null, oldKeyFile: null };
	}

	const keyFile = join(resolve(config.dataDir), 'master.key');
	const [pendingFile, oldKeyFile] = [`${keyFile}.new`, `${keyFile}.old`];
	const oldKey = await readKey(keyFile);
	const given = newKeyFile === undefined ? null : await readKey(newKeyFile);
	if (given !== null) requireAnother(oldKey, given);
	const pending = await readKey(pendingFile).catch(() => null);
	let isDecided = false;
	try {
		const accounts = await inTransaction(pool, async (db) => {
			const stored = await lockCredentials(db, {});
			// A run before this one was killed after its commit: its key is the one in use.
			if (pending !== null && stored.length > 0 && canRead(stored, pending)) {
				isDecided = true;
				return stored.length;
			}
			const newKey = given ?? randomBytes(32).toString('base64');
			const count = await reencrypt(db, stored, oldKey, newKey, actor);
			await writeKey(pendingFile, newKey);
			// From here on it may have been committed, whatever the connection says: the key is kept.
			isDecided = true;
			return count;
		});
		await writeKey(oldKeyFile, oldKey);
		await rename(pendingFile, keyFile);
		await syncFolder(dirname(keyFile));
		return { accounts, keyFile, oldKeyFile };
	} catch (error) {
		if (!isDecided) throw error;
		throw new BotboxError(
			'CONFIGURATION_INVALID',
			`whether the new key is in use is not sure: it is kept in ${pendingFile}, run botbox keys rotate again (${errorMessage(error)})`,
			{ cause: error },
		);
	}
}

async function reencrypt(
	db: Parameters<typeof replaceCredentials>[0],
	stored: Stored,
	oldKey: string,
	newKey: string,
	actor: string,
): Promise<number> {
	const readable: { accountId: number; credentials: Credentials }[] = [];
	const unreadable: string[] = [];
	for (const { accountId, name, credentials } of stored) {
		try {
			readable.push({ accountId, credentials: decryptCredentials(credentials, oldKey) });
		} catch {
			unreadable.push(name);
		}
	}
	if (unreadable.length > 0)
		throw new BotboxError(
			'CREDENTIALS_UNREADABLE',
			`the present key does not decrypt the credentials of ${unreadable.join(', ')}: nothing was changed`,
		);
	for (const { accountId, credentials } of readable) {
		const sealed = encryptCredentials(credentials, newKey);
		if (!isDeepStrictEqual(decryptCredentials(sealed, newKey), credentials))
			throw new BotboxError('INTERNAL', `account ${accountId}: what was encrypted does not decrypt to the same`);
		await replaceCredentials(db, { accountId, credentials: sealed, actor });
	}
	return readable.length;
}

function canRead(stored: Stored, key: string): boolean {
	return stored.every(({ credentials }) => {
		try {
			decryptCredentials(credentials, key);
			return true;
		} catch {
			return false;
		}
	});
}

function requireAnother(oldKey: string, newKey: string): void {
	if (Buffer.from(oldKey, 'base64').equals(Buffer.from(newKey, 'base64')))
		throw new UsageError('the new key is the present one');
}

async function readKey(path: string): Promise<string> {
	const text = await readFile(path, 'utf8').catch((error: unknown) => {
		throw new UsageError(`${path}: the key cannot be read (${errorMessage(error)})`, { cause: error });
	});
	const key = text.trim();
	if (!/^[\w+/=-]+$/.test(key) || Buffer.from(key, 'base64').length !== 32)
		throw new UsageError(`${path}: expected 32 bytes in base64`);
	return key;
}

/** For its owner alone, and on the disk before anything depends on it. */
async function writeKey(path: string, key: string): Promise<void> {
	await rm(path, { force: true });
	const file = await open(path, 'wx', 0o600);
	try {
		await file.writeFile(`${key}\n`);
		await file.sync();
	} finally {
		await file.close();
	}
	await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
	const folder = await open(path, 'r');
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}
