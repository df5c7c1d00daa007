/** Event streams on real sockets: what is told, to whom, from where on, and what becomes of one who does not read. */

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changeChannel, createChanges } from '../../src/api/events/changes.ts';
import { createFeed, type Topic, topics } from '../../src/api/events/feed.ts';
import { createHub, type Hub, mostBufferedBytes } from '../../src/api/events/hub.ts';
import { pruneRequests } from '../../src/database/functions/access.ts';
import { revokeToken } from '../../src/database/functions/administration.ts';
import { acknowledgeAlert, raiseAlert } from '../../src/database/functions/guards.ts';
import { type Listener, listen } from '../../src/database/listener.ts';
import { createLogger } from '../../src/logger.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeManualCheck } from '../support/factories/checks.ts';
import { openPosition } from '../support/factories/trading.ts';
import { makeBot, makeWorld, type World } from '../support/factories/world.ts';

let database: TestDatabase;
let api: TestApi;
let listener: Listener;
let port: number;
let world: World;
const changes = createChanges();
const open = new Set<AbortController>();
beforeAll(async () => {
	database = await createTestDatabase();
	world = await makeWorld(database.pool);
	listener = await listen({
		url: database.url,
		applicationName: 'test listener',
		channels: [changeChannel],
		onNotification: (_channel, payload) => changes.notify(payload),
	});
	api = await makeApi(database.pool, { changes, requestsPerMinute: 100_000 });
	await api.app.listen({ host: '127.0.0.1', port: 0 });
	port = (api.app.server.address() as AddressInfo).port;
});
afterAll(async () => {
	for (const controller of open) controller.abort();
	await api.app.close();
	await listener.close();
	await database.drop();
});

interface Told {
	readonly event: string | null;
	readonly id: string | null;
	readonly items: readonly Record<string, unknown>[];
	readonly omitted: number;
}

/** A stream as a browser reads it; `next` gives the first message that fits, from the oldest that was not given. */
async function stream(query = '', options: { token?: string; lastEventId?: string; response?: Response } = {}) {
	const controller = new AbortController();
	open.add(controller);
	const response =
		options.response ??
		(await fetch(`http://127.0.0.1:${port}/api/v1/events${query}`, {
			headers: {
				...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
				...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }),
			},
			signal: controller.signal,
		}));
	const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
	const read: Told[] = [];
	let rest = '';
	const more = async (): Promise<boolean> => {
		const { value, done } = await reader.read();
		if (done) return false;
		const blocks = `${rest}${value}`.split('\n\n');
		rest = blocks.pop() ?? '';
		for (const block of blocks) {
			const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
			const data = JSON.parse(field('data') ?? '{}');
			read.push({ event: field('event'), id: field('id'), items: data.items ?? [], omitted: data.omitted ?? 0 });
		}
		return true;
	};
	return {
		response,
		next: async (fits: (told: Told) => boolean): Promise<Told> => {
			for (;;) {
				const at = read.findIndex(fits);
				if (at !== -1) return read.splice(0, at + 1).at(-1)!;
				if (!(await more())) throw new Error('the stream ended');
			}
		},
		ended: async (): Promise<void> => {
			while (await more().catch(() => false));
		},
		close: () => controller.abort(),
	};
}
const of = (topic: Topic) => (told: Told) => told.event === topic;
const started = (told: Told) => told.event === null;

