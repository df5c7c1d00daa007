/** What is past its life goes, in bounded steps or whole chunks; what was counted or asked for stays. */
import { describe, expect, test } from 'vitest';
import { recordTick } from '../../src/database/functions/checks.ts';
import { recordHeartbeat } from '../../src/database/functions/guards.ts';
import {
	beginBackfill,
	pruneChecks,
	pruneHistory,
	pruneMinutes,
	pruneSignals,
} from '../../src/database/functions/history.ts';
import { recordCandles } from '../../src/database/functions/market.ts';
import { check } from '../support/factories/evaluated-checks.ts';
import { workerId } from '../support/factories/trading.ts';
import {
	after as at,
	type Bot,
	type Instrument,
	makeBot,
	makeFeedFresh,
	makeInstrument,
	makeWorld,
	start,
} from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();
const day = 86_400;

/** Whether this server partitions: the same rules, by whole chunks. */
const hasChunks = async () =>
	(await books.pool.query(`select from pg_extension where extname = 'timescaledb'`)).rowCount !== 0;

/** A bot that was checked each minute from `from` on, the first time with a signal. */
async function checkedBot(count: number, from = 0): Promise<Bot> {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world, { isDueAtOnce: true, intervalMinutes: 1, now: at(from) });
	await makeFeedFresh(books.pool, bot.instrumentId, at(from + 2 * day));
	for (let index = 0; index < count; index++)
		await check(books.pool, bot, at(from + index * 60), { decision: index === 0 ? 'LONG' : 'NONE' });
	return bot;
}

async function hours(bot: Bot) {
	const { rows } = await books.pool.query(
		'select hour_at, outcome, checks from reporting.check_hours where bot_id = $1 order by hour_at, outcome',
		[bot.id],
	);
	return rows;
}

async function pruneAll(seconds: number, limit?: number): Promise<number> {
	let total = 0;
	for (let rows = -1; rows !== 0; total += Math.max(rows, 0))
		rows = await pruneChecks(books.pool, { now: at(seconds), limit, signalsLife: '365 days' });
	return total;
}

describe('checks', () => {
	test('past their life they go and are counted, each once, whatever the steps', async () => {
		const bot = await checkedBot(5);
		const before = await hours(bot);
		expect(before.reduce((sum, { checks }) => sum + checks, 0)).toBe(5);
		expect(await pruneChecks(books.pool, { now: at(day) })).toBe(0);
		const gone = await pruneAll(3 * day, 1);
		expect(gone).toBe((await hasChunks()) ? 5 : 4);
		expect(await hours(bot)).toEqual(before);
		const counted = await one(books.pool, 'select sum(checks)::integer as checks from check_hours');
		expect(counted).toEqual({ checks: gone });
		// Again: nothing is left to count.
		expect(await pruneAll(3 * day)).toBe(0);
		expect(await hours(bot)).toEqual(before);
	});

	test('those with a signal live as long as signals where rows go one by one', async () => {
		if (await hasChunks()) return;
		await checkedBot(3);
		await pruneAll(10 * day);
		expect(await one(books.pool, 'select outcome from checks')).toEqual({ outcome: 'QUEUED' });
		await pruneAll(366 * day);
		expect((await books.pool.query('select from checks')).rowCount).toBe(0);
		expect(await one(books.pool, 'select sum(checks)::integer as checks from check_hours')).toEqual({ checks: 3 });
	});

	test('a step that is rolled back, as when its worker is killed, counts nothing and loses nothing', async () => {
		const bot = await checkedBot(4);
		const before = await hours(bot);
		const client = await books.pool.connect();
		try {
			await client.query('begin');
			expect(await pruneChecks(client, { now: at(3 * day) })).toBeGreaterThan(0);
			await client.query('rollback');
		} finally {
			client.release();
		}
		expect((await books.pool.query('select from check_hours')).rowCount).toBe(0);
		expect(await hours(bot)).toEqual(before);
	});

	test('two workers at once count each check once', async () => {
		const bot = await checkedBot(6);
		const before = await hours(bot);
		await Promise.all(Array.from({ length: 4 }, () => pruneChecks(books.pool, { now: at(3 * day), limit: 3 })));
		await pruneAll(3 * day);
		expect(await hours(bot)).toEqual(before);
	});

	test('checks that are recorded long after they were due live as long as others', async () => {
		const bot = await checkedBot(1);
		// The workers were away for two days.
		await books.pool.query('update checks set recorded_at = $1', [at(2 * day)]);
		expect(await pruneAll(2 * day + 60)).toBe(0);
		expect(await hours(bot)).toHaveLength(1);
	});

	test('a reader does not have to wait for a chunk to go, and the pruning not for the reader', async () => {
		if (!(await hasChunks())) return;
		const bot = await checkedBot(2);
		const before = await hours(bot);
		const reader = await books.pool.connect();
		try {
			await reader.query('begin');
			await reader.query('select * from checks');
			expect(await pruneChecks(books.pool, { now: at(3 * day) })).toBe(0);
			expect((await books.pool.query('select from checks')).rowCount).toBe(2);
			await reader.query('rollback');
		} finally {
			reader.release();
		}
		expect(await hours(bot)).toEqual(before);
		expect(await pruneAll(3 * day)).toBe(2);
		expect(await hours(bot)).toEqual(before);
	});
});

