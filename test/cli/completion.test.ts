/** The script that `botbox completion` prints knows every command and option; bash is asked what it would complete. */
import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { type Shell, shells } from '../../src/cli/completion.ts';
import { buildProgram } from '../../src/cli.ts';
import { runCommand } from './command.ts';

async function script(shell: Shell): Promise<string> {
	const { code, stdout, stderr } = await runCommand(['completion', shell]);
	expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
	return stdout;
}

function all(command: Command): Command[] {
	return [command, ...command.commands.flatMap(all)];
}

test.each(shells)('%s: every command and every option is in it', async (shell) => {
	const text = await script(shell);
	for (const command of all(buildProgram())) {
		expect(text).toContain(command.name());
		for (const { long } of command.options) {
			const flag = long ?? '';
			expect(text).toContain(shell === 'fish' ? `-l ${flag.slice(2)}` : flag);
		}
	}
});

test.each(shells)('%s: where there is such a shell, it can read it', async (shell) => {
	const { error, status, stderr } = spawnSync(shell, ['-n'], { input: await script(shell), encoding: 'utf8' });
	if (error === undefined) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
	else expect(error).toMatchObject({ code: 'ENOENT' });
});

test.each([
	[['bo'], ['bots']],
	[
		['bots', ''],
		['list', 'show', 'create', 'limit', 'execution', 'pause', 'resume', 'delete', 'check', '-h', '--help'],
	],
	[
		['bots', 'check', '--'],
		['--dry-run', '--json', '--help'],
	],
	[
		['up', '--exchange', 'by'],
		['bybit', 'bybit_testnet'],
	],
	// A word that is no command, such as the name of a bot, leaves one where one was.
	[['bots', 'show', 'my-bot', '--j'], ['--json']],
	[['nonsense', 'mig'], ['migrate']],
])('bash: %j', async (words, expected) => {
	const line = ['botbox', ...words];
	const asked = `${await script('bash')}
COMP_WORDS=(${line.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${line.length - 1}
_botbox; printf '%s\\n' "\${COMPREPLY[@]}"`;
	const { stdout, stderr } = spawnSync('bash', ['--norc'], { input: asked, encoding: 'utf8' });
	expect(stderr).toBe('');
	expect(stdout.trim().split('\n')).toEqual(expected);
});
