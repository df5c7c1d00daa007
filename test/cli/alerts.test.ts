/** `botbox alerts …` on a database of its own, with channels that listen on loopback. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { signatureOf } from '../../src/alerts/send.ts';
import { raiseAlert } from '../../src/database/functions/guards.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type MailServer, type Receiver, startMailServer, startReceiver } from '../support/receivers.ts';
import { runCommand } from './command.ts';

let database: TestDatabase;
let dataDir: string;
let receiver: Receiver;
let mailServer: MailServer;
beforeEach(async () => {
	[database, dataDir, receiver, mailServer] = await Promise.all([
		createTestDatabase(),
		mkdtemp(join(tmpdir(), 'botbox-alerts-')),
		startReceiver(),
		startMailServer(),
	]);
});
afterEach(async () => {
	await receiver.close();
	await mailServer.close();
	await rm(dataDir, { recursive: true });
	await database.drop();
});

const masterKey = Buffer.alloc(32, 3).toString('base64');
const alerts = (args: readonly string[], env: Record<string, string> = {}) =>
	runCommand(['alerts', ...args], {
		DATABASE_URL: database.url,
		BOTBOX_DATA_DIR: dataDir,
		BOTBOX_MASTER_KEY: masterKey,
		...env,
	});
const done = (stdout: string) => ({ code: 0, stderr: '', stdout: expect.stringContaining(stdout) });
const refused = (code: number, stderr: string) => ({ code, stdout: '', stderr: expect.stringContaining(stderr) });

test('list and ack: what is open, and who is at it', async () => {
	expect(await alerts(['list'])).toMatchObject(done('(none)'));
	const alert = { code: 'NO_TICK', severity: 'CRITICAL', subject: 'scheduler', message: 'No tick' } as const;
	const id = await raiseAlert(database.pool, alert);
	expect(await alerts(['list'])).toMatchObject(done('NO_TICK'));
	expect(await alerts(['ack', String(id)])).toMatchObject(done(`alert ${id} acknowledged\n`));
	expect(await alerts(['ack', String(id)])).toMatchObject(done('acknowledged before'));
	expect(await alerts(['ack', '999'])).toMatchObject(refused(1, 'there is no alert 999'));
	const { stdout } = await alerts(['list', '--json']);
	expect(JSON.parse(stdout)).toMatchObject([{ alert_id: id, acknowledged_by: expect.stringMatching(/^cli:/) }]);
	await database.pool.query('update botbox.alerts set resolved_at = now()');
	expect(await alerts(['list'])).toMatchObject(done('(none)'));
	expect(await alerts(['list', '--all'])).toMatchObject(done('NO_TICK'));
});

test('rules: thresholds are shown and changed, within reason', async () => {
	expect(await alerts(['rules', 'list'])).toMatchObject(done('QUEUE_DEPTH'));
	expect(await alerts(['rules', 'set', 'queue_depth', '--threshold', '250'])).toMatchObject(
		done('QUEUE_DEPTH is raised above 250 trades and sent to the channels'),
	);
	expect(await alerts(['rules', 'set', 'DATA_LAG', '--no-deliver'])).toMatchObject(
		done('DATA_LAG is raised above 300 seconds and sent nowhere'),
	);
	expect(await alerts(['rules', 'set', 'DATA_LAG', '--deliver'])).toMatchObject(done('sent to the channels'));
	expect(await alerts(['rules', 'set', 'BREAKER_OPEN', '--threshold', '1'])).toMatchObject(
		refused(2, 'alert BREAKER_OPEN has no threshold'),
	);
	expect(await alerts(['rules', 'set', 'TRADE_FAILURES', '--threshold', '2'])).toMatchObject(
		refused(2, 'share is at most one'),
	);
	expect(await alerts(['rules', 'set', 'NO_SUCH', '--threshold', '2'])).toMatchObject(refused(1, 'no alert NO_SUCH'));
	expect(await alerts(['rules', 'set', 'DATA_LAG'])).toMatchObject(refused(2, 'name --threshold'));
});

test('a webhook: added, its secret shown once, tried, listed without secrets, removed', async () => {
	const env = { ALERT_CHANNEL_URL: `${receiver.url}/hidden-path` };
	const { stdout } = await alerts(['channels', 'add', 'ops', '--kind', 'webhook', '--json'], env);
	const { secret } = JSON.parse(stdout) as { secret: string };
	expect(secret.length).toBeGreaterThan(40);
	expect(await alerts(['test', 'ops'])).toMatchObject(done('channel ops took the message'));
	const { headers, body } = receiver.requests[0]!;
	expect(JSON.parse(body)).toMatchObject({ channel: 'ops', is_test: true });
	expect(headers['x-botbox-signature']).toBe(signatureOf(secret, String(headers['x-botbox-timestamp']), body));

	const listed = await alerts(['channels', 'list', '--json']);
	expect(JSON.parse(listed.stdout)).toMatchObject([
		{ name: 'ops', kind: 'WEBHOOK', minimum_severity: 'WARNING', escalate_after_minutes: null, state: 'WORKING' },
	]);
	expect(listed.stdout).not.toContain('hidden-path');
	expect(listed.stdout).not.toContain(secret);
	expect(await alerts(['channels', 'add', 'ops', '--kind', 'slack'], env)).toMatchObject(
		refused(1, 'the name is already in use'),
	);
	expect(await alerts(['channels', 'remove', 'ops'])).toMatchObject(done('channel ops removed'));
	expect(await alerts(['channels', 'remove', 'ops'])).toMatchObject(refused(1, 'there is no channel ops'));
	expect(await alerts(['test', 'ops'])).toMatchObject(refused(1, 'there is no channel ops'));
});

test('each other kind is added from its environment and options, and tried', async () => {
	const add = (name: string, args: string[], env: Record<string, string>) =>
		alerts(['channels', 'add', name, ...args], env);
	expect(await add('chat', ['--kind', 'slack'], { ALERT_CHANNEL_URL: `${receiver.url}/s` })).toMatchObject(
		done('chat'),
	);
	expect(
		await add('dis', ['--kind', 'discord', '--minimum-severity', 'INFO'], { ALERT_CHANNEL_URL: `${receiver.url}/d` }),
	).toMatchObject(done('dis'));
	const telegram = { ALERT_CHANNEL_SECRET: '12:abc', ALERT_CHANNEL_URL: receiver.url };
	expect(await add('tele', ['--kind', 'telegram', '--chat', '-5', '--escalate-after', '15m'], telegram)).toMatchObject(
		done('chat -5'),
	);
	const email = { ALERT_CHANNEL_URL: `smtp://127.0.0.1:${mailServer.port}` };
	expect(
		await add('mail', ['--kind', 'email', '--from', 'botbox@example.org', '--to', 'ops@example.org'], email),
	).toMatchObject(done('ops@example.org by 127.0.0.1'));
	for (const name of ['chat', 'dis', 'tele', 'mail']) expect((await alerts(['test', name])).code).toBe(0);
	expect(receiver.requests.map(({ path }) => path)).toEqual(['/s', '/d', '/bot12:abc/sendMessage']);
	expect(mailServer.mails).toMatchObject([{ to: 'ops@example.org' }]);
	const { rows } = await database.pool.query(
		'select name, minimum_severity, escalate_after_minutes from reporting.alert_channels order by channel_id',
	);
	expect(rows).toEqual([
		{ name: 'chat', minimum_severity: 'WARNING', escalate_after_minutes: null },
		{ name: 'dis', minimum_severity: 'INFO', escalate_after_minutes: null },
		{ name: 'tele', minimum_severity: 'WARNING', escalate_after_minutes: 15 },
		{ name: 'mail', minimum_severity: 'WARNING', escalate_after_minutes: null },
	]);
});

test.each([
	[['--kind', 'webhook'], {}, 'ALERT_CHANNEL_URL is needed'],
	[['--kind', 'webhook'], { ALERT_CHANNEL_URL: 'nonsense hidden' }, 'url: expected an address'],
	[['--kind', 'telegram', '--chat', '1'], {}, 'ALERT_CHANNEL_SECRET is needed'],
	[['--kind', 'email', '--to', 'a@b.c'], { ALERT_CHANNEL_URL: 'smtp://h' }, '--from is needed'],
	[['--kind', 'slack', '--chat', '1'], { ALERT_CHANNEL_URL: 'https://h' }, '--chat does not go with slack'],
	[['--kind', 'slack', '--escalate-after', '90s'], { ALERT_CHANNEL_URL: 'https://h' }, 'expected whole minutes'],
	[['--kind', 'pigeon'], {}, 'Expected one of WEBHOOK'],
])('channels add %j is refused in one line', async (args, env, message) => {
	const result = await alerts(['channels', 'add', 'ops', ...args], env as Record<string, string>);
	expect(result).toMatchObject(refused(2, message));
	expect(result.stderr).not.toContain('hidden');
	expect(result.stderr.trim().split('\n')).toHaveLength(1);
});

test('a channel that does not take messages is told by test, status and doctor', async () => {
	await alerts(['channels', 'add', 'ops', '--kind', 'slack'], { ALERT_CHANNEL_URL: `${receiver.url}/hidden-path` });
	receiver.answer(404, 'no_service');
	for (let i = 0; i < 3; i++)
		expect(await alerts(['test', 'ops'])).toMatchObject({ code: 1, stderr: 'botbox: HTTP 404 no_service\n' });
	const env = { DATABASE_URL: database.url, BOTBOX_DATA_DIR: dataDir, BOTBOX_MASTER_KEY: masterKey };
	const doctor = await runCommand(['doctor'], env);
	expect(doctor).toMatchObject({
		code: 1,
		stdout: expect.stringContaining('WRONG  alert channel ops: DEAD: HTTP 404'),
	});
	const status = await runCommand(['status'], env);
	expect(status.stdout).toMatch(/Alert channels\n.*\nops +SLACK +DEAD/);
	expect(status.stdout).toContain('CHANNEL_DEAD');
	for (const { stdout } of [doctor, status]) expect(stdout).not.toContain('hidden-path');
	receiver.answer(200);
	await alerts(['test', 'ops']);
	expect((await runCommand(['doctor'], env)).stdout).toContain('alert channel ops: WORKING');
});
