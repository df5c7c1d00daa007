/** `botbox rollout …`: start the bots of an account step by step. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { cancelRollout, planRollout } from '../../database/functions/administration.ts';
import { listView } from '../../database/listing.ts';
import { printJson, printTable } from '../output.ts';
import { actor, withDatabase } from '../session.ts';
import { asUsage, findAccount } from './bots.ts';

interface Step {
	readonly max_active_bots: number;
	/** None for the first, which counts at once. */
	readonly step_at?: string;
}

export function registerRollouts(program: Command): void {
	const rollout = program.command('rollout').description('start the bots of an account step by step');

	rollout
		.command('plan <account>')
		.description('let so many bots be active now, and more at the times given; steps of an earlier plan are given up')
		.requiredOption('--steps <list>', 'such as 10,50@2026-12-08T09:00Z,100@2026-12-15T09:00Z', steps)
		.action(async (account: string, options: { steps: readonly Step[] }) => {
			await withDatabase(async (pool) => {
				const { account_id: id, name } = await findAccount(pool, account);
				try {
					await planRollout(pool, { accountId: Number(id), steps: options.steps, actor: actor() });
				} catch (error) {
					throw asUsage(error);
				}
				for (const { max_active_bots: bots, step_at: at } of options.steps)
					process.stdout.write(
						`account ${name}: up to ${bots} active bots ${at === undefined ? 'from now on' : `from ${at}`}\n`,
					);
			});
		});

	rollout
		.command('list')
		.description('list accounts that have a limit, with who waits and what holds the next step, and the steps')
		.option('--json', 'print as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabase(async (pool) => {
				const accounts = await listView(pool, 'rollouts', { orderBy: 'account_id' });
				const planned = await listView(pool, 'rollout_steps', { orderBy: 'step_id' });
				if (options.json) return printJson({ accounts, steps: planned });
				printTable(accounts, ['account', 'max_active_bots', 'active_bots', 'places_taken', 'waiting_bots', 'next_at']);
				if (planned.length === 0) return;
				process.stdout.write('\n');
				printTable(planned, ['account', 'max_active_bots', 'due_at', 'status', 'held_reason']);
			});
		});

	rollout
		.command('cancel <account>')
		.description('give up the steps that are not taken; the limit stays')
		.option('--unlimited', 'remove the limit too: who waits starts within a minute')
		.action(async (account: string, options: { unlimited?: boolean }) => {
			await withDatabase(async (pool) => {
				const { account_id: id, name } = await findAccount(pool, account);
				const isUnlimited = options.unlimited ?? false;
				const count = await cancelRollout(pool, { accountId: Number(id), isUnlimited, actor: actor() });
				process.stdout.write(`${count} steps of account ${name} given up${isUnlimited ? ', no limit' : ''}\n`);
			});
		});
}

/** `10,50@2026-12-08T09:00Z`: numbers, all but the first with a time in UTC or with an offset. */
function steps(text: string): readonly Step[] {
	return text.split(',').map((part, index): Step => {
		const [count = '', at, ...more] = part.trim().split('@');
		if (!/^[1-9]\d{0,6}$/.test(count) || more.length > 0 || (at === undefined) !== (index === 0))
			throw new InvalidArgumentError(
				'Expected 10,50@2026-12-08T09:00Z: the first without a time, the others with one.',
			);
		if (at === undefined) return { max_active_bots: Number(count) };
		const time = new Date(at);
		if (!/T.*(Z|[+-]\d\d:\d\d)$/.test(at) || Number.isNaN(time.getTime()))
			throw new InvalidArgumentError(`Expected a time such as 2026-12-08T09:00Z, got ${at}.`);
		return { max_active_bots: Number(count), step_at: time.toISOString() };
	});
}
