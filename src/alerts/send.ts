/**
 * One message to one channel. Resolves once the other side has taken it; otherwise throws with a reason that holds no secret.
 * Whoever calls decides about trying again.
 */
import { createHmac } from 'node:crypto';
import { createTransport } from 'nodemailer';
import { errorMessage } from '../errors.ts';
import { startDeadline } from '../exchange/deadline.ts';
import { type ChannelSettings, secretsOf } from './channels.ts';
import { type AlertMessage, payloadOf, textOf, titleOf } from './message.ts';

export interface SendOptions {
	/** A channel that has not answered by then has failed. */
	readonly timeoutMs?: number;
}

export const sendTimeoutMs = 10_000;
/** What these take in one message, less what cutting adds. */
const mostCharacters = { DISCORD: 1_900, TELEGRAM: 4_000, SLACK: 30_000 } as const;

export async function sendMessage(
	settings: ChannelSettings,
	message: AlertMessage,
	{ timeoutMs = sendTimeoutMs }: SendOptions = {},
): Promise<void> {
	try {
		await send(settings, message, timeoutMs);
	} catch (error) {
		throw new Error(redact(reasonOf(error), secretsOf(settings)).slice(0, 300));
	}
}

async function send(settings: ChannelSettings, message: AlertMessage, timeoutMs: number): Promise<void> {
	const text = `${titleOf(message)}\n\n${textOf(message)}`;
	switch (settings.kind) {
		case 'WEBHOOK': {
			const body = JSON.stringify(payloadOf(message));
			const timestamp = String(Math.floor(message.sentAt.getTime() / 1_000));
			return await post(settings.url, body, timeoutMs, {
				'x-botbox-timestamp': timestamp,
				'x-botbox-signature': signatureOf(settings.secret, timestamp, body),
			});
		}
		case 'SLACK':
			return await post(
				settings.url,
				JSON.stringify({ text: escapeSlack(cut(text, mostCharacters.SLACK)) }),
				timeoutMs,
			);
		case 'DISCORD':
			return await post(
				settings.url,
				// Whatever a message quotes, it calls nobody by name.
				JSON.stringify({ content: cut(text, mostCharacters.DISCORD), allowed_mentions: { parse: [] } }),
				timeoutMs,
			);
		case 'TELEGRAM': {
			const url = `${settings.apiUrl ?? 'https://api.telegram.org'}/bot${settings.token}/sendMessage`;
			const body = {
				chat_id: settings.chat,
				text: cut(text, mostCharacters.TELEGRAM),
				link_preview_options: { is_disabled: true },
			};
			return await post(url, JSON.stringify(body), timeoutMs);
		}
		case 'EMAIL':
			return await mail(settings, message, timeoutMs);
	}
}

/** `sha256=` and the hex HMAC-SHA256 of `<timestamp>.<body>`: the receiver compares, and refuses old timestamps. */
export function signatureOf(secret: string, timestamp: string, body: string): string {
	return `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}

async function post(
	url: string,
	body: string,
	timeoutMs: number,
	headers: Readonly<Record<string, string>> = {},
): Promise<void> {
	const expiry = new AbortController();
	const stop = startDeadline(timeoutMs, () => expiry.abort(new Error(`no answer within ${timeoutMs} ms`)));
	try {
		const response = await fetch(url, {
			method: 'POST',
			headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'botbox', ...headers },
			body,
			// A redirect would carry the message to somebody whom nobody has named.
			redirect: 'manual',
			signal: expiry.signal,
		});
		const answer = await response.text();
		if (!response.ok) throw new Error(`HTTP ${response.status} ${answer.slice(0, 200)}`.trim());
	} finally {
		stop();
	}
}

async function mail(
	settings: Extract<ChannelSettings, { kind: 'EMAIL' }>,
	message: AlertMessage,
	timeoutMs: number,
): Promise<void> {
	const { protocol, hostname, port, username, password } = new URL(settings.url);
	const isSecure = protocol === 'smtps:';
	const transport = createTransport({
		host: hostname,
		port: port === '' ? (isSecure ? 465 : 587) : Number(port),
		secure: isSecure,
		...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
		connectionTimeout: timeoutMs,
		greetingTimeout: timeoutMs,
		socketTimeout: timeoutMs,
		dnsTimeout: timeoutMs,
	});
	const late = Promise.withResolvers<never>();
	// The timeouts above are of single steps; a server that answers each of them slowly is given up too.
	const stop = startDeadline(timeoutMs, () => late.reject(new Error(`no answer within ${timeoutMs} ms`)));
	const sending = transport.sendMail({
		from: settings.from,
		to: settings.to,
		subject: titleOf(message),
		text: textOf(message),
		disableFileAccess: true,
		disableUrlAccess: true,
	});
	try {
		await Promise.race([sending, late.promise]);
	} finally {
		stop();
		transport.close();
		sending.catch(() => undefined);
	}
}

function escapeSlack(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function cut(text: string, most: number): string {
	return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** fetch() hides why in the cause. */
function reasonOf(error: unknown): string {
	if (error instanceof Error && error.cause !== undefined) return reasonOf(error.cause);
	const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
	return [code, errorMessage(error)].filter((part) => part !== undefined && part !== '').join(': ');
}

function redact(text: string, secrets: readonly string[]): string {
	return secrets.reduce((safe, secret) => safe.replaceAll(secret, '[redacted]'), text);
}
