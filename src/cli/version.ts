/** This version, from package.json. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder: two levels up from src/cli, and as many from dist/cli. */
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const version: string = (
	JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
).version;