test('a stream begins at once, and says what it is', async () => {
	const reader = await stream();
	expect(reader.response.status).toBe(200);
	expect(reader.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
	expect(reader.response.headers.get('cache-control')).toBe('no-store');
	expect(reader.response.headers.get('content-security-policy')).toContain("default-src 'none'");
	expect((await reader.next(started)).id).toMatch(/^\d+$/);
	reader.close();
});

test('every topic is told, with the rows of its list', async () => {
	const bot = await makeBot(database.pool, world);
	const reader = await stream();
	await reader.next(started);
	await openPosition(database.pool, bot);
	await raiseAlert(database.pool, { code: 'TEST', severity: 'INFO', subject: `of bot ${bot.id}`, message: 'told' });
	await makeManualCheck(database.pool, bot.id, { at: new Date('2026-03-02T13:00:00.123Z') });
	const told = new Map<string, Record<string, unknown>>();
	const isOfBot = (item: Record<string, unknown>) => item.bot_id === bot.id || item.subject === `of bot ${bot.id}`;
	while (told.size < topics.length) {
		const message = await reader.next(({ event, items }) => event !== null && items.some(isOfBot));
		told.set(message.event!, message.items.findLast(isOfBot)!);
	}
	expect((await api.call('GET', `/api/v1/bots/${bot.id}/checks`)).json().items).toContainEqual(told.get('checks'));
	expect(told.get('positions')).toMatchObject({ status: 'OPEN', symbol: world.instrument.symbol });
	expect(told.get('orders')).toMatchObject({ status: 'FILLED' });
	expect(told.get('trades')).toMatchObject({ status: 'EXECUTED' });
	expect(told.get('signals')).toMatchObject({ status: 'QUEUED' });
	reader.close();
});

test('of one bot and one topic: nothing else', async () => {
	const [own, other] = [await makeBot(database.pool, world), await makeBot(database.pool, world)];
	const reader = await stream(`?topics=checks&bot_id=${own.id}`);
	await reader.next(started);
	const at = new Date('2026-03-02T14:00:00Z');
	await makeManualCheck(database.pool, other.id, { at });
	await makeManualCheck(database.pool, own.id, { at });
	const { items, omitted } = await reader.next(of('checks'));
	expect(items.map((item) => item.bot_id)).toEqual([own.id]);
	expect(omitted).toBe(0);
	reader.close();
});

test('resumed by Last-Event-ID: what was missed, and reset where that is no longer known', async () => {
	const first = await stream('?topics=alerts');
	const { id } = await first.next(started);
	first.close();
	const alertId = await raiseAlert(database.pool, {
		...{ code: 'MISSED', severity: 'WARNING', subject: 'while away', message: 'nobody read this' },
	});
	await acknowledgeAlert(database.pool, { id: alertId, actor: 'test' });
	const second = await stream('?topics=alerts', { lastEventId: id! });
	const missed = await second.next(({ items }) => items.some((item) => item.alert_id === alertId));
	expect(missed.items.find((item) => item.alert_id === alertId)).toMatchObject({ acknowledged_by: 'test' });
	expect(Number(missed.id)).toBeGreaterThan(Number(id));
	second.close();
	const ahead = await stream('?topics=alerts', { lastEventId: '999999999' });
	expect((await ahead.next(({ event }) => event !== null)).event).toBe('reset');
	ahead.close();
});

test('events are kept for ten minutes; a stream from before them is reset', async () => {
	const other = await createTestDatabase();
	try {
		const raise = (subject: string) =>
			raiseAlert(other.pool, { code: 'OLD', severity: 'INFO', subject, message: 'long ago' });
		await raise('a');
		const feed = createFeed(other.pool);
		await feed.start();
		const interest = { allChecks: true, bots: new Set<number>() };
		expect((await feed.since(0, interest))?.items.get('alerts')).toHaveLength(1);
		await pruneRequests(other.pool, { now: new Date(Date.now() + 540_000) });
		expect(await feed.since(0, interest)).not.toBeNull();
		await pruneRequests(other.pool, { now: new Date(Date.now() + 660_000) });
		expect(await feed.since(0, interest)).toBeNull();
		expect((await feed.since(feed.mark, interest))?.items.size).toBe(0);
	} finally {
		await other.drop();
	}
});

test('a transaction that took its number early and commits late is told, and the mark waits for it', async () => {
	const other = await createTestDatabase();
	const client = await other.pool.connect();
	try {
		const feed = createFeed(other.pool);
		await feed.start();
		const from = feed.mark;
		const interest = { allChecks: true, bots: new Set<number>() };
		await client.query('begin');
		await raiseAlert(client, { code: 'LATE', severity: 'INFO', subject: 'slow', message: 'commits last' });
		await raiseAlert(other.pool, { code: 'LATE', severity: 'INFO', subject: 'quick', message: 'commits first' });
		const first = (await feed.read(interest)).batch;
		expect(first?.items.get('alerts')).toHaveLength(1);
		expect(first?.mark).toBe(from);
		await client.query('commit');
		const second = (await feed.read(interest)).batch;
		expect(second?.items.get('alerts')?.[0]?.json).toContain('commits last');
		expect(second?.mark).toBe(from + 2);
		expect((await feed.read(interest)).batch).toBeNull();
	} finally {
		client.release();
		await other.drop();
	}
});

test('a batch of checks is one event; what changes is found by looking, and no transaction waits to notify', async () => {
	const other = await createTestDatabase();
	try {
		const heard: string[] = [];
		const ear = await listen({
			...{ url: other.url, applicationName: 'test ear', channels: [changeChannel] },
			onNotification: (_channel, payload) => heard.push(payload),
		});
		const elsewhere = await makeWorld(other.pool);
		const bot = await makeBot(other.pool, elsewhere);
		await makeManualCheck(other.pool, bot.id, { at: new Date('2026-03-02T13:00:00Z') });
		await openPosition(other.pool, bot);
		await other.pool.query(`select pg_notify('botbox_events', 'access')`);
		while (!heard.includes('access')) await new Promise((resolve) => setImmediate(resolve));
		await ear.close();
		expect(heard).toEqual(['access']);
		const { rows } = await other.pool.query(
			'select topic, count(*)::int as count from botbox.events group by topic order by topic',
		);
		expect(rows).toContainEqual({ topic: 'checks', count: 1 });
		expect(rows.map(({ topic }) => topic)).toEqual(['checks', 'orders', 'positions', 'signals', 'trades']);
	} finally {
		await other.drop();
	}
});

test('a revoked token ends its streams', async () => {
	const { id, token } = await makeToken(database.pool, 'viewer');
	const reader = await stream('?topics=alerts', { token });
	await reader.next(started);
	await revokeToken(database.pool, { tokenId: id });
	await reader.ended();
	expect((await stream('', { token })).response.status).toBe(401);
});

test.each([
	['?topics=trades,nonsense', undefined],
	['?topics=', undefined],
	['?bot_id=x', undefined],
	['?colour=red', undefined],
	['', 'abc'],
])('%s with Last-Event-ID %s is refused in words', async (query, lastEventId) => {
	const refused = await stream(query, lastEventId === undefined ? {} : { lastEventId });
	expect(refused.response.status).toBe(400);
	expect(refused.response.headers.get('content-type')).toContain('application/problem+json');
	refused.close();
});

test('of 500 streams the one that does not read is dropped, and what waits in memory stays bounded', async () => {
	const told = createChanges();
	const hub = createHub({
		feed: fakeFeed(),
		changes: told,
		log: createLogger({ level: 'silent', name: 'test' }),
		heartbeatMs: 3_600_000,
	});
	const responses: ServerResponse[] = [];
	const server = createServer((request, response) => {
		response.writeHead(200, { 'content-type': 'text/event-stream' });
		response.flushHeaders();
		responses.push(response);
		// Most look at one bot; the silent one is told of all of them.
		hub.add(response, {
			...{ topics, botId: request.url === '/all' ? null : 2, after: null, credential: 'local' },
			isStillValid: async () => true,
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port: own } = server.address() as AddressInfo;
	const sockets: Socket[] = [];
	let received = 0;
	const dial = async (path: string, reads: boolean): Promise<void> => {
		const socket = connect(own, '127.0.0.1');
		sockets.push(socket);
		socket.on('error', () => {});
		await new Promise<void>((resolve) => socket.once('connect', resolve));
		socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
		if (!reads) socket.pause();
		else
			socket.on('data', (chunk) => {
				received += chunk.length;
			});
	};
	try {
		await dial('/all', false);
		for (let i = 1; i < 500; i++) await dial('/one', true);
		while (responses.length < 500) await new Promise((resolve) => setImmediate(resolve));
		await hub.settled();
		expect(hub.size).toBe(500);
		const before = process.memoryUsage().rss;
		let most = 0;
		// The kernel's buffers of the silent one fill up first, some megabytes; then ours.
		for (let rounds = 0; hub.dropped === 0 && rounds < 500; rounds++) {
			const floor = received + 499 * 100;
			await hub.settled();
			while (received < floor) await new Promise((resolve) => setImmediate(resolve));
			most = Math.max(most, ...responses.map(({ writableLength }) => writableLength));
		}
		expect(hub.dropped).toBe(1);
		expect(hub.size).toBe(499);
		expect(most).toBeLessThanOrEqual(mostBufferedBytes);
		expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
	} finally {
		hub.close();
		for (const socket of sockets) socket.destroy();
		server.close();
	}
});

test.each([
	['that came while the hub closed', async (hub: Hub) => hub.close(), {}],
	[
		'that could not be caught up is cut off, to come again, and',
		async () => {},
		{ start: async () => Promise.reject(new Error('the database is away')) },
	],
])('a stream %s does not keep the server from ending', async (_, then, broken) => {
	const started = Promise.withResolvers<void>();
	const hub = createHub({
		// The start takes until everything else has been done.
		feed: { ...fakeFeed(), start: () => started.promise, ...broken },
		changes: createChanges(),
		log: createLogger({ level: 'silent', name: 'test' }),
		heartbeatMs: 3_600_000,
	});
	const server = createServer((_request, response) => {
		response.writeHead(200, { 'content-type': 'text/event-stream' });
		response.flushHeaders();
		hub.add(response, {
			...{ topics, botId: null, after: null, credential: 'local' },
			isStillValid: async () => true,
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port: own } = server.address() as AddressInfo;
	const socket = connect(own, '127.0.0.1');
	socket.on('error', () => {});
	try {
		const ended = new Promise((resolve) => socket.once('close', resolve));
		socket.once('data', async () => {
			await then(hub);
			started.resolve();
		});
		socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
		await ended;
		await new Promise((resolve) => server.close(resolve));
		expect(hub.size).toBe(0);
	} finally {
		hub.close();
		socket.destroy();
		server.close();
	}
});

/** At every look a short check of bot 2 and 150 long ones of bot 1. */
function fakeFeed(): ReturnType<typeof createFeed> {
	const long = { botId: 1, json: JSON.stringify({ bot_id: 1, text: 'x'.repeat(1_000) }) };
	const short = { botId: 2, json: JSON.stringify({ bot_id: 2, text: 'x'.repeat(100) }) };
	const items = new Map<Topic, (typeof long)[]>([['checks', [short, ...Array.from({ length: 150 }, () => long)]]]);
	const batch = { mark: 1, items, omitted: new Map<Topic, number>() };
	return {
		mark: 1,
		start: async () => {},
		read: async () => ({ batch, isLost: false }),
		since: async () => batch,
	};
}
