/** BOTBOX_DATA_DIR as a folder: where the embedded server's record and the generated secrets live. */
import { chmod, mkdir } from 'node:fs/promises';
import { BotboxError, errorMessage } from '../../errors.ts';
import { isRoot } from './system-user.ts';

/**
 * Creates the data directory if absent. Root's lets others walk through it, whatever the umask, since the server runs
 * as another user; the secrets in it are mode 600 each.
 */
export async function makeDataDir(dataDir: string): Promise<void> {
	try {
		if ((await mkdir(dataDir, { recursive: true })) !== undefined) await chmod(dataDir, isRoot() ? 0o711 : 0o700);
	} catch (cause) {
		throw new BotboxError(
			'CONFIGURATION_INVALID',
			`BOTBOX_DATA_DIR ${dataDir} cannot be created: ${errorMessage(cause)}`,
			{ cause },
		);
	}
}
