/** `botbox tokens …`: create, list, revoke. */
import { createHash, randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { createToken, revokeToken } from '../../database/functions/administration.ts';
import { listView } from '../../database/listing.ts';
import { BotboxError } from '../../errors.ts';
import { duration, oneOf, positiveInteger } from '../arguments.ts';
import { printJson, printTable } from '../output.ts';
import { actor, withDatabase } from '../session.ts';

export function registerTokens(program: Command): void {
	const tokens = program.command('tokens').description('make, list and revoke API tokens');

	tokens
		.command('create')
		.description('make a token; it is shown once, only its hash is kept')
		.requiredOption('--role <role>', 'viewer, operator or admin', oneOf('viewer', 'operator', 'admin'))
		.option('--name <name>', 'what it is for', 'cli')
		.option('--expires-in <duration>', 'valid for 12h, 30d …', duration)
		.option('--json', 'print as JSON')
		.action(
			async (options: { role: 'viewer' | 'operator' | 'admin'; name: string; expiresIn?: number; json?: boolean }) => {
				await withDatabase(async (pool) => {
					const token = `bb_${randomBytes(32).toString('base64url')}`;
					const tokenHash = createHash('sha256').update(token).digest();
					const expiresAt = options.expiresIn === undefined ? null : new Date(Date.now() + options.expiresIn);
					const id = await createToken(pool, {
						name: options.name,
						role: options.role,
						tokenHash,
						expiresAt,
						actor: actor(),
					});
					if (options.json) printJson({ id, name: options.name, role: options.role, expires_at: expiresAt, token });
					else process.stdout.write(`${token}\n`);
				});
			},
		);

	tokens
		.command('list')
		.description('list tokens, without the tokens themselves')
		.option('--json', 'print as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabase(async (pool) => {
				const rows = await listView(pool, 'api_tokens', { orderBy: 'token_id' });
				if (options.json) printJson(rows);
				else printTable(rows, ['token_id', 'name', 'role', 'created_at', 'expires_at', 'revoked_at', 'last_used_at']);
			});
		});

	tokens
		.command('revoke')
		.argument('<id>', 'number of the token', positiveInteger)
		.description('revoke a token at once')
		.action(async (id: number) => {
			await withDatabase(async (pool) => {
				if (!(await revokeToken(pool, { tokenId: id, actor: actor() })))
					throw new BotboxError('NOT_FOUND', `there is no valid token ${id}`);
				process.stdout.write(`token ${id} revoked\n`);
			});
		});
}
