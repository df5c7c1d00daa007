/** `botbox alerts …`: list, acknowledge, test a channel; the rules and channels have commands of their own below it. */
import type { Command } from 'commander';
import { openSettings } from '../../alerts/channels.ts';
import { sendMessage } from '../../alerts/send.ts';
import { findAlertChannels, recordAlertDelivery } from '../../database/functions/alerts.ts';
import { acknowledgeAlert } from '../../database/functions/guards.ts';
import { databaseTime } from '../../database/installation.ts';
import { listView } from '../../database/listing.ts';
import { BotboxError, errorMessage } from '../../errors.ts';
import { positiveInteger } from '../arguments.ts';
import { printJson, printTable } from '../output.ts';
import { actor, masterKey, withDatabase } from '../session.ts';
import { registerChannels } from './alert-channels.ts';
import { registerRules } from './alert-rules.ts';

export function registerAlerts(program: Command): void {
	const alerts = program.command('alerts').description('list and acknowledge alerts, and say where they are sent');

	alerts
		.command('list')
		.description('list open alerts, the newest first')
		.option('--all', 'also those that are resolved')
		.option('--limit <count>', 'at most so many', positiveInteger, 100)
		.option('--json', 'print as JSON')
		.action(async (options: { all?: boolean; limit: number; json?: boolean }) => {
			await withDatabase(async (pool) => {
				const rows = await listView(pool, 'alerts', {
					...(options.all ? {} : { where: { resolved_at: null } }),
					orderBy: '-opened_at',
					limit: options.limit,
				});
				if (options.json) return printJson(rows);
				printTable(rows, [
					'alert_id',
					'severity',
					'code',
					'subject',
					'opened_at',
					'occurrences',
					'acknowledged_by',
					...(options.all ? ['resolved_at'] : []),
					'message',
				]);
			});
		});

	alerts
		.command('ack')
		.argument('<id>', 'number of the alert', positiveInteger)
		.description('say that somebody has seen an alert: it is not sent again, and stays open until its cause is gone')
		.action(async (id: number) => {
			await withDatabase(async (pool) => {
				const isAcknowledged = await acknowledgeAlert(pool, { id, actor: actor() });
				if (isAcknowledged === null) throw new BotboxError('NOT_FOUND', `there is no alert ${id}`);
				process.stdout.write(
					isAcknowledged ? `alert ${id} acknowledged\n` : `alert ${id} was acknowledged before, or is resolved\n`,
				);
			});
		});

	alerts
		.command('test')
		.argument('<channel>', 'name of the channel')
		.description('send a test message to a channel at once, and say whether it was taken')
		.action(async (name: string) => {
			await withDatabase(async (pool, config) => {
				const [channel] = await findAlertChannels(pool, { name });
				if (channel === undefined) throw new BotboxError('NOT_FOUND', `there is no channel ${name}`);
				const told = { channelId: channel.channelId, deliveryIds: [] };
				try {
					const settings = openSettings(channel.settings, await masterKey(config));
					await sendMessage(settings, { channel: name, deliveries: [], sentAt: await databaseTime(pool) });
				} catch (error) {
					await recordAlertDelivery(pool, { ...told, error: errorMessage(error) });
					throw error;
				}
				await recordAlertDelivery(pool, told);
				process.stdout.write(`channel ${name} took the message\n`);
			});
		});

	registerRules(alerts);
	registerChannels(alerts);
}
