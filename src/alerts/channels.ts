/** The kinds of channels, what each needs to know, and how that is kept: encrypted, with a target that people may see. */
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import { openSecret, sealSecret } from '../exchange/credentials.ts';

const webAddress = z
	.string()
	.refine(
		(value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
		'expected an address that begins with https:// or http://',
	);
const mailServer = z
	.string()
	.refine(
		(value) => URL.canParse(value) && /^smtps?:$/.test(new URL(value).protocol),
		'expected smtp://user:password@host:port or smtps://…',
	);
const mailbox = z.string().regex(/^[^\s@<>,]+@[^\s@<>,]+$/, 'expected one e-mail address');

const settingsShape = z.discriminatedUnion('kind', [
	z.strictObject({
		kind: z.literal('WEBHOOK'),
		url: webAddress,
		secret: z.string().min(16, 'expected at least 16 characters'),
	}),
	z.strictObject({ kind: z.literal('SLACK'), url: webAddress }),
	z.strictObject({ kind: z.literal('DISCORD'), url: webAddress }),
	z.strictObject({
		kind: z.literal('TELEGRAM'),
		token: z.string().regex(/^\d+:[\w-]+$/, 'expected the token that BotFather gave'),
		chat: z.string().min(1, 'expected the number or @name of a chat'),
		/** Another server than Telegram's own, such as a local bot API. */
		apiUrl: webAddress.optional(),
	}),
	z.strictObject({ kind: z.literal('EMAIL'), url: mailServer, from: mailbox, to: mailbox }),
]);
export type ChannelSettings = z.output<typeof settingsShape>;
export type ChannelKind = ChannelSettings['kind'];

export const channelKinds: readonly ChannelKind[] = ['WEBHOOK', 'SLACK', 'DISCORD', 'TELEGRAM', 'EMAIL'];

/** Throws UsageError that names the field and never its value, which may be a secret. */
export function parseSettings(given: unknown): ChannelSettings {
	const parsed = settingsShape.safeParse(given);
	if (parsed.success) return parsed.data;
	const issue = parsed.error.issues[0];
	throw new UsageError(`${issue?.path.join('.') || 'channel'}: ${issue?.message}`);
}

export function sealSettings(settings: ChannelSettings, masterKey: string): Buffer {
	return sealSecret(settings, masterKey);
}

/** Throws CREDENTIALS_UNREADABLE. */
export function openSettings(stored: Buffer, masterKey: string): ChannelSettings {
	return openSecret(stored, masterKey, settingsShape, "The channel's settings");
}

/** Where it leads, without a secret: addresses of Slack and Discord are secrets but for their host. */
export function targetOf(settings: ChannelSettings): string {
	switch (settings.kind) {
		case 'TELEGRAM':
			return `chat ${settings.chat}`;
		case 'EMAIL':
			return `${settings.to} by ${new URL(settings.url).host}`;
		default:
			return new URL(settings.url).host;
	}
}

/** Every part of the settings that must not appear in an error or a log. */
export function secretsOf(settings: ChannelSettings): readonly string[] {
	if (settings.kind === 'TELEGRAM') return [settings.token];
	const { pathname, search, username, password } = new URL(settings.url);
	const parts = [settings.url, `${pathname}${search}`, pathname, decodeURIComponent(password), password];
	const secrets = settings.kind === 'WEBHOOK' ? [...parts, settings.secret] : parts;
	return [...secrets, username].filter((part) => part.length > 3);
}
