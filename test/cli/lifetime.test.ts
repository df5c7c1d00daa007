/** What ends a process that runs until it is told to end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const lifetime = fileURLToPath(new URL('../../src/cli/lifetime.ts', import.meta.url));

test('a process that npm started through a shell ends when that shell is gone', async () => {
	const script = `import { untilToldToEnd } from ${JSON.stringify(lifetime)};
		const keep = setInterval(() => undefined, 1_000);
		const told = untilToldToEnd();
		console.log('waiting');
		console.log(await told);
		clearInterval(keep);`;
	// The shell does not replace itself by its last command, as npm's does not.
	const shell = spawn('sh', ['-c', '"$0" --input-type=module-typescript -e "$1"; true', process.execPath, script], {
		env: { ...process.env, npm_lifecycle_event: 'start' },
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	let told = '';
	shell.stdout.setEncoding('utf8').on('data', (text: string) => {
		told += text;
		if (told.includes('waiting')) shell.kill('SIGKILL');
	});
	// Its output ends when the process below it has ended, too.
	await once(shell.stdout, 'end');
	expect(told.trim().split('\n')).toEqual(['waiting', 'parent']);
}, 30_000);
