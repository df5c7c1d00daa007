/** Alerts on their way to people: told once, again when nobody acknowledges, over when over; and channels that are away. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ChannelSettings, sealSettings } from '../../src/alerts/channels.ts';
import { createAlertChannel, removeAlertChannel, setAlertRule } from '../../src/database/functions/alerts.ts';
import { acknowledgeAlert, raiseAlert, resolveAlert } from '../../src/database/functions/guards.ts';
import { createJobs, type Jobs } from '../../src/database/jobs.ts';
import { listView } from '../../src/database/listing.ts';
import { createLogger } from '../../src/logger.ts';
import { deliverAlerts } from '../../src/workers/deliver-alerts.ts';
import { empty, one } from '../db/books.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openPosition } from '../support/factories/trading.ts';
import { after, makeBot, makeWorld, start } from '../support/factories/world.ts';
import { type Receiver, startReceiver } from '../support/receivers.ts';

let database: TestDatabase;
let jobs: Jobs;
let receiver: Receiver;
beforeAll(async () => {
	database = await createTestDatabase();
	jobs = await createJobs({ pool: database.pool, isSupervisor: false, onError: () => undefined });
});
afterAll(async () => {
	await jobs.stop();
	await database.drop();
});
beforeEach(async () => {
	await empty(database.pool);
	await database.pool.query('delete from pgboss.job');
	receiver = await startReceiver();
});
afterEach(() => receiver.close());

const masterKey = Buffer.alloc(32, 7).toString('base64');
const log = createLogger({ level: 'silent', name: 'test' });
const secret = 'a secret of the receiver';

interface ChannelOptions {
	readonly minimumSeverity?: 'CRITICAL' | 'WARNING' | 'INFO';
	readonly escalateAfterMinutes?: number;
	readonly path?: string;
	readonly now?: Date;
}

async function addChannel(name: string, options: ChannelOptions = {}): Promise<void> {
	const { path = `/${name}`, now = start, ...rest } = options;
	const settings: ChannelSettings = { kind: 'WEBHOOK', url: `${receiver.url}${path}`, secret };
	await createAlertChannel(database.pool, {
		...{ name, kind: 'WEBHOOK', target: 'here', now, ...rest },
		settings: sealSettings(settings, masterKey),
	});
}

const deliver = (seconds: number) =>
	deliverAlerts(
		{ pool: database.pool, jobs, log },
		{ masterKey, now: after(seconds), ignorePauses: true, timeoutMs: 5_000 },
	);
const raise = (code: string, subject: string, seconds = 0, severity: 'CRITICAL' | 'WARNING' | 'INFO' = 'CRITICAL') =>
	raiseAlert(database.pool, { code, severity, subject, message: `${code} of a test`, now: after(seconds) });
const resolve = (code: string, subject: string, seconds: number) =>
	resolveAlert(database.pool, { code, subject, now: after(seconds) });

/** What arrived since the last look, as `channel OCCASION CODE subject`. */
function told(): string[] {
	return receiver.requests.splice(0).flatMap(({ path, body }) => {
		const { events } = JSON.parse(body) as {
			events: { occasion: string; alert: { code: string; subject: string } }[];
		};
		return events.map(({ occasion, alert }) => `${path.slice(1)} ${occasion} ${alert.code} ${alert.subject}`);
	});
}

test('an alert is told once however often it is seen, and once more when it is over', async () => {
	await addChannel('ops');
	await raise('BREAKER_OPEN', 'sim');
	await deliver(1);
	expect(told()).toEqual(['ops OPENED BREAKER_OPEN sim']);
	await raise('BREAKER_OPEN', 'sim', 30);
	await deliver(31);
	expect(told()).toEqual([]);
	await resolve('BREAKER_OPEN', 'sim', 40);
	await deliver(41);
	await deliver(51);
	expect(told()).toEqual(['ops RESOLVED BREAKER_OPEN sim']);
});

test('each channel gets what is bad enough for it; INFO has no end that is told', async () => {
	await addChannel('pager', { minimumSeverity: 'CRITICAL' });
	await addChannel('chat', { minimumSeverity: 'INFO' });
	await raise('NO_TICK', 'scheduler', 0, 'CRITICAL');
	await raise('DATA_LAG', 'sim X', 0, 'WARNING');
	await raise('DAILY_SUMMARY', '2026-03-01', 0, 'INFO');
	await deliver(1);
	expect(told().toSorted()).toEqual([
		'chat OPENED DAILY_SUMMARY 2026-03-01',
		'chat OPENED DATA_LAG sim X',
		'chat OPENED NO_TICK scheduler',
		'pager OPENED NO_TICK scheduler',
	]);
	await resolve('DAILY_SUMMARY', '2026-03-01', 2);
	await deliver(3);
	expect(told()).toEqual([]);
});

test('an alert that becomes CRITICAL reaches the pager too', async () => {
	await addChannel('pager', { minimumSeverity: 'CRITICAL' });
	await raise('BOT_PAUSED', 'bot 1', 0, 'WARNING');
	await deliver(1);
	expect(told()).toEqual([]);
	await raise('BOT_PAUSED', 'bot 1', 2, 'CRITICAL');
	await deliver(3);
	expect(told()).toEqual(['pager OPENED BOT_PAUSED bot 1']);
});

