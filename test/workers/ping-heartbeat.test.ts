/** The dead-man's switch is fed once a minute while all works, and not when ticks, checks or alerts do not. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { sealSettings } from '../../src/alerts/channels.ts';
import { createAlertChannel, recordAlertDelivery } from '../../src/database/functions/alerts.ts';
import { recordTick } from '../../src/database/functions/checks.ts';
import { claimDuties, openBreaker, raiseAlert } from '../../src/database/functions/guards.ts';
import { createLogger } from '../../src/logger.ts';
import type { WorkerContext } from '../../src/workers/context.ts';
import { pingHeartbeat } from '../../src/workers/ping-heartbeat.ts';
import { empty } from '../db/books.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { after, makeBot, makeWorld, start } from '../support/factories/world.ts';
import { type Receiver, startReceiver } from '../support/receivers.ts';

let database: TestDatabase;
let receiver: Receiver;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
	await empty(database.pool);
	receiver = await startReceiver();
});
afterEach(() => receiver.close());

const workerId = 'w';
const log = createLogger({ level: 'silent', name: 'test' });

/** A tick at that minute, and a look at the rules a moment before. */
async function work(seconds: number, parts: { tick?: boolean; health?: boolean } = {}): Promise<void> {
	const now = after(seconds);
	const { tick = true, health = true } = parts;
	if (tick) await recordTick(database.pool, { workerId, dueBots: 0, durationMs: 1, now });
	const duties = [{ name: 'health', interval_ms: 10_000 }];
	if (health) await claimDuties(database.pool, { duties, workerId, now });
}

async function ping(seconds: number): Promise<string> {
	const context = { pool: database.pool, workerId, log } as WorkerContext;
	return await pingHeartbeat(context, `${receiver.url}/ping/hidden`, after(seconds));
}

test('asked once a minute, by one worker for all', async () => {
	await work(0);
	expect((await Promise.all([ping(1), ping(1), ping(1)])).toSorted()).toEqual(['not due', 'not due', 'pinged']);
	expect(await ping(60)).toBe('not due');
	await work(60);
	expect(await ping(61)).toBe('pinged');
	expect(receiver.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
		'GET /ping/hidden',
		'GET /ping/hidden',
	]);
});

test('ticks that stay away withhold it, until they come again', async () => {
	expect(await ping(1)).toBe('withheld');
	await work(60);
	expect(await ping(61)).toBe('pinged');
	await work(240, { tick: false });
	expect(await ping(241)).toBe('withheld');
	await work(301);
	expect(await ping(302)).toBe('pinged');
	expect(receiver.requests).toHaveLength(2);
});

test('bots that nobody checks withhold it; those of an exchange whose breaker is open do not', async () => {
	const world = await makeWorld(database.pool);
	await makeBot(database.pool, world, { intervalMinutes: 1, now: start });
	await work(60);
	expect(await ping(60)).toBe('pinged');
	await work(241);
	expect(await ping(241)).toBe('withheld');
	await openBreaker(database.pool, { exchangeId: 'sim', reason: 'of a test', now: after(250) });
	await work(301);
	expect(await ping(302)).toBe('pinged');
});

test('rules that nobody looks at withhold it', async () => {
	await work(0);
	await work(120, { health: false });
	expect(await ping(121)).toBe('withheld');
	await work(125, { tick: false });
	expect(await ping(182)).toBe('pinged');
});

test('no channel that takes alerts withholds it; one of two is enough', async () => {
	const settings = sealSettings({ kind: 'SLACK', url: 'https://example.org' }, Buffer.alloc(32).toString('base64'));
	const add = (name: string) =>
		createAlertChannel(database.pool, { name, kind: 'SLACK', target: 't', settings, now: start });
	const [one, two] = [await add('one'), await add('two')];
	const record = (channelId: number, error: string | null) =>
		recordAlertDelivery(database.pool, { channelId, deliveryIds: [], error, now: start });
	for (let i = 0; i < 3; i++) await record(one, 'gone');
	await work(0);
	expect(await ping(1)).toBe('pinged');
	for (let i = 0; i < 3; i++) await record(two, 'gone');
	await work(61);
	expect(await ping(62)).toBe('withheld');
	await record(one, null);
	expect(await ping(123)).toBe('pinged');
});

test('messages that nobody sends withhold it', async () => {
	const settings = Buffer.from('sealed');
	await createAlertChannel(database.pool, { name: 'ops', kind: 'SLACK', target: 't', settings, now: start });
	const alert = { code: 'NO_TICK', severity: 'CRITICAL', subject: 'x', message: 'm', now: start } as const;
	await raiseAlert(database.pool, alert);
	await database.pool.query('select botbox.queue_alert_deliveries(p_now => $1)', [after(1)]);
	await work(179);
	expect(await ping(180)).toBe('pinged');
	await work(240);
	expect(await ping(241)).toBe('withheld');
});

test('an address that refuses is asked again a minute later', async () => {
	await work(0);
	receiver.answer(500);
	expect(await ping(1)).toBe('failed');
	receiver.answer(200);
	expect(await ping(30)).toBe('not due');
	expect(await ping(61)).toBe('pinged');
});
