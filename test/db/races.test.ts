/** Many connections at once: the last slot, the last dollar and the same signal go to exactly as many as there are. */

import type { PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/database/pool.ts';
import { prepareRace } from '../support/entry-race.ts';
import { decide } from '../support/factories/trading.ts';
import { after, makeBot, makeInstrument, makeWorld } from '../support/factories/world.ts';
import { openBooks } from './books.ts';

const books = openBooks();

let racers: Pool;
beforeAll(() => {
	racers = createPool({ url: books.url, max: 21, applicationName: 'botbox tests' });
});
afterAll(() => racers.end());

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

async function untilWaiting(count: number): Promise<void> {
	for (;;) {
		const { rows } = await books.pool.query<{ waiting: number }>(`
			select count(*) as waiting from pg_locks
			where locktype = 'advisory' and not granted
			and database = (select oid from pg_database where datname = current_database())`);
		if (rows[0]?.waiting === count) return;
	}
}

/** 500 rounds, and each worker a process: `npm run chaos -- --drill races`. */
test.each([
	['slots: 5 are there', 40, { capital: 1_000_000, maxPositions: 5 }, 'MAX_POSITIONS', 5],
	['capital that suffices for 3', 40, { capital: 3_003 }, 'INSUFFICIENT_CAPITAL', 3],
	['exposure', 10, { limits: { max_total_exposure: 4_500 } }, 'TOTAL_EXPOSURE', 4],
	['exposure per instrument', 10, { limits: { max_instrument_exposure: 3_000 } }, 'INSTRUMENT_EXPOSURE', 3],
	['entries of the minute', 10, { limits: { max_entries_per_minute: 2 } }, 'ENTRY_RATE_LIMIT', 2],
] as const)(
	'20 bots on 16 workers race for %s: exactly as many win, every time',
	async (_, rounds, room, refusal, fitting) => {
		const race = await prepareRace({ pool: racers, workers: 16, capital: 1_000_000, ...room });
		for (let round = 0; round < rounds; round++) {
			expect(await race.run(round)).toEqual({ ACCEPTED: fitting, [refusal]: 20 - fitting });
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