test('signals go after theirs; the trade that came of one stays', async () => {
	await checkedBot(1);
	const prune = (seconds: number) => pruneSignals(books.pool, { life: '30 days', now: at(seconds) });
	expect(await prune(29 * day)).toBe(0);
	expect(await prune(40 * day)).toBe(1);
	expect(await prune(40 * day)).toBe(0);
	expect(await one(books.pool, 'select status from trade_queue')).toEqual({ status: 'PENDING' });
});

test('ticks and workers', async () => {
	await recordTick(books.pool, { workerId, dueBots: 0, durationMs: 1, now: start });
	const worker = { workerId: 'w', host: 'h', processId: 1, roles: ['tick'], version: '1', startedAt: start };
	await recordHeartbeat(books.pool, { ...worker, now: start });
	expect(await pruneHistory(books.pool, { now: at(6 * day) })).toBe(0);
	expect(await pruneHistory(books.pool, { now: at(8 * day) })).toBe(1);
	expect(await pruneHistory(books.pool, { now: at(31 * day) })).toBe(1);
});

describe('minutes', () => {
	/** An hour of minutes that begins at `seconds`, with what is rolled up from it. */
	async function hourAt(instrument: Instrument, seconds: number, more: object = {}) {
		const open = at(seconds).getTime();
		const candles = Array.from({ length: 60 }, (_, index) => [open + index * 60_000, 10, 11, 9, 10, 1]);
		const batch = [{ instrument_id: instrument.id, timeframe: '1m', candles, ...more }];
		await recordCandles(books.pool, { batch, now: at(seconds + 3_600) });
	}
	const count = async (instrument: Instrument) => {
		const { rows } = await books.pool.query(
			`select count(*) filter (where timeframe = '1m') as minutes, count(*) filter (where timeframe = '1h') as hours
			from candles where instrument_id = $1`,
			[instrument.id],
		);
		return rows[0];
	};
	const prune = async (seconds: number, limit?: number) => {
		let total = 0;
		for (let rows = -1; rows !== 0; total += Math.max(rows, 0))
			rows = await pruneMinutes(books.pool, { life: '90 days', limit, now: at(seconds) });
		return total;
	};

	test('past their life they go, longer candles stay', async () => {
		const [one_, other] = [await makeInstrument(books.pool), await makeInstrument(books.pool)];
		for (const instrument of [one_, other]) {
			await hourAt(instrument, 0);
			await hourAt(instrument, 80 * day);
		}
		expect(await prune(89 * day)).toBe(0);
		expect(await prune(100 * day, 50)).toBe(120);
		for (const instrument of [one_, other]) expect(await count(instrument)).toEqual({ minutes: 60, hours: 2 });
	});

	test('those that were asked for by backfill or import stay, those around them go', async () => {
		const [kept, other] = [await makeInstrument(books.pool), await makeInstrument(books.pool)];
		const covered = (source: string) => ({
			source,
			covered_from: start.toISOString(),
			covered_to: at(1_800).toISOString(),
		});
		await hourAt(kept, 0, covered('IMPORT'));
		await hourAt(other, 0, covered('FEED'));
		await hourAt(other, 300);
		expect(await prune(100 * day)).toBe(30 + 65);
		expect(await count(kept)).toMatchObject({ minutes: 30 });
		expect(await count(other)).toMatchObject({ minutes: 0 });
		expect(
			await beginBackfill(books.pool, { instrumentId: kept.id, timeframe: '1m', from: start, to: at(1_800) }),
		).toHaveLength(1);
	});

	test('what workers had fetched and was pruned is missing again', async () => {
		const instrument = await makeInstrument(books.pool);
		const range = { from: start, to: at(3_600) };
		const wanted = { instrumentId: instrument.id, timeframe: '1m', source: 'FEED', ...range } as const;
		await hourAt(instrument, 0, { source: 'FEED', covered_from: range.from, covered_to: range.to });
		expect(await beginBackfill(books.pool, wanted)).toEqual([]);
		await prune(80 * day);
		expect(await beginBackfill(books.pool, wanted)).toEqual([]);
		await prune(100 * day);
		expect(await count(instrument)).toMatchObject({ minutes: 0 });
		expect(await beginBackfill(books.pool, wanted)).toEqual([{ rangeFrom: range.from, rangeTo: range.to }]);
	});

	test('what workers had fetched of a range that a person asks for is kept with the rest of it', async () => {
		const instrument = await makeInstrument(books.pool);
		await hourAt(instrument, 0, { source: 'FEED', covered_from: start, covered_to: at(1_800) });
		const wanted = { instrumentId: instrument.id, timeframe: '1m', from: start, to: at(3_600) } as const;
		expect(await beginBackfill(books.pool, wanted)).toEqual([{ rangeFrom: at(1_800), rangeTo: at(3_600) }]);
		await hourAt(instrument, 0, { source: 'BACKFILL', covered_from: at(1_800), covered_to: at(3_600) });
		expect(await prune(100 * day)).toBe(0);
		expect(await count(instrument)).toMatchObject({ minutes: 60 });
	});
});
