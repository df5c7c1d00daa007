/**
 * Held windows against what is stored, whatever writes the candles in between: as long as a feed's history stands still a window costs
 * its new candles, and anything else that happens to a candle is seen at the next look.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { pruneMinutes } from '../../src/database/functions/history.ts';
import { recordCandles } from '../../src/database/functions/market.ts';
import { lastClosedOpen, type Timeframe, timeframeMs } from '../../src/domain.ts';
import { CandleWindows, type Market, marketKey } from '../../src/market/windows.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { costOf } from '../support/plans.ts';

const noon = Date.UTC(2025, 5, 12, 12);
const minute = 60_000;
let database: TestDatabase;
let instrumentId: number;

beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());
/** An instrument of its own for each test, so that candles of others are not in the way. */
beforeEach(async () => {
	instrumentId = await createInstrument();
});

let made = 0;
async function createInstrument(): Promise<number> {
	made += 1;
	const { rows } = await database.pool.query<{ id: number }>(
		`insert into botbox.instruments (exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size)
		 values ('sim', $1 || '/USDT', $1 || 'USDT', 'SPOT', $1, 'USDT', 'USDT', 0.01, 0.001) returning id`,
		[`B${made}`],
	);
	const id = rows[0]?.id ?? 0;
	await database.pool.query('insert into botbox.feeds (instrument_id) values ($1)', [id]);
	return id;
}

/** Candles of `timeframe` that open at `opens`, epoch ms, all closing at `close`. */
async function record(timeframe: Timeframe, opens: readonly number[], close: number, now: number): Promise<void> {
	const candles = opens.map((open) => [open, 100, 200, 50, close, 1]);
	await recordCandles(database.pool, {
		batch: [{ instrument_id: instrumentId, timeframe, candles }],
		now: new Date(now),
	});
}

const range = (from: number, to: number, step = minute) =>
	Array.from({ length: Math.max(0, Math.round((to - from) / step)) }, (_, index) => from + index * step);

async function revisions() {
	const { rows } = await database.pool.query<{ revision: number; historyRevision: number }>(
		'select revision, history_revision as "historyRevision" from botbox.feeds where instrument_id = $1',
		[instrumentId],
	);
	return rows[0]!;
}

/** A worker, and how many candles it was told at each load. */
function createWorker() {
	const windows = new CandleWindows();
	const told: number[] = [];
	const query = async (...args: Parameters<typeof database.pool.query>) => {
		const result = (await Reflect.apply(database.pool.query, database.pool, args)) as unknown as {
			rows: { open_at?: unknown[] }[];
		};
		for (const row of result.rows) if (Array.isArray(row.open_at)) told.push(row.open_at.length);
		return result;
	};
	const db = { query } as unknown as typeof database.pool;
	return {
		told,
		/** As a check does it that is due at `at`: with the revisions that its claim tells. */
		look: async (timeframe: Timeframe, at: number, candles = 20): Promise<Market | undefined> => {
			const request = { instrumentId, timeframe, candles, ...(await revisions()), dueAt: at };
			return (await windows.load(db, [request], new Date(at))).get(marketKey(instrumentId, timeframe));
		},
	};
}

function columnsOf(market: Market | undefined): Record<string, number[]> | null {
	if (market === undefined) return null;
	return Object.fromEntries(
		Object.entries(market.view.candles).map(([name, column]) => [name, Array.from(column as Float64Array)]),
	);
}

type Worker = ReturnType<typeof createWorker>;

/** What `worker` sees is what a worker that has just started sees. */
async function expectSame(worker: Worker, timeframe: Timeframe, at: number, candles = 20): Promise<void> {
	const seen = columnsOf(await worker.look(timeframe, at, candles));
	expect(seen).toEqual(columnsOf(await createWorker().look(timeframe, at, candles)));
}

test('a new minute costs the new candle and the one before, and longer windows cost nothing until a candle closes', async () => {
	const worker = createWorker();
	await record('1m', range(noon - 400 * minute, noon), 100, noon);
	for (const timeframe of ['1m', '5m', '15m'] as const) await worker.look(timeframe, noon);
	expect(worker.told.splice(0)).toEqual([20, 20, 20]);
	const { historyRevision } = await revisions();
	const costs: number[] = [];
	for (let at = noon + minute; at <= noon + 15 * minute; at += minute) {
		await record('1m', [at - minute], 101, at);
		for (const timeframe of ['1m', '5m', '15m'] as const) await expectSame(worker, timeframe, at);
		costs.push(worker.told.splice(0).length);
	}
	expect(await revisions()).toMatchObject({ historyRevision });
	expect(costs).toEqual([1, 1, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 1, 1, 3]);
});

