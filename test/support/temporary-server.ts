/**
 * Embedded servers in temporary directories. Each directory's name carries the pid of the run that made it, so that a
 * later run can tell and remove what a killed one left behind: a running server and its files.
 */
import { readFileSync, rmSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedServer, startEmbedded } from '../../src/database/embedded/server.ts';

const prefix = 'botbox-test-';
const keptDays = 3;

/** A directory for servers, with data directories one level below; users other than its owner can walk through it. */
export async function makeServerFolder(): Promise<string> {
	const base = await mkdtemp(join(tmpdir(), `${prefix}${process.env.BOTBOX_TEST_RUN_PID ?? process.pid}-`));
	// mkdtemp makes it private, and the server of root's test run is another user.
	await chmod(base, 0o755);
	return base;
}

/** Says in the folder that a person wants to look at it. */
export async function keepServerFolder(base: string, reason: string): Promise<void> {
	await writeFile(join(base, 'kept'), `${reason}\n`);
}

/** Ends the server and removes its folder when this process exits without having stopped it, by Ctrl-C say. */
export function stopAtExit(server: EmbeddedServer, base: string): () => void {
	const stop = () => {
		try {
			const pid = Number.parseInt(readFileSync(join(server.pgdata, 'postmaster.pid'), 'utf8'), 10);
			// Immediate shutdown: its files go in the same moment.
			process.kill(pid, 'SIGQUIT');
			rmSync(base, { recursive: true, force: true, maxRetries: 5 });
		} catch {
			// Not running, or still writing: the next run removes the rest.
		}
	};
	process.once('exit', stop);
	return () => process.off('exit', stop);
}

export async function removeLeftovers(): Promise<void> {
	for (const name of await readdir(tmpdir())) {
		const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
		if (!pid || isAlive(pid)) continue;
		const base = join(tmpdir(), name);
		if (await isKept(base)) continue;
		for (const entry of await readdir(base, { withFileTypes: true }).catch(() => [])) {
			const dataDir = join(base, entry.name);
			if (!(await stat(join(dataDir, 'postgres', 'postmaster.pid')).catch(() => undefined))) continue;
			await startEmbedded({ dataDir }).then(
				(server) => server.stop(),
				() => {},
			);
		}
		await rm(base, { recursive: true, force: true, maxRetries: 5 });
	}
}

async function isKept(base: string): Promise<boolean> {
	const mark = await stat(join(base, 'kept')).catch(() => undefined);
	return mark !== undefined && Date.now() - mark.mtimeMs < keptDays * 86_400_000;
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}
