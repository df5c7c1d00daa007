/**
 * A new master key: the credentials of every account and the settings of every alert channel are decrypted with the present key and encrypted with the new one in one
 * transaction, or nothing changes. Where the key lives in the data directory, the new one is on disk before the transaction
 * commits and takes its place afterwards by a rename; a run that was killed in between is finished by the next one.
 */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { lockCredentials, replaceCredentials } from '../database/functions/administration.ts';
import { lockAlertChannels, replaceChannelSettings } from '../database/functions/alerts.ts';
import type { Queryable } from '../database/functions/define.ts';
import type { Pool } from '../database/pool.ts';
import { inTransaction } from '../database/transaction.ts';
import { BotboxError, errorMessage, UsageError } from '../errors.ts';
import { openSecret, sealSecret } from '../exchange/credentials.ts';

export interface Rotation {
	/** Accounts whose credentials, and channels whose settings are under the new key. */
	readonly accounts: number;
	readonly channels: number;
	/** Where the new key and the one before lie; null: the operator keeps them. */
	readonly keyFile: string | null;
	readonly oldKeyFile: string | null;
}

/** One secret as it is stored. */
interface Sealed {
	readonly kind: 'account' | 'channel';
	readonly id: number;
	readonly name: string;
	readonly bytes: Buffer;
}

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
		const counts = await inTransaction(
			pool,
			async (db) => await reencrypt(db, await lockSecrets(db), oldKey, newKey, actor),
		);
		return { ...counts, keyFile: null, oldKeyFile: null };
	}

	const keyFile = join(resolve(config.dataDir), 'master.key');
	const [pendingFile, oldKeyFile] = [`${keyFile}.new`, `${keyFile}.old`];
	const oldKey = await readKey(keyFile);
	const given = newKeyFile === undefined ? null : await readKey(newKeyFile);
	if (given !== null) requireAnother(oldKey, given);
	const pending = await readKey(pendingFile).catch(() => null);
	let isDecided = false;
	try {
		const counts = await inTransaction(pool, async (db) => {
			const stored = await lockSecrets(db);
			// A run before this one was killed after its commit: its key is the one in use.
			if (pending !== null && stored.length > 0 && canRead(stored, pending)) {
				isDecided = true;
				return countOf(stored);
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
		return { ...counts, keyFile, oldKeyFile };
	} catch (error) {
		if (!isDecided) throw error;
		throw new BotboxError(
			'CONFIGURATION_INVALID',
			`whether the new key is in use is not sure: it is kept in ${pendingFile}, run botbox keys rotate again (${errorMessage(error)})`,
			{ cause: error },
		);
	}
}

async function lockSecrets(db: Queryable): Promise<Sealed[]> {
	const accounts = await lockCredentials(db, {});
	const channels = await lockAlertChannels(db, {});
	return [
		...accounts.map(({ accountId: id, name, credentials: bytes }) => ({ kind: 'account' as const, id, name, bytes })),
		...channels.map(({ channelId: id, name, settings: bytes }) => ({ kind: 'channel' as const, id, name, bytes })),
	];
}

async function reencrypt(
	db: Queryable,
	stored: readonly Sealed[],
	oldKey: string,
	newKey: string,
	actor: string,
): Promise<Pick<Rotation, 'accounts' | 'channels'>> {
	const readable: (Sealed & { readonly secret: unknown })[] = [];
	const unreadable: string[] = [];
	for (const sealed of stored) {
		try {
			readable.push({ ...sealed, secret: openSealed(sealed, oldKey) });
		} catch {
			unreadable.push(sealed.kind === 'account' ? sealed.name : `channel ${sealed.name}`);
		}
	}
	if (unreadable.length > 0)
		throw new BotboxError(
			'CREDENTIALS_UNREADABLE',
			`the present key does not decrypt the credentials of ${unreadable.join(', ')}: nothing was changed`,
		);
	for (const { kind, id, name, secret } of readable) {
		const bytes = sealSecret(secret, newKey);
		if (!isDeepStrictEqual(openSealed({ kind, id, name, bytes }, newKey), secret))
			throw new BotboxError('INTERNAL', `${kind} ${id}: what was encrypted does not decrypt to the same`);
		if (kind === 'account') await replaceCredentials(db, { accountId: id, credentials: bytes, actor });
		else await replaceChannelSettings(db, { channelId: id, settings: bytes, actor });
	}
	return countOf(readable);
}

function openSealed({ kind, name, bytes }: Sealed, key: string): unknown {
	return openSecret(bytes, key, z.unknown(), `The secrets of ${kind} ${name}`);
}

function countOf(stored: readonly Sealed[]): Pick<Rotation, 'accounts' | 'channels'> {
	const accounts = stored.filter(({ kind }) => kind === 'account').length;
	return { accounts, channels: stored.length - accounts };
}

function canRead(stored: readonly Sealed[], key: string): boolean {
	return stored.every((sealed) => {
		try {
			openSealed(sealed, key);
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
