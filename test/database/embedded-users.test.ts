/**
 * The embedded server for root and for ordinary users, and with clones that others cannot look into. Only root can
 * show this: elsewhere the file is skipped, and test/database/embedded.test.ts shows the ordinary user.
 */
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmbedded } from '../../src/database/embedded/server.ts';
import { allows, canReach, canRead, findUser, isRoot } from '../../src/database/embedded/system-user.ts';
import { repository, runScript } from '../support/script.ts';
import { makeServerFolder } from '../support/temporary-server.ts';

const run = promisify(execFile);

describe('permission bits', () => {
	const user = { uid: 1_000, gid: 100, groups: [100, 200] };
	test.each([
		['owner', { uid: 1_000, gid: 0, mode: 0o100700 }, true],
		['owner without the bit, though others have it', { uid: 1_000, gid: 0, mode: 0o100077 }, false],
		['member of the group', { uid: 0, gid: 200, mode: 0o100070 }, true],
		['group without the bit, though others have it', { uid: 0, gid: 200, mode: 0o100707 }, false],
		['other', { uid: 0, gid: 0, mode: 0o100005 }, true],
		['other without the bit', { uid: 0, gid: 0, mode: 0o100774 }, false],
	])('%s', (_, info, expected) => {
		expect(allows(user, info, 0o5)).toBe(expected);
	});

	test('root may do everything', () => {
		expect(allows({ uid: 0, gid: 0, groups: [0] }, { uid: 7, gid: 7, mode: 0 }, 0o7)).toBe(true);
	});
});

