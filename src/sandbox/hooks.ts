/** How imports resolve in a strategy's thread: `botbox/strategy` and zod are ours, wherever the user's file lies. */
import { registerHooks } from 'node:module';
import { dirname, extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ThreadData } from './protocol.ts';

const entry = new URL(`../strategies/public${extname(fileURLToPath(import.meta.url))}`, import.meta.url).href;

export function resolveOurs({ path, source }: ThreadData): void {
	const file = pathToFileURL(path).href;
	const folder = `${pathToFileURL(dirname(path)).href}/`;
	registerHooks({
		resolve(specifier, context, next) {
			if (specifier === 'botbox/strategy') return { url: entry, shortCircuit: true };
			// A schema of another copy of zod would not be one of ours.
			const isZod = specifier === 'zod' || specifier.startsWith('zod/');
			return next(specifier, isZod ? { ...context, parentURL: import.meta.url } : context);
		},
		load(url, context, next) {
			// A folder of strategies needs no package.json: its files are modules.
			const format = isBeneath(url, folder) ? formatOf(url) : null;
			if (format === null) return next(url, context);
			if (url === file) return { format, source, shortCircuit: true };
			return next(url, { ...context, format });
		},
	});
}

function isBeneath(url: string, folder: string): boolean {
	return url.startsWith(folder) && !url.includes('/node_modules/');
}

function formatOf(url: string): 'module' | 'module-typescript' | null {
	if (/\.m?ts$/.test(url)) return 'module-typescript';
	return /\.m?js$/.test(url) ? 'module' : null;
}