test('alerts of one moment are one message', async () => {
	await addChannel('ops');
	for (let i = 0; i < 30; i++) await raise('DATA_LAG', `sim T${i}`, 0, 'WARNING');
	await deliver(1);
	expect(receiver.requests).toHaveLength(1);
	expect(told()).toHaveLength(30);
});

test('a CRITICAL alert that nobody acknowledges is sent again, once, to channels for that', async () => {
	await addChannel('chat');
	await addChannel('phone', { minimumSeverity: 'CRITICAL', escalateAfterMinutes: 10 });
	await raise('NO_TICK', 'scheduler');
	await raise('DATA_LAG', 'sim X', 0, 'WARNING');
	await deliver(1);
	told();
	await deliver(599);
	expect(told()).toEqual([]);
	await deliver(600);
	await deliver(700);
	expect(told()).toEqual(['phone ESCALATED NO_TICK scheduler']);
});

test('an acknowledged alert is not sent again', async () => {
	await addChannel('phone', { escalateAfterMinutes: 10 });
	const id = await raise('NO_TICK', 'scheduler');
	await deliver(1);
	told();
	await acknowledgeAlert(database.pool, { id, actor: 'ann', now: after(300) });
	await deliver(900);
	expect(told()).toEqual([]);
	await resolve('NO_TICK', 'scheduler', 901);
	await deliver(902);
	expect(told()).toEqual(['phone RESOLVED NO_TICK scheduler']);
});

test('an alert that comes and goes is told again after ten minutes', async () => {
	await addChannel('ops');
	for (const seconds of [0, 20, 40]) {
		await raise('QUEUE_DEPTH', 'trade_queue', seconds, 'WARNING');
		await deliver(seconds + 1);
		await resolve('QUEUE_DEPTH', 'trade_queue', seconds + 10);
		await deliver(seconds + 11);
	}
	expect(told()).toEqual(['ops OPENED QUEUE_DEPTH trade_queue', 'ops RESOLVED QUEUE_DEPTH trade_queue']);
	await raise('QUEUE_DEPTH', 'trade_queue', 60, 'WARNING');
	await deliver(61);
	expect(told()).toEqual([]);
	await deliver(700);
	expect(told()).toEqual(['ops OPENED QUEUE_DEPTH trade_queue']);
});

test('one that was over before the next round is told all the same', async () => {
	await addChannel('ops');
	await raise('DUPLICATE_CLIENT_ID', 'order 1', 1);
	await resolve('DUPLICATE_CLIENT_ID', 'order 1', 2);
	await deliver(5);
	expect(told()).toEqual(['ops OPENED DUPLICATE_CLIENT_ID order 1']);
});

test('a rule that is not delivered is raised and shown, and sent nowhere', async () => {
	await addChannel('ops', { escalateAfterMinutes: 1 });
	await setAlertRule(database.pool, { code: 'NO_TICK', isDelivered: false, actor: 'ann' });
	await raise('NO_TICK', 'scheduler');
	await deliver(1);
	await deliver(600);
	expect(told()).toEqual([]);
	expect(await listView(database.pool, 'alerts')).toHaveLength(1);
});

test('a channel that fails is tried again, is told dead after three, and gets its message when it is back', async () => {
	await addChannel('ops');
	await addChannel('other', { path: '/other' });
	receiver.answer(503);
	await raise('NO_TICK', 'scheduler');
	for (const [round, state] of ['FAILING', 'FAILING', 'DEAD'].entries()) {
		await deliver(round + 1);
		const channels = await listView(database.pool, 'alert_channels', { orderBy: 'channel_id' });
		expect(channels.map((channel) => [channel.state, channel.consecutive_failures])).toEqual([
			[state, round + 1],
			[state, round + 1],
		]);
	}
	told();
	const alerts = await listView(database.pool, 'alerts', { where: { code: 'CHANNEL_DEAD' }, orderBy: 'subject' });
	expect(alerts.map(({ subject, severity }) => [subject, severity])).toEqual([
		['channel ops', 'CRITICAL'],
		['channel other', 'CRITICAL'],
	]);
	receiver.answer(200);
	await deliver(10);
	expect(told().toSorted()).toEqual([
		'ops OPENED CHANNEL_DEAD channel other',
		'ops OPENED NO_TICK scheduler',
		'other OPENED CHANNEL_DEAD channel ops',
		'other OPENED NO_TICK scheduler',
	]);
	expect(await listView(database.pool, 'alerts', { where: { code: 'CHANNEL_DEAD', resolved_at: null } })).toEqual([]);
	const { rows } = await database.pool.query('select state::text from pgboss.job group by 1');
	expect(rows).toEqual([{ state: 'completed' }]);
});

