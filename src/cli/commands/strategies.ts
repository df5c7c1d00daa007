/** `botbox strategies …`: list, show. */
import type { Command } from 'commander';
import { z } from 'zod';
import { listView } from '../../database/listing.ts';
import { UsageError } from '../../errors.ts';
import { findStrategy, strategies } from '../../strategies/registry.ts';
import { printFacts, printJson, printTable } from '../output.ts';
import { withDatabase } from '../session.ts';

export function registerStrategies(program: Command): void {
	const group = program.command('strategies').description('list and show strategies');

	group
		.command('list')
		.description('list the strategies and their versions in use')
		.option('--json', 'print as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabase(async (pool) => {
				const versions = await listView(pool, 'strategies', { orderBy: 'strategy_version_id' });
				if (options.json)
					return printJson({
						strategies: strategies.map(({ id, name, title, defaultInterval }) => ({
							id,
							name,
							title,
							defaultInterval,
						})),
						versions,
					});
				printTable(
					strategies.map(({ id, name, title, defaultInterval }) => ({
						id,
						name,
						title,
						interval_minutes: defaultInterval,
					})),
					['id', 'name', 'title', 'interval_minutes'],
				);
				process.stdout.write('\nVersions\n');
				printTable(versions, [
					'strategy_version_id',
					'name',
					'version',
					'timeframe',
					'history',
					'active_bots',
					'created_at',
				]);
			});
		});

	group
		.command('show <strategy>')
		.description('show a strategy with its parameters and their defaults')
		.option('--json', 'print as JSON')
		.action((name: string, options: { json?: boolean }) => {
			const strategy = findStrategy(name);
			if (strategy === null) throw new UsageError(`there is no strategy ${name}`);
			const defaults = strategy.parameters.parse({}) as Record<string, unknown>;
			if (options.json) {
				return printJson({
					id: strategy.id,
					name: strategy.name,
					title: strategy.title,
					defaultInterval: strategy.defaultInterval,
					defaults,
					schema: z.toJSONSchema(strategy.parameters, { unrepresentable: 'any', io: 'input' }),
				});
			}
			printFacts({
				id: strategy.id,
				name: strategy.name,
				title: strategy.title,
				interval_minutes: strategy.defaultInterval,
			});
			process.stdout.write('\nParameters and their defaults\n');
			printFacts(Object.fromEntries(Object.entries(defaults).map(([key, value]) => [key, JSON.stringify(value)])));
		});
}
