/**
 * Which system user runs the server, and what that user can reach.
 *
 * PostgreSQL refuses to run as root. An ordinary user runs it as himself; root runs it as `postgres`, created when
 * absent. That user must be able to walk to the binaries and to the data, which it cannot when they lie under, say,
 * /root with mode 700; `canReach` answers that from the modes and owners of every folder on the way.
 */
import { execFile } from 'node:child_process';
import type { Stats } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { BotboxError } from '../../errors.ts';

const run = promisify(execFile);

export interface SystemUser {
	readonly uid: number;
	readonly gid: number;
	/** Every group of the user, the primary one included. */
	readonly groups: readonly number[];
}

const serverUserName = 'postgres';

export function isRoot(): boolean {
	return process.getuid?.() === 0;
}

/** The user `postgres` of this system; root only. */
export async function findOrCreateServerUser(): Promise<SystemUser> {
	const present = await findUser(serverUserName);
	if (present !== undefined) return present;
	try {
		if (!(await readFile('/etc/group', 'utf8')).match(/^postgres:/m))
			await run('groupadd', ['--system', serverUserName]);
		await run('useradd', [
			...['--system', '--gid', serverUserName, '--no-create-home', '--home-dir', '/nonexistent'],
			...['--shell', '/usr/sbin/nologin', serverUserName],
		]);
	} catch (cause) {
		// Another process may have created the user in the meantime.
		const created = await findUser(serverUserName);
		if (created !== undefined) return created;
		throw new BotboxError(
			'DATABASE_UNAVAILABLE',
			'PostgreSQL does not run as root, and the system user "postgres" could not be created; ' +
				'create it, or run botbox as an ordinary user, or set DATABASE_URL',
			{ cause },
		);
	}
	const created = await findUser(serverUserName);
	if (created === undefined) throw new BotboxError('DATABASE_UNAVAILABLE', 'useradd left no user "postgres"');
	return created;
}

/** A user by name or number. */
export async function findUser(user: string | number): Promise<SystemUser | undefined> {
	try {
		const ask = async (flag: string) => (await run('id', [flag, String(user)])).stdout.trim().split(/\s+/).map(Number);
		const [[uid], [gid], groups] = await Promise.all([ask('-u'), ask('-g'), ask('-G')]);
		return uid === undefined || gid === undefined ? undefined : { uid, gid, groups };
	} catch {
		return undefined;
	}
}

/** Whether the user may walk to `path`: execute permission on every folder above it, symbolic links resolved. */
export async function canReach(user: SystemUser, path: string): Promise<boolean> {
	const real = await realpath(path);
	for (let folder = dirname(real); ; folder = dirname(folder)) {
		if (!allows(user, await stat(folder), 0o1)) return false;
		if (folder === dirname(folder)) return true;
	}
}

/** Whether the user may read the whole tree: every folder entered and listed, every file read, programs executed. */
export async function canRead(user: SystemUser, root: string): Promise<boolean> {
	if (!(await canReach(user, root))) return false;
	const own = await stat(root);
	if (!allows(user, own, own.isDirectory() ? 0o5 : 0o4)) return false;
	if (!own.isDirectory()) return true;
	for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
		const path = join(entry.parentPath, entry.name);
		const info = await stat(path);
		const needed = info.isDirectory() || (info.mode & 0o100) !== 0 ? 0o5 : 0o4;
		if (!allows(user, info, needed)) return false;
	}
	return true;
}

/** The permission bits (4 read, 2 write, 1 execute) that apply to this user, as the kernel picks them. */
export function allows(user: SystemUser, info: Pick<Stats, 'mode' | 'uid' | 'gid'>, bits: number): boolean {
	if (user.uid === 0) return true;
	const shift = info.uid === user.uid ? 6 : user.groups.includes(info.gid) ? 3 : 0;
	return ((info.mode >> shift) & bits) === bits;
}
