/**
 * Checks keep their grid whoever looks on: beside 500 event streams, one of which nobody reads, and beside checks that a person
 * asks for. On a clock of our own: what is counted is each point of the grid, checked once and in its own minute.
 */
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changeChannel, createChanges } from '../../src/api/events/changes.ts';
import { createManualChecks, manualCheckChannel } from '../../src/api/manual-checks.ts';
import { createAccount, createBot } from '../../src/database/functions/administration.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { type Listener, listen } from '../../src/database/listener.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { runManualChecks } from '../../src/workers/run-manual-checks.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { flowStart, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

const botCount = 12;
const minutes = 4;
const streamCount = 500;

let system: SimulatedSystem;
let api: TestApi;
let listener: Listener;
let token: string;
const botIds: number[] = [];

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 2 } });
	const { pool, url } = system.database;
	const now = system.now();
	const accountId = await createAccount(pool, {
		...{ name: 'paper', exchangeId: 'sim', settleAsset: 'USDT', mode: 'PAPER', capital: 10_000, now },
	});
	const instruments = (await findInstruments(pool, { exchangeId: 'sim' })).filter(
		({ marketType }) => marketType === 'LINEAR',
	);
	const strategyVersionId = await ensureStrategyVersion(pool, 'scalping', {});
	for (let i = 0; i < botCount; i++) {
		botIds.push(
			await createBot(pool, {
				...{ name: `bot ${i}`, strategyVersionId, accountId, instrumentId: instruments[i % instruments.length]!.id },
				...{ intervalMinutes: 1, sizing: 'FIXED_NOTIONAL', sizingValue: 100, now },
			}),
		);
	}
	const manualChecks = createManualChecks();
	const changes = createChanges();
	listener = await listen({
		...{ url, applicationName: 'test listener', channels: [changeChannel, manualCheckChannel] },
		onNotification: (channel, payload) => (channel === changeChannel ? changes : manualChecks).notify(payload),
	});
	api = await makeApi(pool, { changes, manualChecks, jobs: system.context.jobs, clock: system.now });
	await api.app.listen({ host: '127.0.0.1', port: 0 });
	({ token } = await makeToken(pool, 'operator'));
}, 120_000);
afterAll(async () => {
	await api.app.close();
	await listener.close();
	await system.close();
});

/** Asks by HTTP, while a worker answers. */
async function checkNow(botId: number): Promise<number> {
	let isAnswered = false;
	const answer = api.call('POST', `/api/v1/bots/${botId}/check`, { token, body: {} }).finally(() => {
		isAnswered = true;
	});
	while (!isAnswered) {
		await runManualChecks(system.context, system.now());
		await new Promise((resolve) => setImmediate(resolve));
	}
	return (await answer).statusCode;
}

test('500 streams, one not read, and checks by hand: every bot is checked at every point of its grid, once', async () => {
	const { pool } = system.database;
	const { port } = api.app.server.address() as AddressInfo;
	const sockets: Socket[] = [];
	/** How many events of checks each reader was told. */
	const told = new Array<number>(streamCount - 1).fill(0);
	const dial = async (onText: ((text: string) => void) | null): Promise<void> => {
		const socket = connect(port, '127.0.0.1');
		sockets.push(socket);
		socket.on('error', () => undefined);
		await new Promise<void>((resolve) => socket.once('connect', resolve));
		socket.write('GET /api/v1/events?topics=checks HTTP/1.1\r\nhost: localhost\r\n\r\n');
		if (onText === null) return void socket.pause();
		await new Promise<void>((resolve) => {
			socket.on('data', (chunk) => {
				onText(chunk.toString('latin1'));
				resolve();
			});
		});
	};
	try {
		await dial(null);
		for (let i = 0; i < told.length; i++) {
			await dial((text) => {
				told[i] = (told[i] ?? 0) + (text.match(/^event: checks$/gm)?.length ?? 0);
			});
		}
		const before = process.memoryUsage().rss;
		const [looked = 0] = botIds;
		for (let minute = 1; minute <= minutes; minute++) {
			// Shortly before the point of the grid, and right after it.
			system.skip(55_000);
			expect(await checkNow(looked)).toBe(200);
			await system.minute();
			expect(await checkNow(looked)).toBe(200);
			await expect.poll(() => Math.min(...told), { timeout: 60_000 }).toBeGreaterThanOrEqual(minute);
		}
		expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
		expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([]);

		const { rows } = await pool.query<{ bot_id: number; points: Date[]; latest: number; next: Date }>(
			`select b.id as bot_id, array_agg(c.due_at order by c.due_at) as points, b.next_check_at as next,
			        max(extract(epoch from c.recorded_at - c.due_at))::float8 as latest
			   from botbox.bots b
			   join botbox.checks c on c.bot_id = b.id and c.kind = 'SCHEDULED'
			  group by b.id
			  order by b.id`,
		);
		const point = (minute: number): Date => new Date(flowStart + minute * 60_000);
		const grid = Array.from({ length: minutes }, (_, i) => point(i + 1));
		expect(rows.map(({ bot_id, points, next }) => ({ bot_id, points, next }))).toEqual(
			botIds.map((bot_id) => ({ bot_id, points: grid, next: point(minutes + 1) })),
		);
		for (const { latest } of rows) expect(latest).toBeLessThan(30);
		const manual = await pool.query(`select bot_id from botbox.checks where kind = 'MANUAL'`);
		expect(manual.rows).toEqual(Array.from({ length: 2 * minutes }, () => ({ bot_id: looked })));
	} finally {
		for (const socket of sockets) socket.destroy();
	}
}, 180_000);
