/**
 * Where the server's files lie, remembered in `database.json` in the data directory.
 *
 * Usually that is BOTBOX_DATA_DIR/postgres. When root runs botbox and the server's user cannot walk there, it is
 * /var/lib/botbox/<name>-<hash of the data directory>/postgres. The choice is made once: a database never moves
 * because the modes of some folder changed.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { BotboxError } from '../../errors.ts';
import { makeSharedRoot, sharedRoot } from './binaries.ts';
import { makeDataDir } from './data-dir.ts';
import { allows, canReach, findOrCreateServerUser, findUser, isRoot, type SystemUser } from './system-user.ts';

const recordSchema = z.object({
	/** The data directory that this record was written for: a copied or moved one is noticed. */
	dataDir: z.string(),
	/** PostgreSQL's own directory; relative to the data directory when inside it. */
	pgdata: z.string(),
	port: z.number().int().min(1).max(65_535).optional(),
});

export interface Location {
	readonly dataDir: string;
	readonly pgdata: string;
	readonly passwordFile: string;
	/** The user who runs the server; undefined: whoever runs botbox. */
	readonly user: SystemUser | undefined;
	/** The port used last. */
	readonly port: number | undefined;
}

const recordName = 'database.json';

export async function findLocation(dataDir: string, log: (line: string) => void): Promise<Location> {
	await makeDataDir(dataDir);
	const real = await realpath(dataDir);
	const passwordFile = join(real, 'database-password');
	const record = await readRecord(real);

	if (record !== undefined) {
		const pgdata = resolve(real, record.pgdata);
		const outside = isAbsolute(record.pgdata);
		const copied = outside && record.dataDir !== real && (await isSameRecord(record.dataDir, record.pgdata));
		if (!copied) {
			const owner = await ownerOf(pgdata, real);
			return { dataDir: real, pgdata, passwordFile, user: owner, port: record.port };
		}
		log(`${real} is a copy of ${record.dataDir}, whose database stays there; this one starts empty`);
	}

	const user = isRoot() ? await findOrCreateServerUser() : undefined;
	const inside = join(real, 'postgres');
	const reachable = user === undefined || ((await canReach(user, real)) && allows(user, await stat(real), 0o1));
	const location: Location = {
		dataDir: real,
		pgdata: reachable ? inside : await makeSharedFolder(real, user, log),
		passwordFile,
		user,
		port: undefined,
	};
	await writeRecord(location);
	return location;
}

export async function rememberPort(location: Location, port: number): Promise<void> {
	if (location.port !== port) await writeRecord({ ...location, port });
}

/**
 * A new folder under /var/lib/botbox. One of the same name is left of a data directory that was deleted there and
 * made again: its database is not ours to open, without its password, nor to remove.
 */
async function makeSharedFolder(dataDir: string, user: SystemUser, log: (line: string) => void): Promise<string> {
	await makeSharedRoot(user);
	const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
	const project = basename(dirname(dataDir)).replace(/[^A-Za-z0-9_-]/g, '') || 'data';
	for (let attempt = 1; ; attempt++) {
		const folder = join(sharedRoot, `${project}-${hash}${attempt === 1 ? '' : `-${attempt}`}`);
		try {
			await mkdir(folder);
			await chmod(folder, 0o711);
			return join(folder, 'postgres');
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
			log(`an older database of ${dataDir} stays in ${folder}`);
		}
	}
}

/** The user of an existing database: what an ordinary user created stays his when root starts it. */
async function ownerOf(pgdata: string, dataDir: string): Promise<SystemUser | undefined> {
	const info = await stat(pgdata).catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT') return undefined;
		throw new BotboxError('DATABASE_UNAVAILABLE', `${pgdata} cannot be read by this user`, { cause: error });
	});
	if (info === undefined) {
		if (pgdata.startsWith(dataDir)) return isRoot() ? await findOrCreateServerUser() : undefined;
		if (isRoot() && (await stat(dirname(pgdata)).catch(() => undefined))) return await findOrCreateServerUser();
		throw new BotboxError(
			'DATABASE_UNAVAILABLE',
			`the database of ${dataDir} is gone from ${pgdata}: restore it, or delete ${join(dataDir, recordName)} to start empty`,
		);
	}
	if (info.uid === process.getuid?.() && !isRoot()) return undefined;
	if (!isRoot()) {
		throw new BotboxError(
			'DATABASE_UNAVAILABLE',
			`the database in ${pgdata} belongs to another user: run botbox as that user or as root, or set BOTBOX_DATA_DIR`,
		);
	}
	if (info.uid === 0) return await findOrCreateServerUser();
	return (await findUser(info.uid)) ?? { uid: info.uid, gid: info.gid, groups: [info.gid] };
}

async function isSameRecord(dataDir: string, pgdata: string): Promise<boolean> {
	const other = await readRecord(dataDir).catch(() => undefined);
	return other?.pgdata === pgdata;
}

async function readRecord(dataDir: string): Promise<z.infer<typeof recordSchema> | undefined> {
	const path = join(dataDir, recordName);
	let text: string;
	try {
		text = await readFile(path, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw new BotboxError('DATABASE_UNAVAILABLE', `${path} cannot be read by this user`, { cause: error });
	}
	try {
		return recordSchema.parse(JSON.parse(text));
	} catch (cause) {
		throw new BotboxError('DATABASE_UNAVAILABLE', `${path} is damaged: restore it, or delete it to start empty`, {
			cause,
		});
	}
}

async function writeRecord(location: Location): Promise<void> {
	const inside = relative(location.dataDir, location.pgdata);
	await replaceFile(join(location.dataDir, recordName), location, {
		dataDir: location.dataDir,
		pgdata: inside.startsWith('..') ? location.pgdata : inside,
		port: location.port,
	});
}

/** Written beside and renamed: a reader or a crash never sees half a record. */
async function replaceFile(path: string, { dataDir }: Location, record: z.infer<typeof recordSchema>): Promise<void> {
	const partial = `${path}.${process.pid}`;
	await writeFile(partial, `${JSON.stringify(record, null, '\t')}\n`, { mode: 0o644 });
	await giveToOwner(partial, dataDir);
	await rename(partial, path);
}

/** What root writes into another user's data directory stays readable by that user. */
export async function giveToOwner(path: string, dataDir: string): Promise<void> {
	if (!isRoot()) return;
	const owner = await lstat(dataDir);
	if (owner.uid !== 0) await chown(path, owner.uid, owner.gid);
}

/** The password of the server, made at first use. Mode 600: it is the key to everything. */
export async function readOrMakePassword(location: Location): Promise<string> {
	try {
		return (await readFile(location.passwordFile, 'utf8')).trim();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
			throw new BotboxError('DATABASE_UNAVAILABLE', `${location.passwordFile} cannot be read by this user`, {
				cause: error,
			});
		}
	}
	if ((await stat(location.pgdata).catch(() => undefined)) !== undefined) {
		throw new BotboxError(
			'DATABASE_UNAVAILABLE',
			`${location.passwordFile} is missing: restore it beside the database`,
		);
	}
	const password = randomBytes(24).toString('base64url');
	await writeFile(location.passwordFile, `${password}\n`, { mode: 0o600 });
	await giveToOwner(location.passwordFile, location.dataDir);
	return password;
}
