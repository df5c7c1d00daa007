/** `botbox keys rotate`: a new master key for the stored credentials. */
import type { Command } from 'commander';
import { rotateKey } from '../key-rotation.ts';
import { printJson } from '../output.ts';
import { actor, withDatabase } from '../session.ts';

export function registerKeys(program: Command): void {
	const keys = program.command('keys').description('change the key that encrypts credentials and secrets of channels');

	keys
		.command('rotate')
		.description(
			'encrypt the credentials of every account and the secrets of every alert channel with a new master key, all or none',
		)
		.option(
			'--new-key-file <file>',
			'file with the new key, 32 bytes in base64; made if the key lives in the data directory',
		)
		.option('--json', 'print as JSON')
		.action(async (options: { newKeyFile?: string; json?: boolean }) => {
			await withDatabase(async (pool, config) => {
				const { accounts, channels, keyFile, oldKeyFile } = await rotateKey(pool, config, {
					newKeyFile: options.newKeyFile,
					actor: actor(),
				});
				if (options.json) return printJson({ accounts, channels, key_file: keyFile, old_key_file: oldKeyFile });
				const more = channels === 0 ? '' : ` and secrets of ${channels} alert channels`;
				process.stdout.write(`credentials of ${accounts} accounts${more} are encrypted with the new key\n`);
				process.stdout.write(
					keyFile === null
						? 'set BOTBOX_MASTER_KEY to it and restart every process\n'
						: `it is in ${keyFile}, the one before in ${oldKeyFile}; restart every process\n`,
				);
			});
		});
}
