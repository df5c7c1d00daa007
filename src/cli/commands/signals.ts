/** `botbox signals …`: explain what was decided, from what was recorded. */
import type { Command } from 'commander';
import { listView } from '../../database/listing.ts';
import { BotboxError } from '../../errors.ts';
import { positiveInteger } from '../arguments.ts';
import { printFacts, printJson, printTable } from '../output.ts';
import { withDatabase } from '../session.ts';

export function registerSignals(program: Command): void {
	program
		.command('signals')
		.description('about signals')
		.command('explain')
		.argument('<id>', 'number of the signal', positiveInteger)
		.description('show which factor said what, and why the signal was accepted or rejected')
		.option('--json', 'print as JSON')
		.action(async (id: number, options: { json?: boolean }) => {
			await withDatabase(async (pool) => {
				const [signal] = await listView(pool, 'signals', { where: { signal_id: id }, limit: 1 });
				if (signal === undefined) throw new BotboxError('NOT_FOUND', `there is no signal ${id}`);
				if (options.json) return printJson(signal);
				const { factors, details, ...facts } = signal;
				printFacts({ ...facts, details: JSON.stringify(details) });
				process.stdout.write('\n');
				printTable((factors as unknown as readonly Record<string, string | number | null>[] | null) ?? [], [
					'name',
					'value',
					'score',
					'weight',
					'contribution',
				]);
			});
		});
}
