/** The files of a folder that are strategies. */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorMessage } from '../errors.ts';
import type { StrategyFault } from '../strategies/catalogue.ts';
import type { ThreadData } from './protocol.ts';

export interface StrategyFile extends ThreadData {
	/** Without the folder. */
	readonly name: string;
}

/** More files than that in one folder are a mistake, and each is a thread. */
export const maxFiles = 64;
const maxBytes = 1_000_000;

/** `.ts`, `.mts`, `.js` and `.mjs` right in `folder`, by name; tests, declarations and hidden files are passed over. */
export async function readStrategyFiles(
	folder: string,
): Promise<{ files: readonly StrategyFile[]; faults: readonly StrategyFault[] }> {
	const files: StrategyFile[] = [];
	const faults: StrategyFault[] = [];
	let names: string[];
	try {
		names = (await readdir(folder)).filter(isStrategyFile).sort();
	} catch (error) {
		return { files, faults: [{ file: folder, message: `the folder cannot be read: ${errorMessage(error)}` }] };
	}
	for (const [index, name] of names.entries()) {
		try {
			if (index >= maxFiles) throw new RangeError(`it is one of more than ${maxFiles} files`);
			const path = resolve(join(folder, name));
			const source = await readFile(path, 'utf8');
			if (source.length > maxBytes) throw new RangeError(`it is larger than ${maxBytes} characters`);
			files.push({ name, path, source });
		} catch (error) {
			faults.push({ file: name, message: errorMessage(error) });
		}
	}
	return { files, faults };
}

function isStrategyFile(name: string): boolean {
	return /^[^.].*\.m?[jt]s$/.test(name) && !/\.(d|test|spec)\.m?[jt]s$/.test(name);
}
