/** One message to each kind of channel, over real sockets; and what each says when it is not taken. */
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSettings, parseSettings, sealSettings, targetOf } from '../../src/alerts/channels.ts';
import type { AlertMessage } from '../../src/alerts/message.ts';
import { sendMessage } from '../../src/alerts/send.ts';
import type { ClaimedDelivery } from '../../src/database/functions/alerts.ts';
import { type MailServer, type Receiver, startMailServer, startReceiver } from '../support/receivers.ts';

let receiver: Receiver;
let mailServer: MailServer;
beforeEach(async () => {
	receiver = await startReceiver();
	mailServer = await startMailServer();
});
afterEach(async () => {
	await receiver.close();
	await mailServer.close();
});

const sentAt = new Date('2026-03-02T12:00:05Z');
const alert: ClaimedDelivery = {
	deliveryId: 41,
	occasion: 'OPENED',
	alertId: 7,
	code: 'BREAKER_OPEN',
	severity: 'CRITICAL',
	subject: 'sim',
	message: 'The breaker of sim opened: <!channel> @everyone & so on',
	details: { probe_at: null },
	occurrences: 1,
	openedAt: new Date('2026-03-02T12:00:00Z'),
	acknowledgedBy: null,
	resolvedAt: null,
};
const message = (...deliveries: ClaimedDelivery[]): AlertMessage => ({ channel: 'ops', deliveries, sentAt });
const only = () => {
	expect(receiver.requests).toHaveLength(1);
	return receiver.requests[0]!;
};
const secret = 'a secret of the receiver';

test('a webhook gets everything, signed over time and body', async () => {
	const settings = parseSettings({ kind: 'WEBHOOK', url: `${receiver.url}/in?key=hidden`, secret });
	await sendMessage(settings, message(alert));
	const { method, path, headers, body } = only();
	expect([method, path]).toEqual(['POST', '/in?key=hidden']);
	const timestamp = String(sentAt.getTime() / 1_000);
	expect(headers['x-botbox-timestamp']).toBe(timestamp);
	const expected = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
	expect(headers['x-botbox-signature']).toBe(`sha256=${expected}`);
	expect(JSON.parse(body)).toEqual({
		version: 1,
		channel: 'ops',
		sent_at: sentAt.toISOString(),
		is_test: false,
		events: [
			{
				event_id: 41,
				occasion: 'OPENED',
				alert: {
					alert_id: 7,
					code: 'BREAKER_OPEN',
					severity: 'CRITICAL',
					subject: 'sim',
					message: alert.message,
					details: { probe_at: null },
					occurrences: 1,
					opened_at: '2026-03-02T12:00:00.000Z',
					acknowledged_by: null,
					resolved_at: null,
				},
			},
		],
	});
});

test('Slack gets text in which nothing of an alert is markup', async () => {
	await sendMessage(parseSettings({ kind: 'SLACK', url: `${receiver.url}/services/T/B/x` }), message(alert));
	const { text } = JSON.parse(only().body) as { text: string };
	expect(text).toContain('[CRITICAL] BREAKER_OPEN sim');
	expect(text).toContain('&lt;!channel&gt; @everyone &amp; so on');
	expect(text).toContain('botbox alerts ack 7');
	expect(text).not.toContain('<!');
});

test('Discord gets at most what it takes, and may call nobody', async () => {
	const long = { ...alert, message: 'x'.repeat(5_000) };
	await sendMessage(parseSettings({ kind: 'DISCORD', url: `${receiver.url}/api/webhooks/1/x` }), message(long));
	const body = JSON.parse(only().body) as { content: string; allowed_mentions: object };
	expect(body.content.length).toBeLessThanOrEqual(2_000);
	expect(body.allowed_mentions).toEqual({ parse: [] });
});

test('Telegram gets its chat and plain text', async () => {
	const settings = parseSettings({ kind: 'TELEGRAM', token: '123:abc-DEF', chat: '-100200', apiUrl: receiver.url });
	await sendMessage(settings, message({ ...alert, occasion: 'ESCALATED' }));
	const { path, body } = only();
	expect(path).toBe('/bot123:abc-DEF/sendMessage');
	const sent = JSON.parse(body) as Record<string, unknown>;
	expect(sent).toMatchObject({ chat_id: '-100200', text: expect.stringContaining('[CRITICAL, not acknowledged]') });
	expect(sent).not.toHaveProperty('parse_mode');
});

test('a mail has a subject and text, and logs in', async () => {
	const url = `smtp://ann:p%40ss@127.0.0.1:${mailServer.port}`;
	const settings = parseSettings({ kind: 'EMAIL', url, from: 'botbox@example.org', to: 'ops@example.org' });
	await sendMessage(settings, message({ ...alert, occasion: 'RESOLVED', resolvedAt: sentAt }));
	expect(mailServer.mails).toHaveLength(1);
	const { from, to, login, data } = mailServer.mails[0]!;
	expect([from, to, login]).toEqual(['botbox@example.org', 'ops@example.org', 'ann p@ss']);
	expect(data).toContain('Subject: [RESOLVED] BREAKER_OPEN sim');
	expect(data).toContain('resolved 2026-03-02 12:00:05 UTC');
});

