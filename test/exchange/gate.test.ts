/** The gate itself: waiting, lapsing, reporting, and a limiter that cannot be reached. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Pool } from '../../src/database/pool.ts';
import { createGate } from '../../src/exchange/call-exchange.ts';
import type { GatewayContext } from '../../src/exchange/context.ts';
import type { ExchangeCall } from '../../src/exchange/limits.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeClock, masterKey, quietLog, type TestClock } from './harness.ts';

let database: TestDatabase;
let clock: TestClock;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
	clock = makeClock();
	await database.pool.query('delete from botbox.rate_limits');
});

const publicRead: ExchangeCall = { name: 'GET public', weight: 1, ipBucket: 'all', account: null, isTelling: false };
const accountRead = (key = '1'): ExchangeCall => ({
	name: 'GET private',
	ipBucket: 'all',
	weight: 1,
	account: { key, bucket: 'read' },
	isTelling: false,
});

function open(more: Partial<GatewayContext> = {}) {
	const context: GatewayContext = {
		pool: database.pool,
		workerId: 'w',
		log: quietLog,
		masterKey,
		liveAccounts: [],
		clock,
		sleep: async (ms) => clock.advance(ms),
		...more,
	};
	return createGate(context, { exchangeId: 'sim', family: 'bybit', exchangeTime: clock });
}

/** How many of the times lie within the worst window of that length. */
function worst(times: readonly number[], windowMs: number): number {
	return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length));
}

