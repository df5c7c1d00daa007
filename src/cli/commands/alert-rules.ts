/** `botbox alerts rules …`: what is raised, above which threshold, and whether it is sent. */
import type { Command } from 'commander';
import { setAlertRule } from '../../database/functions/alerts.ts';
import { listView } from '../../database/listing.ts';
import { BotboxError, UsageError } from '../../errors.ts';
import { positiveDecimal } from '../arguments.ts';
import { printJson, printTable } from '../output.ts';
import { actor, withDatabase } from '../session.ts';
import { asUsage } from './bots.ts';

export function registerRules(alerts: Command): void {
	const rules = alerts.command('rules').description('what is raised, and above which threshold');

	rules
		.command('list')
		.description('list every alert that can be raised, with its threshold')
		.option('--json', 'print as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabase(async (pool) => {
				const rows = await listView(pool, 'alert_rules', { orderBy: 'code' });
				if (options.json) return printJson(rows);
				printTable(rows, ['code', 'severity', 'threshold', 'unit', 'is_delivered', 'open_alerts', 'meaning']);
			});
		});

	rules
		.command('set')
		.argument('<code>', 'the alert, such as QUEUE_DEPTH')
		.description('change the threshold of an alert, or whether it is sent; docs/alerts.md names the units')
		.option('--threshold <number>', 'raise it above this', positiveDecimal)
		.option('--deliver', 'send it to the channels again')
		.option('--no-deliver', 'raise and show it, but send it nowhere')
		.action(async (given: string, options: { threshold?: string; deliver?: boolean }) => {
			const code = given.toUpperCase();
			if (options.threshold === undefined && options.deliver === undefined)
				throw new UsageError('name --threshold, --deliver or --no-deliver');
			await withDatabase(async (pool) => {
				const isSet = await setAlertRule(pool, {
					code,
					threshold: options.threshold,
					isDelivered: options.deliver,
					actor: actor(),
				}).catch((error: unknown) => {
					throw asUsage(error);
				});
				if (!isSet) throw new BotboxError('NOT_FOUND', `there is no alert ${code}: see botbox alerts rules list`);
				const [rule] = await listView(pool, 'alert_rules', { where: { code } });
				const threshold = rule?.threshold == null ? '' : ` above ${rule.threshold} ${rule.unit}`;
				process.stdout.write(
					`${code} is raised${threshold} and ${rule?.is_delivered === true ? 'sent to the channels' : 'sent nowhere'}\n`,
				);
			});
		});
}
