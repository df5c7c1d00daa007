/** Files that a command is given. */
import { access, constants, stat } from 'node:fs/promises';
import { errorMessage } from '../errors.ts';

/** In bytes. Throws an Error of one line that names the path where it is missing, may not be read, or is no file: exit 1. */
export async function sizeOfFile(path: string): Promise<number> {
	const found = await stat(path).catch((error: unknown) => {
		throw refusal(path, error);
	});
	if (!found.isFile()) throw new Error(`${path}: is not a file`);
	await access(path, constants.R_OK).catch((error: unknown) => {
		throw refusal(path, error);
	});
	return found.size;
}

function refusal(path: string, error: unknown): Error {
	const code = error instanceof Error && 'code' in error ? error.code : null;
	if (code === 'ENOENT' || code === 'ENOTDIR') return new Error(`${path}: there is no such file`, { cause: error });
	if (code === 'EACCES') return new Error(`${path}: may not be read`, { cause: error });
	return new Error(`${path}: cannot be read: ${errorMessage(error)}`, { cause: error });
}
