#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=60
// The one executable. In a clone the TypeScript runs as it is; the published package ships JavaScript in dist/, since Node
// refuses to strip types under node_modules. An older Node hands over to the pinned one.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src', 'cli.ts');
const entry = existsSync(source) ? source : join(root, 'dist', 'cli.js');

if (Number.parseInt(process.versions.node, 10) >= 24) {
	const { main } = await import(pathToFileURL(entry).href);
	await main(process.argv);
} else {
	const manifest = createRequire(import.meta.url).resolve('node/package.json');
	const node = join(dirname(manifest), 'bin', 'node');
	// The channel tells the child when this process is killed: it ends then, rather than being left behind.
	const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
	// Its own first line is not read there: see src/cli/node-flags.ts.
	const flags = ['--max-semi-space-size=8', '--heap-growing-percent=60'];
	const child = spawn(node, [...flags, fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio });
	// Ctrl-C and a closed terminal reach both processes by themselves, and a second signal would end the child at once.
	for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'])
		process.on(signal, () => {
			if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal);
		});
	child.on('error', (error) => {
		console.error(`botbox needs Node 24 or newer: ${error.message}`);
		process.exitCode = 1;
	});
	child.on('exit', (code) => {
		process.exitCode = code ?? 1;
		if (child.connected) child.disconnect();
	});
}
