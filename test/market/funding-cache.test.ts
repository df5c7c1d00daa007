/** Funding rates that a worker holds: sent once, and again only when something about them has changed. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { recordFundingRates } from '../../src/database/functions/history.ts';
import { FundingCache } from '../../src/market/funding-cache.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const noon = Date.UTC(2025, 5, 12, 12);
const hour = 3_600_000;
const minute = 60_000;
let database: TestDatabase;
let instrumentId: number;

beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());
let made = 0;
beforeEach(async () => {
	made += 1;
	const { rows } = await database.pool.query<{ id: number }>(
		`insert into botbox.instruments (exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size)
		 values ('sim', $1 || '/USDT:USDT', $1 || 'USDT', 'LINEAR', $1, 'USDT', 'USDT', 0.01, 0.001) returning id`,
		[`B${made}`],
	);
	instrumentId = rows[0]?.id ?? 0;
	await database.pool.query('insert into botbox.feeds (instrument_id) values ($1)', [instrumentId]);
});

async function record(rates: readonly (readonly [at: number, rate: string])[], now: number): Promise<void> {
	await recordFundingRates(database.pool, {
		results: [{ instrument_id: instrumentId, rates, error: null }],
		now: new Date(now),
	});
}

/** A worker's cache, and how many rows it was sent. */
function createWorker() {
	const cache = new FundingCache();
	let sent = 0;
	const query = async (...args: Parameters<typeof database.pool.query>) => {
		const result = (await Reflect.apply(database.pool.query, database.pool, args)) as unknown as { rows: unknown[] };
		sent += result.rows.length;
		return result;
	};
	const db = { query } as unknown as typeof database.pool;
	return {
		sent: () => sent,
		look: async (at: number) => (await cache.load(db, [instrumentId], new Date(at))).get(instrumentId) ?? null,
	};
}

const told = (rates: Awaited<ReturnType<ReturnType<typeof createWorker>['look']>>) =>
	rates === null ? null : Array.from(rates.rate);

test('what is held is not sent again, and stays the same object', async () => {
	const worker = createWorker();
	await record(
		[
			[noon - 8 * hour, '0.0001'],
			[noon, '0.0002'],
		],
		noon,
	);
	const first = await worker.look(noon);
	expect(told(first)).toEqual([0.0001, 0.0002]);
	await record(
		[
			[noon - 8 * hour, '0.0001'],
			[noon, '0.0002'],
		],
		noon,
	);
	for (let at = noon + minute; at < noon + 10 * minute; at += minute) expect(await worker.look(at)).toBe(first);
	expect(worker.sent()).toBe(1);
});

test('a new rate, a correction and one that comes late are seen within a minute', async () => {
	const worker = createWorker();
	await record(
		[
			[noon - 16 * hour, '0.0001'],
			[noon - 8 * hour, '0.0002'],
		],
		noon,
	);
	await worker.look(noon);
	await record([[noon, '0.0003']], noon);
	expect(told(await worker.look(noon + minute))).toEqual([0.0001, 0.0002, 0.0003]);
	await record([[noon - 8 * hour, '0.0004']], noon);
	expect(told(await worker.look(noon + 2 * minute))).toEqual([0.0001, 0.0004, 0.0003]);
	await record([[noon - 12 * hour, '0.0005']], noon);
	expect(told(await worker.look(noon + 3 * minute))).toEqual([0.0001, 0.0005, 0.0004, 0.0003]);
});

test('a rate that is stored ahead of its time is seen when it has come, and not before', async () => {
	const worker = createWorker();
	await record(
		[
			[noon - 8 * hour, '0.0001'],
			[noon + 5 * minute, '0.0002'],
		],
		noon,
	);
	expect(told(await worker.look(noon))).toEqual([0.0001]);
	expect(told(await worker.look(noon + 4 * minute))).toEqual([0.0001]);
	expect(told(await worker.look(noon + 5 * minute))).toEqual([0.0001, 0.0002]);
	expect(worker.sent()).toBe(2);
});

test('the first rate of a market that had none', async () => {
	const worker = createWorker();
	expect(await worker.look(noon)).toBeNull();
	await record([[noon, '0.0001']], noon);
	expect(told(await worker.look(noon + minute))).toEqual([0.0001]);
});