test('a channel that does not answer delays no trading: while it is waited for, nothing is locked and trades are filled', async () => {
	await addChannel('ops');
	receiver.answer('hang');
	await raise('DATA_LAG', 'sim BTC');
	const arrival = receiver.arrival();
	let isOver = false;
	const delivery = deliverAlerts(
		{ pool: database.pool, jobs, log },
		{ masterKey, now: after(1), ignorePauses: true, timeoutMs: 600_000 },
	).finally(() => {
		isOver = true;
	});
	await arrival;
	const { rows } = await database.pool.query(
		`select a.pid, a.state, l.relation::regclass::text as locked
		   from pg_stat_activity a
		   left join pg_locks l on l.pid = a.pid and l.relation is not null
		  where a.datname = current_database() and a.pid <> pg_backend_pid() and (a.state like 'idle in transaction%' or l.pid is not null)`,
	);
	expect(rows).toEqual([]);
	const bot = await makeBot(database.pool, await makeWorld(database.pool));
	expect((await openPosition(database.pool, bot)).id).toBeGreaterThan(0);
	// Alerts that it is about, too, are raised and resolved meanwhile.
	await raise('NO_TICK', 'scheduler', 2);
	await resolve('DATA_LAG', 'sim BTC', 3);
	expect(isOver).toBe(false);
	await receiver.close();
	await delivery;
});

test('pg-boss retries as long as it is told to; then the message is given up', async () => {
	await addChannel('ops');
	receiver.answer(500);
	await raise('NO_TICK', 'scheduler');
	await deliver(1);
	const job = await one<{ state: string; retry_limit: number; start_after: Date }>(
		database.pool,
		'select state::text, retry_limit, start_after from pgboss.job',
	);
	expect(job).toMatchObject({ state: 'retry', retry_limit: 8 });
	for (let attempt = 2; attempt <= 9; attempt++) await deliver(attempt);
	expect(
		await one(database.pool, 'select attempts, delivered_at, given_up_at, error from botbox.alert_deliveries'),
	).toEqual({ attempts: 9, delivered_at: null, given_up_at: after(9), error: expect.stringContaining('HTTP 500') });
	expect(await one(database.pool, 'select state::text from pgboss.job')).toEqual({ state: 'failed' });
	receiver.requests.length = 0;
	await deliver(20);
	expect(told()).toEqual([]);
});

test('a message whose job was lost is given up after an hour', async () => {
	await addChannel('ops');
	receiver.answer(500);
	await raise('NO_TICK', 'scheduler');
	await deliver(1);
	await database.pool.query('delete from pgboss.job');
	await deliver(3_700);
	expect(await one(database.pool, 'select given_up_at from botbox.alert_deliveries')).toEqual({
		given_up_at: after(3_700),
	});
});

test('two workers at once tell it once', async () => {
	await addChannel('ops');
	for (let i = 0; i < 5; i++) await raise('DATA_LAG', `sim T${i}`, 0, 'WARNING');
	await Promise.all([deliver(1), deliver(1), deliver(1)]);
	await deliver(2);
	expect(told()).toHaveLength(5);
});

test('a new channel hears of what is open, a removed one of nothing', async () => {
	await raise('NO_TICK', 'scheduler');
	await addChannel('late', { now: after(100) });
	await addChannel('gone', { now: after(100) });
	await removeAlertChannel(database.pool, { name: 'gone', actor: 'ann' });
	await deliver(101);
	expect(told()).toEqual(['late OPENED NO_TICK scheduler']);
});

test('another master key is a failure of the channel, not of the worker', async () => {
	await addChannel('ops');
	await raise('NO_TICK', 'scheduler');
	const wrong = Buffer.alloc(32, 8).toString('base64');
	await deliverAlerts({ pool: database.pool, jobs, log }, { masterKey: wrong, now: after(1) });
	expect(await listView(database.pool, 'alert_channels')).toMatchObject([
		{ state: 'FAILING', last_error: expect.stringContaining('another BOTBOX_MASTER_KEY') },
	]);
	await deliver(2);
	expect(told()).toEqual(['ops OPENED NO_TICK scheduler']);
});

test('a test message goes the way alerts go: once, signed, without an alert, and the channel says what became of it', async () => {
	await addChannel('ops');
	const [channel] = await listView(database.pool, 'alert_channels');
	const channelId = Number(channel?.channel_id);
	await jobs.requestChannelTest(channelId);
	await deliver(1);
	await deliver(2);
	expect(receiver.requests).toHaveLength(1);
	expect(JSON.parse(receiver.requests[0]!.body)).toMatchObject({ channel: 'ops', is_test: true, events: [] });
	expect(await listView(database.pool, 'alert_channels')).toMatchObject([
		{ state: 'WORKING', last_delivered_at: after(1) },
	]);

	receiver.answer(500);
	receiver.requests.splice(0);
	await jobs.requestChannelTest(channelId);
	await deliver(3);
	// A person waits for the answer: it is not tried again.
	await deliver(4);
	expect(receiver.requests).toHaveLength(1);
	expect(await listView(database.pool, 'alert_channels')).toMatchObject([
		{ state: 'FAILING', last_failed_at: after(3), last_error: expect.stringContaining('500') },
	]);
});
