/** `npm run bench` as a command: wrong names are refused with the right ones, and what is interrupted leaves nothing. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { benchmarks } from '../../bench/registry.ts';
import { repository } from '../support/script.ts';

const names = benchmarks.map(({ name }) => name);

test.each([
	['an unknown name', ['cylce']],
	['an unknown size', ['cycle', '--size', '12']],
	['a size of a benchmark that has none', ['views', '--size', '100']],
	['no number', ['cycle', '--size', 'many']],
	['no time', ['soak', '--minutes', '0']],
	['a server that lets no namespaces in', ['cycle', '--namespaces', '--database', 'postgres://127.0.0.1/nowhere']],
])('%s ends with what there is and exit code 2', async (_, args) => {
	const told = await promisify(execFile)(process.execPath, ['bench/main.ts', ...args], { cwd: repository }).then(
		() => null,
		(error: { code: number; stdout: string; stderr: string }) => error,
	);
	expect(told).toMatchObject({ code: 2, stdout: '' });
	expect(told!.stderr).toContain('usage: npm run bench');
	if (!args.includes('--namespaces'))
		for (const name of names) expect(told!.stderr).toMatch(new RegExp(`^ {2}${name} `, 'm'));
});

test('interrupted at its work it ends with 130 and leaves neither server nor data nor a process', async () => {
	const bench = spawn(process.execPath, ['bench/main.ts', 'cycle', '--quick'], {
		cwd: repository,
		env: { ...process.env, BOTBOX_TEST_RUN_PID: undefined },
		// A group of its own: whoever is left in it is found by its number.
		detached: true,
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const pid = bench.pid!;
	for await (const line of createInterface({ input: bench.stdout })) if (line.includes('warm-up')) break;
	bench.stdout.resume();
	expect(await foldersOf(pid)).toHaveLength(1);
	bench.kill('SIGINT');
	const [code] = await once(bench, 'exit');
	expect(code).toBe(130);
	expect(await foldersOf(pid)).toEqual([]);
	await expect.poll(() => isThere(-pid), { timeout: 60_000 }).toBe(false);
}, 300_000);

async function foldersOf(pid: number): Promise<string[]> {
	return (await readdir(tmpdir())).filter((name) => name.startsWith(`botbox-test-${pid}-`));
}

function isThere(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