describe.skipIf(!isRoot())('on a machine where we are root', () => {
	let base: string;
	/** A copy of this repository under a folder of mode 755, whatever hides the repository itself. */
	let clone: string;
	let node: string;

	beforeAll(async () => {
		base = await makeServerFolder();
		clone = join(base, 'clone');
		await mkdir(clone);
		const parts = ['package.json', 'src', 'node_modules'].map((part) => join(repository, part));
		// Hard links where possible: the binaries alone are 60 MB.
		await run('cp', ['-al', ...parts, clone]).catch(() => run('cp', ['-a', ...parts, clone]));
		await run('chmod', ['a+rx', clone]);
		node = process.execPath.startsWith(`${repository}/`)
			? join(clone, process.execPath.slice(repository.length))
			: process.execPath;
	});
	afterAll(() => rm(base, { recursive: true, force: true }));

	const startAndDescribe = `
		import { startEmbedded } from 'botbox:src/database/embedded/server.ts';
		import { stat } from 'node:fs/promises';
		try {
			const server = await startEmbedded({ dataDir: process.env.DIR });
			const { uid, mode } = await stat(server.pgdata);
			console.log(JSON.stringify({ pgdata: server.pgdata, started: server.started, uid, mode: (mode & 0o777).toString(8) }));
			if (process.env.STOP !== 'no') await server.stop();
		} catch (error) {
			console.log(error.code, error.message);
		}
		process.exit();
	`;

	test('reach is judged by every folder on the way', async () => {
		const nobody = (await findUser('nobody'))!;
		const hidden = join(base, 'hidden');
		await mkdir(join(hidden, 'inner'), { recursive: true });
		await chmod(hidden, 0o700);
		expect(await canReach(nobody, join(hidden, 'inner'))).toBe(false);
		expect(await canRead(nobody, join(hidden, 'inner'))).toBe(false);
		await chmod(hidden, 0o711);
		expect(await canReach(nobody, join(hidden, 'inner'))).toBe(true);
		expect(await canRead(nobody, join(hidden, 'inner'))).toBe(true);
		expect(await canRead(nobody, hidden)).toBe(false);
		await chmod(join(hidden, 'inner'), 0o750);
		expect(await canRead(nobody, join(hidden, 'inner'))).toBe(false);
	});

	test('the server runs as user postgres, with its data in the data directory', async () => {
		const dataDir = join(base, 'plain', '.botbox');
		const run = await runScript(startAndDescribe, { DIR: dataDir }, { root: clone, node });
		expect(JSON.parse(run.output)).toEqual({
			pgdata: join(dataDir, 'postgres'),
			started: true,
			uid: (await findUser('postgres'))?.uid,
			mode: '700',
		});
	});

	test('a clone in a folder of mode 700: binaries and data go to a place that the server can reach', async () => {
		const home = join(base, 'home');
		await mkdir(home, { mode: 0o700 });
		await chmod(home, 0o700);
		const hiddenClone = join(home, 'clone');
		await run('cp', ['-al', clone, hiddenClone]);
		const dataDir = join(hiddenClone, '.botbox');
		const root = { root: hiddenClone, node: node.replace(clone, hiddenClone) };

		const first = JSON.parse((await runScript(startAndDescribe, { DIR: dataDir, STOP: 'no' }, root)).output);
		try {
			expect(first.pgdata).toMatch(/^\/var\/lib\/botbox\/clone-[0-9a-f]{12}\/postgres$/);
			expect(JSON.parse(await readFile(join(dataDir, 'database.json'), 'utf8')).pgdata).toBe(first.pgdata);
			const second = JSON.parse((await runScript(startAndDescribe, { DIR: dataDir }, root)).output);
			expect(second).toEqual({ ...first, started: false });
			// The choice stays, also when the folder has been opened in the meantime.
			await chmod(home, 0o755);
			const third = JSON.parse((await runScript(startAndDescribe, { DIR: dataDir }, root)).output);
			expect(third).toEqual(first);

			const copy = join(base, 'copied', '.botbox');
			await mkdir(dirname(copy));
			await run('cp', ['-a', dataDir, copy]);
			const lines: string[] = [];
			const ofCopy = await startEmbedded({ dataDir: copy, log: (line) => lines.push(line) });
			await ofCopy.stop();
			expect(ofCopy.pgdata).not.toBe(first.pgdata);
			expect(lines.join()).toContain('is a copy of');

			await rm(dirname(first.pgdata), { recursive: true });
			const lost = await runScript(startAndDescribe, { DIR: dataDir }, root);
			expect(lost.output).toMatch(/^DATABASE_UNAVAILABLE the database of .* is gone from /);
		} finally {
			await rm(dirname(first.pgdata), { recursive: true, force: true });
		}
	});

	test('a data directory that was deleted and made again starts empty, and leaves the old database where it is', async () => {
		const home = join(base, 'private');
		await mkdir(home, { mode: 0o700 });
		const dataDir = join(home, '.botbox');
		const folders: string[] = [];
		try {
			for (const suffix of ['', '-2']) {
				const server = await startEmbedded({ dataDir });
				await server.stop();
				folders.push(dirname(server.pgdata));
				expect(server.started).toBe(true);
				expect(server.pgdata).toMatch(new RegExp(`/private-[0-9a-f]{12}${suffix}/postgres$`));
				await rm(dataDir, { recursive: true });
			}
		} finally {
			for (const folder of folders) await rm(folder, { recursive: true, force: true });
		}
	});

	test('an ordinary user runs it as himself; root starts his database as him; he cannot start root’s', async () => {
		const nobody = (await findUser('nobody'))!;
		const home = join(base, 'nobody');
		await mkdir(home);
		await chown(home, nobody.uid, nobody.gid);
		const asNobody = { root: clone, node, uid: nobody.uid, gid: nobody.gid, cwd: '/' };
		const dataDir = join(home, '.botbox');

		const his = await runScript(startAndDescribe, { DIR: dataDir }, asNobody);
		const expected = { pgdata: join(dataDir, 'postgres'), started: true, uid: nobody.uid, mode: '700' };
		expect(JSON.parse(his.output)).toEqual(expected);
		const byRoot = await runScript(startAndDescribe, { DIR: dataDir }, { root: clone, node });
		expect(JSON.parse(byRoot.output)).toEqual(expected);
		const again = await runScript(startAndDescribe, { DIR: dataDir }, asNobody);
		expect(JSON.parse(again.output)).toEqual(expected);
		expect((await stat(join(dataDir, 'database-password'))).uid).toBe(nobody.uid);

		const roots = join(base, 'roots', '.botbox');
		await runScript(startAndDescribe, { DIR: roots }, { root: clone, node });
		const refused = await runScript(startAndDescribe, { DIR: roots }, asNobody);
		expect(refused.output).toMatch(/^DATABASE_UNAVAILABLE .*(another user|cannot be read by this user)/);
	});
});
