/** `botbox breaker …`: list, open by hand, reset. */
import type { Command } from 'commander';
import { openBreaker, resetBreaker } from '../../database/functions/guards.ts';
import { databaseTime } from '../../database/installation.ts';
import { listView } from '../../database/listing.ts';
import { BotboxError } from '../../errors.ts';
import { duration } from '../arguments.ts';
import { printJson, printTable } from '../output.ts';
import { actor, withDatabase } from '../session.ts';

export function registerBreaker(program: Command): void {
	const breaker = program.command('breaker').description('list, open and reset the breakers of exchanges');

	breaker
		.command('list')
		.description('list the breakers of the exchanges in use')
		.option('--json', 'print as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabase(async (pool) => {
				const rows = (await listView(pool, 'exchange_health', { orderBy: 'exchange_id' })).map((row) => ({
					exchange_id: row.exchange_id ?? null,
					breaker_state: row.breaker_state ?? null,
					consecutive_failures: row.consecutive_failures ?? null,
					probe_at: row.probe_at ?? null,
					changed_at: row.changed_at ?? null,
					last_error: row.last_error ?? null,
				}));
				if (options.json) printJson(rows);
				else
					printTable(rows, [
						'exchange_id',
						'breaker_state',
						'consecutive_failures',
						'probe_at',
						'changed_at',
						'last_error',
					]);
			});
		});

	breaker
		.command('open <exchange>')
		.description('ask and send nothing at an exchange until its breaker is reset')
		.option('--reason <text>', 'why', 'opened by hand')
		.option('--for <duration>', 'probe it again by itself after 90s, 30m, 2h or 1d', duration)
		.action(async (exchange: string, options: { reason: string; for?: number }) => {
			await withDatabase(async (pool) => {
				const until = options.for === undefined ? null : new Date((await databaseTime(pool)).getTime() + options.for);
				const state = await openBreaker(pool, { exchangeId: exchange, reason: options.reason, until, actor: actor() });
				if (state === null) throw unknown(exchange);
				const end = until === null ? 'it is reset' : until.toISOString();
				process.stdout.write(`the breaker of ${exchange} is OPEN until ${end}\n`);
			});
		});

	breaker
		.command('reset <exchange>')
		.description('close a breaker at once, whoever opened it')
		.action(async (exchange: string) => {
			await withDatabase(async (pool) => {
				const before = await resetBreaker(pool, { exchangeId: exchange, actor: actor() });
				if (before === null) throw unknown(exchange);
				process.stdout.write(`the breaker of ${exchange} is CLOSED, it was ${before}\n`);
			});
		});
}

const unknown = (exchange: string) => new BotboxError('NOT_FOUND', `there is no exchange ${exchange}`);
