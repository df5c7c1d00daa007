/** `botbox pause` and `botbox resume`: entries of everything, an exchange, an account or a bot. */
import type { Command } from 'commander';
import type { Queryable } from '../../database/functions/define.ts';
import { pauseEntries, resumeEntries } from '../../database/functions/guards.ts';
import { listView } from '../../database/listing.ts';
import { UsageError } from '../../errors.ts';
import { duration } from '../arguments.ts';
import { actor, withDatabase } from '../session.ts';
import { findAccount, findBot } from './bots.ts';

export interface ScopeOptions {
	readonly all?: boolean;
	readonly exchange?: string;
	readonly account?: string;
	readonly bot?: string;
}

export function registerPauses(program: Command): void {
	withScope(program.command('pause'))
		.description('stop entries; positions, their stops and their closes go on')
		.option('--for <duration>', 'lift it by itself after 90s, 30m, 2h or 1d', duration)
		.option('--reason <text>', 'why', 'paused by hand')
		.option('--cancel-queued', 'cancel entries that wait in the queue, instead of letting their time run out')
		.action(async (options: ScopeOptions & { for?: number; reason: string; cancelQueued?: boolean }) => {
			requireOneScope(options);
			await withDatabase(async (pool) => {
				const scope = await findScope(pool, options);
				const liftsAt = options.for === undefined ? null : new Date(Date.now() + options.for);
				const { reason, cancelQueued } = options;
				const id = await pauseEntries(pool, { ...scope, reason, liftsAt, cancelQueued, actor: actor() });
				process.stdout.write(`pause ${id} is in force${liftsAt === null ? '' : ` until ${liftsAt.toISOString()}`}\n`);
			});
		});

	withScope(program.command('resume'))
		.description('lift the pauses of exactly this scope')
		.action(async (options: ScopeOptions) => {
			requireOneScope(options);
			await withDatabase(async (pool) => {
				const lifted = await resumeEntries(pool, { ...(await findScope(pool, options)), actor: actor() });
				process.stdout.write(`${lifted} pauses lifted\n`);
			});
		});
}

export function withScope(command: Command): Command {
	return command
		.option('--all', 'everything')
		.option('--exchange <exchange>', 'one exchange')
		.option('--account <account>', 'one account, by id or name')
		.option('--bot <bot>', 'one bot, by id or name');
}

export function requireOneScope(options: ScopeOptions): void {
	const given = [options.all, options.exchange, options.account, options.bot].filter((value) => value !== undefined);
	if (given.length !== 1) throw new UsageError('say what: one of --all, --exchange, --account or --bot');
}

/** The one thing that was named, as pause_entries and flatten_positions take it. */
export async function findScope(db: Queryable, options: ScopeOptions) {
	if (options.exchange !== undefined) {
		const known = (await listView(db, 'exchange_health')).map((row) => String(row.exchange_id));
		if (!known.includes(options.exchange))
			throw new UsageError(`--exchange: ${options.exchange} is not in use; there are ${known.join(', ') || 'none'}`);
		return { scope: 'EXCHANGE' as const, exchangeId: options.exchange };
	}
	if (options.account !== undefined)
		return { scope: 'ACCOUNT' as const, accountId: Number((await findAccount(db, options.account)).account_id) };
	if (options.bot !== undefined)
		return { scope: 'BOT' as const, botId: Number((await findBot(db, options.bot)).bot_id) };
	return { scope: 'ALL' as const };
}