describe('reads', () => {
	test('wait for the limiter, and in no window are more sent than 80% of what is published', async () => {
		const gate = open();
		const sentAt: number[] = [];
		await Promise.all(
			Array.from({ length: 300 }, () =>
				gate.callExchange(accountRead(), async () => {
					sentAt.push(clock());
				}),
			),
		);
		expect(sentAt).toHaveLength(300);
		expect(worst(sentAt, 1_000)).toBeLessThanOrEqual(40);
		// The exchange's own buckets are kept busy all the same.
		expect(clock() - (sentAt[0] ?? 0)).toBeLessThan(12_000);
	});

	test('a refusal for the account leaves the IP its tokens', async () => {
		const gate = open({ timings: { longestReadWaitMs: 0 } });
		const sent = await Promise.allSettled(
			Array.from({ length: 100 }, () => gate.callExchange(accountRead(), async () => undefined)),
		);
		const granted = sent.filter((result) => result.status === 'fulfilled').length;
		// Of a burst of eight the last two are kept for closes.
		expect(granted).toBe(6);
		const counts = await database.pool.query(`select granted_count from botbox.rate_limits where scope = 'IP'`);
		expect(counts.rows[0].granted_count).toBe(granted);
	});

	test('give up after the longest wait', async () => {
		const gate = open({ timings: { longestReadWaitMs: 500 } });
		for (let n = 0; n < 96; n += 1) await gate.callExchange(publicRead, async () => undefined);
		const heavy = { ...publicRead, weight: 96 };
		await expect(gate.callExchange(heavy, async () => undefined)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
	});

	test('waiting is no denial; to be told of a wait beyond the longest one is', async () => {
		const gate = open();
		const counts = async () => {
			const { rows } = await database.pool.query(
				`select denied_count::int as asked_again, minute_denied as denied from botbox.rate_limits where scope = 'IP'`,
			);
			return rows[0];
		};
		await Promise.all(Array.from({ length: 200 }, () => gate.callExchange(publicRead, async () => undefined)));
		const { asked_again, denied } = await counts();
		expect(asked_again).toBeGreaterThan(5);
		expect(denied).toBe(0);
		await database.pool.query(`update botbox.rate_limits set blocked_until = $1`, [new Date(clock() + 30_000)]);
		await expect(gate.callExchange(publicRead, async () => undefined)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
		expect((await counts()).denied).toBe(1);
	});

	test('end their wait when the process stops', async () => {
		const stopping = new AbortController();
		const gate = open({
			signal: stopping.signal,
			sleep: async () => {
				stopping.abort(new Error('stopping'));
			},
		});
		const heavy = { ...publicRead, weight: 96 };
		await gate.callExchange(heavy, async () => undefined);
		await expect(gate.callExchange(heavy, async () => undefined)).rejects.toThrow('stopping');
	});

	test('a grant that lapses is asked for again, and not for ever', async () => {
		const gate = open({ timings: { grantLifeMs: 0 } });
		let sent = 0;
		const call = gate.callExchange(publicRead, async () => {
			sent += 1;
		});
		await expect(call).rejects.toMatchObject({ code: 'RATE_LIMITED' });
		expect(sent).toBe(0);
		const counts = await database.pool.query('select granted_count from botbox.rate_limits');
		expect(counts.rows[0].granted_count).toBe(3);
	});
});

describe('those who ask together', () => {
	/** Round trips to the limiter, counted. */
	function counted() {
		const trips: unknown[] = [];
		const pool = {
			query: (text: string, values: unknown[]) => {
				if (text.includes('acquire_call')) trips.push(values);
				return database.pool.query(text, values);
			},
		} as unknown as Pool;
		return { pool, trips };
	}

	test('share one round trip, reads as orders', async () => {
		const { pool, trips } = counted();
		const gate = open({ pool });
		await Promise.all(Array.from({ length: 15 }, () => gate.callExchange(publicRead, async () => undefined)));
		expect(trips).toHaveLength(1);
		const order: ExchangeCall = { ...accountRead('9'), account: { key: '9', bucket: 'order_linear' } };
		const answers = await Promise.all(Array.from({ length: 5 }, () => gate.askForGrant(order)));
		expect(trips).toHaveLength(2);
		// One of five fits; the others are told when to come again.
		expect(answers.filter((answer) => 'lapsesAt' in answer)).toHaveLength(1);
		expect(answers.filter((answer) => 'refusal' in answer && answer.retryAfterMs > 1)).toHaveLength(4);
	});

	test('what cannot wait does not stand in the line of what can, and has tokens kept for it', async () => {
		const { pool } = counted();
		const held = Promise.withResolvers<void>();
		const gate = open({ pool, sleep: () => held.promise });
		const order: string[] = [];
		const reads = Array.from({ length: 12 }, () =>
			gate.callExchange(accountRead('10'), async () => {
				order.push('read');
			}),
		);
		const urgent = { ...accountRead('10'), isUrgent: true };
		while (order.length < 6) await new Promise(setImmediate);
		await gate.callExchange(urgent, async () => {
			order.push('urgent');
		});
		expect(order).toEqual([...Array(6).fill('read'), 'urgent']);
		clock.advance(10_000);
		held.resolve();
		await Promise.all(reads);
		expect(order.slice(7)).toEqual(Array(6).fill('read'));
	});
});

describe('a limiter that cannot be reached', () => {
	/** A pool that is down until told otherwise. */
	function fallible() {
		const state = { isDown: true, asked: 0 };
		const pool = {
			query: (...args: Parameters<Pool['query']>) => {
				state.asked += 1;
				return state.isDown ? Promise.reject(new Error('connection refused')) : database.pool.query(...args);
			},
		} as unknown as Pool;
		return { state, pool };
	}

	test('three times in a row: reads go on at half the limit, divided by the workers, and return by themselves', async () => {
		const { state, pool } = fallible();
		const gate = open({ pool, workerCount: () => 4, timings: { limiterRetryMs: 1 }, sleep: realTurn });
		const startedAt = performance.now();
		let sent = 0;
		for (let n = 0; n < 5; n += 1)
			await gate.callExchange(publicRead, async () => {
				sent += 1;
			});
		expect(sent).toBe(5);
		// 60 a second of 120, a quarter of that for each of four workers: five of them take a third of a second.
		expect(performance.now() - startedAt).toBeGreaterThan(5 / 15 / 2);
		state.isDown = false;
		await gate.callExchange(publicRead, async () => undefined);
		const counts = await database.pool.query('select granted_count from botbox.rate_limits');
		expect(counts.rows[0].granted_count).toBe(1);
	});

	test('it is told by an alert as soon as the database takes one, resolved on return', async () => {
		const { state, pool } = fallible();
		const gate = open({
			pool,
			workerId: 'alone',
			timings: { limiterRetryMs: 1 },
			sleep: async () => new Promise(setImmediate),
		});
		await gate.callExchange(publicRead, async () => undefined);
		const alerts = async () =>
			(
				await database.pool.query(
					`select severity, subject, message, resolved_at is null as is_open from botbox.alerts where code = 'LIMITER_FALLBACK' and subject = 'sim alone'`,
				)
			).rows;
		expect(await alerts()).toEqual([]);
		state.isDown = false;
		await gate.callExchange(publicRead, async () => undefined);
		await expect.poll(alerts, { timeout: 20_000 }).toEqual([
			{
				severity: 'CRITICAL',
				subject: 'sim alone',
				message: expect.stringContaining('could not reach the limiter of sim'),
				is_open: false,
			},
		]);
	});

	test('orders are not sent', async () => {
		const { pool } = fallible();
		const gate = open({ pool });
		const order: ExchangeCall = { ...accountRead(), account: { key: '1', bucket: 'order_linear' } };
		for (let n = 0; n < 5; n += 1)
			expect(await gate.askForGrant(order)).toMatchObject({ refusal: 'LIMITER_UNREACHABLE' });
	});

	test('one that answers too late counts as unreachable', async () => {
		const pool = { query: () => new Promise(() => undefined) } as unknown as Pool;
		const gate = open({ pool, timings: { limiterTimeoutMs: 5 } });
		expect(await gate.askForGrant(accountRead())).toMatchObject({ refusal: 'LIMITER_UNREACHABLE' });
	});

	/** The local limiter counts on the real clock: its waits pass in real time, some 70 ms each here. */
	async function realTurn(ms: number): Promise<void> {
		await new Promise((resolve) => setTimeout(resolve, ms));
	}
});

test('an answer is given even if limiter and breaker cannot be told of it', async () => {
	const gate = open({
		pool: {
			query: (text: string, values: unknown[]) =>
				text.includes('acquire_call')
					? database.pool.query(text, values)
					: Promise.reject(new Error('the database went away')),
		} as unknown as Pool,
	});
	await database.pool.query(`update botbox.circuit_breakers set consecutive_failures = 2 where exchange_id = 'sim'`);
	expect(await gate.callExchange(publicRead, async () => 'answer')).toBe('answer');
	await database.pool.query(`update botbox.circuit_breakers set consecutive_failures = 0 where exchange_id = 'sim'`);
});