test('a held window is extended from a few pages, however long it is; only where history changed is it read through', async () => {
	await record('1m', range(noon - 1_000 * minute, noon), 100, noon);
	await database.pool.query('vacuum analyze botbox.candles');
	const pagesOf = async (history: number | null): Promise<number> => {
		const { rows: held } = await database.pool.query<{ recorded: string }>(
			`select extract(epoch from sum(recorded_at - 'epoch')) * 1000000 as recorded from botbox.candles
			  where instrument_id = $1 and timeframe = '1m' and open_at >= $2 and open_at < $3`,
			[instrumentId, new Date(noon - 601 * minute), new Date(noon - 2 * minute)],
		);
		const request = {
			...{ instrument_id: instrumentId, timeframe: '1m', candles: 600, first_at: noon - 601 * minute },
			...{ last_at: noon - 2 * minute, known: 600, recorded: held[0]?.recorded, history_revision: history },
		};
		const text = 'select * from botbox.load_candle_windows(p_requests => $1::jsonb, p_now => $2::timestamptz)';
		const values = [JSON.stringify([request]), new Date(noon)];
		const { rows: told } = await database.pool.query<{ is_whole: boolean; open_at: number[] }>(text, values);
		expect(told).toMatchObject([{ is_whole: false, open_at: [noon - 2 * minute, noon - minute] }]);
		// The least of three: while another table is vacuumed the catalogue is read once more.
		const costs = [];
		for (let round = 0; round < 3; round += 1) costs.push(await costOf(database.pool, { text, values }));
		for (const { readThrough } of costs) expect(readThrough).toEqual([]);
		return Math.min(...costs.map(({ pages }) => pages));
	};
	const { historyRevision } = await revisions();
	const [extended, compared] = [await pagesOf(historyRevision), await pagesOf(null)];
	// Whatever the planner reads of a hypertable's chunks, it is the same for both: between them lie the pages of 600 candles.
	expect(compared - extended).toBeGreaterThan(8);
});

describe('seen at the next look, in every window that it touches', () => {
	/** Windows of three timeframes and an hour in them are held; `change` happens within the same minute. */
	async function afterChange(change: () => Promise<void>, stored = range(noon - 600 * minute, noon)): Promise<number> {
		const workers = [createWorker(), createWorker()];
		await record('1m', stored, 100, noon);
		const timeframes = ['1m', '5m', '15m', '1h'] as const;
		for (const worker of workers) for (const timeframe of timeframes) await worker.look(timeframe, noon);
		const before = await revisions();
		await change();
		for (const timeframe of timeframes) await expectSame(workers[0]!, timeframe, noon);
		// The other one looks only when the next minute has closed, and an hour later.
		for (const at of [noon + minute, noon + 60 * minute]) {
			await record('1m', range(noon, at), 100, at);
			for (const timeframe of timeframes) {
				await expectSame(workers[0]!, timeframe, at);
				await expectSame(workers[1]!, timeframe, at);
			}
		}
		return (await revisions()).historyRevision - before.historyRevision;
	}

	test('a correction of an old minute, and of every candle that was rolled up from it', async () => {
		expect(await afterChange(() => record('1m', [noon - 18 * minute], 150, noon))).toBeGreaterThan(0);
	});

	test('a correction of the newest minute, and so of the newest candles of every length', async () => {
		expect(await afterChange(() => record('1m', [noon - minute], 150, noon))).toBeGreaterThan(0);
	});

	test('minutes that come late into a gap', async () => {
		const missing = noon - 7 * minute;
		const stored = range(noon - 600 * minute, noon).filter((at) => at !== missing);
		expect(await afterChange(() => record('1m', [missing], 100, noon), stored)).toBeGreaterThan(0);
	});

	test('older history, which makes short windows longer', async () => {
		const change = () => record('1m', range(noon - 400 * minute, noon - 10 * minute), 100, noon);
		expect(await afterChange(change, range(noon - 10 * minute, noon))).toBeGreaterThan(0);
	});

	test("the exchange's own candles instead of those rolled up, newest and older", async () => {
		expect(await afterChange(() => record('15m', [noon - 15 * minute], 150, noon))).toBeGreaterThan(0);
		instrumentId = await createInstrument();
		expect(await afterChange(() => record('5m', [noon - 50 * minute], 150, noon))).toBeGreaterThan(0);
	});

	test('nothing where the same candles come again', async () => {
		expect(await afterChange(() => record('1m', range(noon - 30 * minute, noon), 100, noon))).toBe(0);
	});
});

test('a correction of the newest minute, with which no longer candle ends, is seen by whoever asks for a newer revision', async () => {
	const worker = createWorker();
	const at = noon + 2 * minute;
	await record('1m', range(noon - 30 * minute, at), 100, at);
	await worker.look('1m', at);
	await record('1m', [at - minute], 150, at);
	expect((await worker.look('1m', at))?.price).toBe(150);
	await expectSame(worker, '1m', at);
});

test('a market that is younger than its windows is followed candle by candle too', async () => {
	const worker = createWorker();
	await record('1m', range(noon - 5 * minute, noon), 100, noon);
	await worker.look('1m', noon);
	for (let at = noon + minute; at <= noon + 30 * minute; at += minute) {
		await record('1m', [at - minute], 101, at);
		await expectSame(worker, '1m', at);
	}
	// Once in sixty candles the window is told whole, to be sure.
	expect(worker.told.filter((told) => told > 2).length).toBeLessThanOrEqual(2);
});