test('several alerts are one message, the rest of many is counted', async () => {
	const many = Array.from({ length: 14 }, (_, i) => ({ ...alert, deliveryId: i, alertId: i, subject: `e${i}` }));
	await sendMessage(parseSettings({ kind: 'SLACK', url: receiver.url }), message(...many));
	const { text } = JSON.parse(only().body) as { text: string };
	expect(text).toContain('[CRITICAL] BREAKER_OPEN e0 and 13 more');
	expect(text).toContain('BREAKER_OPEN e9\n');
	expect(text).not.toContain('BREAKER_OPEN e10');
	expect(text).toContain('and 4 more: botbox alerts list');
});

test('without an alert it is a test, and says so', async () => {
	await sendMessage(parseSettings({ kind: 'WEBHOOK', url: receiver.url, secret }), message());
	expect(JSON.parse(only().body)).toMatchObject({ is_test: true, events: [] });
});

test.each([
	['WEBHOOK', (url: string) => ({ url: `${url}/hidden-path`, secret })],
	['SLACK', (url: string) => ({ url: `${url}/hidden-path` })],
	['DISCORD', (url: string) => ({ url: `${url}/hidden-path` })],
	['TELEGRAM', (url: string) => ({ token: '1:hidden-path', chat: '1', apiUrl: url })],
] as const)('%s: a refusal, a redirect and silence fail, without telling a secret', async (kind, make) => {
	const settings = parseSettings({ kind, ...make(receiver.url) });
	const send = (timeoutMs = 10_000) => sendMessage(settings, message(alert), { timeoutMs });
	receiver.answer(500, `no such hook ${kind === 'TELEGRAM' ? '1:hidden-path' : '/hidden-path'} ${secret}`);
	await expect(send()).rejects.toThrow(/^HTTP 500 no such hook/);
	await expect(send()).rejects.not.toThrow(/hidden-path/);
	if (kind === 'WEBHOOK') await expect(send()).rejects.not.toThrow(new RegExp(secret));
	receiver.answer(302);
	await expect(send()).rejects.toThrow('HTTP 302');
	expect(receiver.requests.map(({ path }) => path)).not.toContain('/elsewhere');
	receiver.answer('hang');
	await expect(send(200)).rejects.toThrow('no answer within 200 ms');
	await receiver.close();
	await expect(send()).rejects.toThrow('ECONNREFUSED');
});

test('a mail that is refused, and a server that is not there, fail without the password', async () => {
	const make = (port: number) =>
		parseSettings({ kind: 'EMAIL', url: `smtp://u:hidden@127.0.0.1:${port}`, from: 'a@b.c', to: 'd@e.f' });
	mailServer.refuse('550 hidden is not known here');
	const refused = sendMessage(make(mailServer.port), message(alert));
	await expect(refused).rejects.toThrow('550');
	await expect(refused).rejects.not.toThrow('hidden');
	await mailServer.close();
	await expect(sendMessage(make(mailServer.port), message(alert))).rejects.toThrow('ECONNREFUSED');
	expect(mailServer.mails).toEqual([]);
});

test.each([
	[{ kind: 'WEBHOOK', url: 'ftp://x', secret }, 'url'],
	[{ kind: 'WEBHOOK', url: 'https://x', secret: 'short' }, 'secret'],
	[{ kind: 'EMAIL', url: 'https://x', from: 'a@b', to: 'c@d' }, 'url'],
	[{ kind: 'EMAIL', url: 'smtp://x', from: 'a@b', to: 'c@d, e@f' }, 'to'],
	[{ kind: 'TELEGRAM', token: 'not a token', chat: '1' }, 'token'],
	[{ kind: 'PIGEON' }, 'kind'],
])('settings %j are refused by the name of what is wrong', (settings, field) => {
	expect(() => parseSettings(settings)).toThrow(new RegExp(`^${field}: `));
});

test('settings are read again under their key alone, and their target holds no secret', () => {
	const key = Buffer.alloc(32, 1).toString('base64');
	const settings = parseSettings({ kind: 'SLACK', url: 'https://hooks.slack.com/services/T/B/hidden' });
	const sealed = sealSettings(settings, key);
	expect(sealed.includes('hidden')).toBe(false);
	expect(openSettings(sealed, key)).toEqual(settings);
	expect(() => openSettings(sealed, Buffer.alloc(32, 2).toString('base64'))).toThrow(
		"The channel's settings cannot be",
	);
	expect(targetOf(settings)).toBe('hooks.slack.com');
});
