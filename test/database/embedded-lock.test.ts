import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDataDir, withDataDirTurn } from '../../src/database/embedded/lock.ts';
import { runScript, startScript } from '../support/script.ts';

let dataDir: string;
beforeEach(async () => {
	dataDir = await mkdtemp(join(tmpdir(), 'botbox-lock-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const takeLock = `
	import { lockDataDir } from 'botbox:src/database/embedded/lock.ts';
	await lockDataDir(process.env.DIR);
	console.log('locked');
	setInterval(() => {}, 1_000);
`;

test('the second taker is told who has it; a released lock can be taken again', async () => {
	const lock = await lockDataDir(dataDir);
	await expect(lockDataDir(`${dataDir}/.`)).rejects.toMatchObject({
		code: 'DATABASE_IN_USE',
		message: expect.stringContaining(`(process ${process.pid})`),
	});
	await lock.release();
	await (await lockDataDir(dataDir)).release();
});

test('the lock of another process holds until that process is killed', async () => {
	const holder = startScript(takeLock, { DIR: dataDir });
	await holder.line('locked');
	await expect(lockDataDir(dataDir)).rejects.toMatchObject({ code: 'DATABASE_IN_USE' });
	holder.child.kill('SIGKILL');
	await once(holder.child, 'exit');
	await (await lockDataDir(dataDir)).release();
});

test('of eight processes at once exactly one gets it', async () => {
	const script = `
		import { lockDataDir } from 'botbox:src/database/embedded/lock.ts';
		process.stdin.once('data', async () => {
			try {
				await lockDataDir(process.env.DIR);
				console.log('won');
			} catch (error) {
				console.log(error.code);
			}
		});
		process.stdin.once('end', () => process.exit());
		console.log('ready');
	`;
	const racers = Array.from({ length: 8 }, () => startScript(script, { DIR: dataDir }));
	await Promise.all(racers.map((racer) => racer.line('ready')));
	for (const racer of racers) racer.child.stdin.write('go\n');
	const answers = await Promise.all(racers.map((racer) => racer.line(/^(won|DATABASE_IN_USE)$/)));
	for (const racer of racers) racer.child.stdin.end();
	await Promise.all(racers.map((racer) => racer.exit));
	expect(answers.filter((answer) => answer === 'won')).toHaveLength(1);
});

test('a child process does not inherit the lock', async () => {
	const lock = await lockDataDir(dataDir);
	const child = spawn('sleep', ['60'], { stdio: 'ignore' });
	await once(child, 'spawn');
	await lock.release();
	await (await lockDataDir(dataDir)).release();
	child.kill();
});

test('turns never overlap', async () => {
	let inside = 0;
	let worst = 0;
	const turn = () =>
		withDataDirTurn(dataDir, 10_000, async () => {
			worst = Math.max(worst, ++inside);
			await new Promise((resolve) => setImmediate(resolve));
			inside--;
		});
	await Promise.all([turn(), turn(), turn(), turn()]);
	expect(worst).toBe(1);
});

test('an unusable data directory is named in one line', async () => {
	const run = await runScript(
		`
			import { lockDataDir } from 'botbox:src/database/embedded/lock.ts';
			await lockDataDir('/dev/null/here').catch((error) => console.log(error.code, error.message));
		`,
		{},
	);
	expect(run.output).toMatch(/^CONFIGURATION_INVALID BOTBOX_DATA_DIR \/dev\/null\/here cannot be created: /);
});
