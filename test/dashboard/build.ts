/** The built page, built anew when a source is younger. */
import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const pageDir = join(root, 'dist', 'dashboard');

export async function buildPage(): Promise<void> {
	const built = await stat(join(pageDir, 'index.html')).then(
		({ mtimeMs }) => mtimeMs,
		() => 0,
	);
	const sources = await readdir(join(root, 'src', 'dashboard'), { recursive: true, withFileTypes: true });
	const files = sources.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
	const times = await Promise.all(
		[...files, join(root, 'vite.config.ts')].map(async (file) => (await stat(file)).mtimeMs),
	);
	if (built > Math.max(...times)) return;
	const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
	// As from the command line: vitest's own environment would make it a development build.
	const env = { ...process.env, NODE_ENV: 'production' };
	await promisify(execFile)(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: root, env });
}
