/** Many connections at once: the last slot, the last dollar and the same signal go to exactly as many as there are. */

import type { PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setAccountLimits } from '../../src/database/functions/administration.ts';
import { recordChecks } from '../../src/database/functions/checks.ts';
import { expireTrades } from '../../src/database/functions/trades.ts';
import { createPool, type Pool } from '../../src/database/pool.ts';
import { checkOf } from '../support/factories/evaluated-checks.ts';
import { decide } from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeInstrument, makeWorld, type World } from '../support/factories/world.ts';
import { openBooks } from './books.ts';

const books = openBooks();
const rounds = 30;

let racers: Pool;
beforeAll(() => {
	racers = createPool({ url: books.url, max: 21, applicationName: 'botbox tests' });
});
afterAll(() => racers.end());

async function twentyBots(world: World): Promise<Bot[]> {
	const bots = [];
	for (let index = 0; index < 20; index++) bots.push(await makeBot(books.pool, world));
	return bots;
}

/** All are held up at an advisory lock and let go in the same moment, each on a connection of its own. */
async function atOnce<T>(count: number, act: (client: PoolClient, index: number) => Promise<T>): Promise<T[]> {
	const gate = await racers.connect();
	try {
		await gate.query('select pg_advisory_lock(7)');
		const racing = Array.from({ length: count }, async (_, index) => {
			const client = await racers.connect();
			try {
				await client.query('select pg_advisory_lock_shared(7)');
				const result = await act(client, index);
				await client.query('select pg_advisory_unlock_shared(7)');
				return result;
			} finally {
				client.release();
			}
		});
		await untilWaiting(count);
		await gate.query('select pg_advisory_unlock(7)');
		return await Promise.all(racing);
	} finally {
		gate.release();
	}
}

/** Every bot's check is recorded at once, each by a batch of its own; answers how often each reason came. */
async function race(bots: readonly Bot[], round: number): Promise<Record<string, number>> {
	const now = after(round * 300);
	// What the round before took is free again.
	await expireTrades(books.pool, { now });
	await books.pool.query(`update bots set claimed_by = 'racer', claimed_until = $1`, [after(round * 300 + 30)]);
	const recorded = await atOnce(bots.length, (client, index) =>
		recordChecks(client, {
			checks: [checkOf(bots[index]!, now, { kind: 'MANUAL', decision: 'LONG' })],
			workerId: 'racer',
			now,
		}),
	);
	const counts: Record<string, number> = {};
	for (const { reasonCode } of recorded.flat()) counts[reasonCode] = (counts[reasonCode] ?? 0) + 1;
	return counts;
}

async function untilWaiting(count: number): Promise<void> {
	for (;;) {
		const { rows } = await books.pool.query<{ waiting: number }>(`
			select count(*) as waiting from pg_locks
			where locktype = 'advisory' and not granted
			and database = (select oid from pg_database where datname = current_database())`);
		if (rows[0]?.waiting === count) return;
	}
}

test('20 bots race for 5 slots: 5 win, every time', async () => {
	const bots = await twentyBots(await makeWorld(books.pool, { account: { capital: 1_000_000, maxPositions: 5 } }));
	for (let round = 0; round < rounds; round++) {
		expect(await race(bots, round)).toEqual({ ACCEPTED: 5, MAX_POSITIONS: 15 });
	}
});

test('20 bots race for capital that suffices for 3: 3 win, every time', async () => {
	const bots = await twentyBots(await makeWorld(books.pool, { account: { capital: 3_003 } }));
	for (let round = 0; round < rounds; round++) {
		expect(await race(bots, round)).toEqual({ ACCEPTED: 3, INSUFFICIENT_CAPITAL: 17 });
	}
});

test.each([
	['exposure', { max_total_exposure: 4_500 }, 'TOTAL_EXPOSURE', 4],
	['exposure per instrument', { max_instrument_exposure: 3_000 }, 'INSTRUMENT_EXPOSURE', 3],
	['entry of the minute', { max_entries_per_minute: 2 }, 'ENTRY_RATE_LIMIT', 2],
] as const)(
	'20 bots race for the last %s: exactly as many win as fit, every time',
	async (_, limits, refusal, fitting) => {
		const world = await makeWorld(books.pool, { account: { capital: 1_000_000 } });
		await setAccountLimits(books.pool, { accountId: world.accountId, limits });
		const bots = await twentyBots(world);
		for (let round = 0; round < rounds; round++) {
			expect(await race(bots, round)).toEqual({ ACCEPTED: fitting, [refusal]: 20 - fitting });
		}
	},
);

test('one signal from 20 connections is queued once and 19 times a repetition', async () => {
	const world = await makeWorld(books.pool);
	for (let round = 0; round < 5; round++) {
		const bot = await makeBot(books.pool, world, { instrument: await makeInstrument(books.pool) });
		const decisions = await atOnce(20, (client) => decide(client, bot, { now: after(round * 300) }));
		expect(new Set(decisions.map(({ tradeId }) => tradeId)).size).toBe(1);
		expect(decisions.filter(({ outcome }) => outcome === 'QUEUED')).toHaveLength(1);
		expect(decisions.filter(({ outcome }) => outcome === 'REPEATED')).toHaveLength(19);
	}
});