test('two writers at once: one that comes second into what both saw the end of is told as history', async () => {
	const worker = createWorker();
	await record('1m', range(noon - 30 * minute, noon), 100, noon);
	await worker.look('1m', noon);
	const { historyRevision } = await revisions();
	const first = await database.pool.connect();
	const batch = (at: number) => [
		{ instrument_id: instrumentId, timeframe: '1m', candles: [[at, 100, 200, 50, 100, 1]] },
	];
	const later = noon + 2 * minute;
	await first.query('begin');
	await recordCandles(first, { batch: batch(noon + minute), now: new Date(later) });
	// The minute before it, by somebody who cannot see it yet.
	const second = recordCandles(database.pool, { batch: batch(noon), now: new Date(later) });
	const isWaiting = async () => {
		const { rows } = await database.pool.query(
			`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
		);
		return rows.length > 0;
	};
	while (!(await isWaiting()));
	await first.query('commit');
	first.release();
	// Seen by the first alone, should the second be slow to commit.
	await worker.look('1m', later);
	await second;
	expect((await revisions()).historyRevision).toBe(historyRevision + 1);
	await expectSame(worker, '1m', later);
});

test('minutes that are past their life leave held windows as well', async () => {
	const day = 1_440 * minute;
	const worker = createWorker();
	// A market that was silent for weeks: its newest twenty minutes reach back beyond what is kept.
	await record('1m', range(noon - 10 * day, noon - 10 * day + 15 * minute), 100, noon);
	await record('1m', range(noon - 10 * minute, noon), 100, noon);
	expect((await worker.look('1m', noon))?.view.candles.close).toHaveLength(20);
	expect(await pruneMinutes(database.pool, { life: '7 days', now: new Date(noon) })).toBe(15);
	await record('1m', [noon], 100, noon + minute);
	await expectSame(worker, '1m', noon + minute);
});

test('what somebody changed by hand is noticed within sixty candles', async () => {
	const worker = createWorker();
	await record('1m', range(noon - 200 * minute, noon), 100, noon);
	await worker.look('1m', noon, 100);
	await database.pool.query(
		`update botbox.candles set close = 150, recorded_at = recorded_at + interval '1 second'
		  where instrument_id = $1 and timeframe = '1m' and open_at = $2`,
		[instrumentId, new Date(noon - minute * 20)],
	);
	for (let at = noon + minute; at <= noon + 60 * minute; at += minute) {
		await record('1m', [at - minute], 101, at);
		await worker.look('1m', at, 100);
	}
	await expectSame(worker, '1m', noon + 60 * minute, 100);
	expect(worker.told.filter((candles) => candles > 2)).toEqual([100, 100]);
});

test('any writes in any order, by two workers that look now and then: never another window than a restart loads', async () => {
	const place = fc.integer({ min: 1, max: 90 });
	const step = fc.oneof(
		{
			weight: 6,
			arbitrary: fc.record({ kind: fc.constant('pass' as const), minutes: fc.integer({ min: 1, max: 7 }) }),
		},
		{
			weight: 2,
			arbitrary: fc.record({ kind: fc.constant('skip' as const), minutes: fc.integer({ min: 1, max: 3 }) }),
		},
		{
			weight: 3,
			arbitrary: fc.record({ kind: fc.constant('1m' as const), back: place, count: fc.integer({ min: 1, max: 30 }) }),
		},
		{
			weight: 2,
			arbitrary: fc.record({
				kind: fc.constantFrom('5m' as const, '15m' as const, '1h' as const),
				back: place,
				count: fc.constant(1),
			}),
		},
		{ weight: 6, arbitrary: fc.record({ kind: fc.constant('look' as const), worker: fc.nat({ max: 1 }) }) },
	);
	const timeframes = ['1m', '5m', '15m'] as const;
	await fc.assert(
		fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
			instrumentId = await createInstrument();
			const workers = [createWorker(), createWorker()];
			let now = noon;
			let price = 100;
			await record('1m', range(now - 70 * minute, now), price, now);
			const look = async (worker: Worker) => {
				for (const timeframe of timeframes) await expectSame(worker, timeframe, now, 12);
			};
			for (const each of [...steps, ...[0, 1].map((worker) => ({ kind: 'look' as const, worker }))]) {
				price = 60 + ((price * 7) % 130);
				if (each.kind === 'pass') {
					for (const end = now + each.minutes * minute; now < end; ) {
						now += minute;
						await record('1m', [now - minute], price, now);
					}
				} else if (each.kind === 'skip') now += each.minutes * minute;
				else if (each.kind === 'look') await look(workers[each.worker]!);
				else {
					const length = timeframeMs[each.kind];
					const first = lastClosedOpen(now - each.back * minute, each.kind);
					const opens = range(first, first + each.count * length, length).filter((open) => open + length <= now);
					await record(each.kind, opens, price, now);
				}
			}
		}),
		{ numRuns: 12 },
	);
}, 120_000);
