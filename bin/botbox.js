#!/usr/bin/env node
// The one executable. In a clone the TypeScript runs as it is; the published package ships JavaScript in dist/, since Node
// refuses to strip types under node_modules. An older Node hands over to the pinned one.
import { spawnSync } from 'node:child_process';
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
	const child = spawnSync(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
	if (child.error) console.error(`botbox needs Node 24 or newer: ${child.error.message}`);
	process.exitCode = child.status ?? 1;
}
