/** `botbox alerts channels …`: where alerts are sent. Addresses and secrets come from the environment, never as arguments. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { type ChannelKind, channelKinds, parseSettings, sealSettings, targetOf } from '../../alerts/channels.ts';
import { createAlertChannel, removeAlertChannel } from '../../database/functions/alerts.ts';
import { listView } from '../../database/listing.ts';
import { BotboxError, UsageError } from '../../errors.ts';
import { duration, newName, oneOf } from '../arguments.ts';
import { printFacts, printJson, printTable } from '../output.ts';
import { actor, masterKey, withDatabase } from '../session.ts';
import { asUsage } from './bots.ts';

interface AddOptions {
	readonly kind: ChannelKind;
	readonly minimumSeverity: 'CRITICAL' | 'WARNING' | 'INFO';
	readonly escalateAfter?: number;
	readonly chat?: string;
	readonly from?: string;
	readonly to?: string;
	readonly json?: boolean;
}

export function registerChannels(alerts: Command): void {
	const channels = alerts.command('channels').description('where alerts are sent');

	channels
		.command('list')
		.description('list the channels and whether they take messages, without their secrets')
		.option('--json', 'print as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabase(async (pool) => {
				const rows = await listView(pool, 'alert_channels', { orderBy: 'channel_id' });
				if (options.json) return printJson(rows);
				printTable(rows, [
					'name',
					'kind',
					'target',
					'minimum_severity',
					'escalate_after_minutes',
					'state',
					'last_delivered_at',
					'last_error',
				]);
			});
		});

	channels
		.command('add')
		.argument('<name>', 'its name', newName)
		.description('make a channel; its address is read from ALERT_CHANNEL_URL, its secret from ALERT_CHANNEL_SECRET')
		.requiredOption('--kind <kind>', 'webhook, slack, discord, telegram or email', oneOf(...channelKinds))
		.option(
			'--minimum-severity <severity>',
			'send what is at least so bad: CRITICAL, WARNING or INFO',
			oneOf('CRITICAL', 'WARNING', 'INFO'),
			'WARNING',
		)
		.option(
			'--escalate-after <duration>',
			'send CRITICAL alerts (again) that nobody has acknowledged after 15m, 1h …',
			duration,
		)
		.option('--chat <chat>', 'telegram: number or @name of the chat')
		.option('--from <address>', 'email: the sender')
		.option('--to <address>', 'email: the recipient')
		.option('--json', 'print as JSON')
		.action(async (name: string, options: AddOptions) => {
			const settings = settingsOf(options);
			const minutes = escalation(options.escalateAfter);
			await withDatabase(async (pool, config) => {
				const target = targetOf(settings);
				await createAlertChannel(pool, {
					name,
					kind: settings.kind,
					target,
					settings: sealSettings(settings, await masterKey(config)),
					minimumSeverity: options.minimumSeverity,
					escalateAfterMinutes: minutes,
					actor: actor(),
				}).catch((error: unknown) => {
					throw asUsage(error);
				});
				const isOurs = settings.kind === 'WEBHOOK' && process.env.ALERT_CHANNEL_SECRET === undefined;
				const made = { name, kind: settings.kind, target, ...(isOurs ? { secret: settings.secret } : {}) };
				if (options.json) return printJson(made);
				printFacts(made);
				if (isOurs) process.stdout.write('the secret is shown this once: the receiver checks signatures with it\n');
				process.stdout.write(`try it: botbox alerts test ${name}\n`);
			});
		});

	channels
		.command('remove')
		.argument('<name>', 'its name')
		.description('remove a channel; what waits for it is not sent')
		.action(async (name: string) => {
			await withDatabase(async (pool) => {
				if (!(await removeAlertChannel(pool, { name, actor: actor() })))
					throw new BotboxError('NOT_FOUND', `there is no channel ${name}`);
				process.stdout.write(`channel ${name} removed\n`);
			});
		});
}

/** Throws UsageError for an option that the kind does not know, or one that it needs. */
function settingsOf({ kind, chat, from, to }: AddOptions) {
	const url = process.env.ALERT_CHANNEL_URL;
	const secret = process.env.ALERT_CHANNEL_SECRET;
	const strange = kind === 'TELEGRAM' ? { from, to } : kind === 'EMAIL' ? { chat } : { chat, from, to };
	for (const [option, value] of Object.entries(strange))
		if (value !== undefined) throw new UsageError(`--${option} does not go with ${kind.toLowerCase()}`);
	switch (kind) {
		case 'WEBHOOK':
			return parseSettings({
				kind,
				url: needed('ALERT_CHANNEL_URL', url),
				secret: secret ?? randomBytes(32).toString('base64url'),
			});
		case 'TELEGRAM':
			return parseSettings({
				kind,
				token: needed('ALERT_CHANNEL_SECRET', secret),
				chat: needed('--chat', chat),
				...(url === undefined ? {} : { apiUrl: url }),
			});
		case 'EMAIL':
			return parseSettings({
				kind,
				url: needed('ALERT_CHANNEL_URL', url),
				from: needed('--from', from),
				to: needed('--to', to),
			});
		default:
			return parseSettings({ kind, url: needed('ALERT_CHANNEL_URL', url) });
	}
}

function needed(name: string, value: string | undefined): string {
	if (value === undefined || value === '') throw new UsageError(`${name} is needed for this kind of channel`);
	return value;
}

function escalation(ms: number | undefined): number | null {
	if (ms === undefined) return null;
	if (ms % 60_000 !== 0) throw new UsageError('--escalate-after: expected whole minutes');
	return ms / 60_000;
}
