/** Correlations of hourly returns: what an independent computation says, only over whole hours, and gone once they cannot be computed. */
import { expect, test } from 'vitest';
import { createBot } from '../../src/database/functions/administration.ts';
import { claimFeeds, correlationsAreDue, refreshCorrelations } from '../../src/database/functions/market.ts';
import { makeBot, makeInstrument, makeWorld, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();
const hour = 3_600_000;
const now = start;

async function follow(): Promise<number> {
	const { id } = await makeInstrument(books.pool);
	await books.pool.query('insert into feeds (instrument_id) values ($1)', [id]);
	return id;
}

/** Hourly closes, the last of them of the hour that ended at `now`; null leaves the hour out. */
async function store(instrumentId: number, closes: readonly (number | null)[], timeframe = '1h'): Promise<void> {
	const rows = closes.flatMap((close, index) => {
		const openAt = new Date(now.getTime() - (closes.length - index) * hour);
		return close === null ? [] : [{ open_at: openAt.toISOString(), close }];
	});
	await books.pool.query(
		`insert into candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		 select $1, $3::timeframe, r.open_at, r.close, r.close, r.close, r.close, 1, true
		   from jsonb_to_recordset($2) as r (open_at timestamptz, close numeric)`,
		[instrumentId, JSON.stringify(rows), timeframe],
	);
}

function walk(seed: number, length: number, drift: (index: number) => number = () => 0): number[] {
	let state = seed;
	let price = 100;
	return Array.from({ length }, (_, index) => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		price *= 1 + (state / 2 ** 32 - 0.5) * 0.02 + drift(index);
		return Number(price.toFixed(6));
	});
}

/** Pearson's coefficient of log returns over hours that both have whole, by its definition. */
function correlation(a: readonly (number | null)[], b: readonly (number | null)[]) {
	const pairs: [number, number][] = [];
	for (let i = 1; i < a.length; i++) {
		const [a0, a1, b0, b1] = [a[i - 1], a[i], b[i - 1], b[i]];
		if (a0 == null || a1 == null || b0 == null || b1 == null) continue;
		pairs.push([Math.log(a1 / a0), Math.log(b1 / b0)]);
	}
	const mean = (column: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[column], 0) / pairs.length;
	const [meanA, meanB] = [mean(0), mean(1)];
	const sum = (of: (x: number, y: number) => number) =>
		pairs.reduce((total, [x, y]) => total + of(x - meanA, y - meanB), 0);
	return { rho: sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y)), samples: pairs.length };
}

const pairs = async () =>
	(
		await books.pool.query<{ a: number; b: number; rho: number; samples: number }>(
			'select instrument_a as a, instrument_b as b, rho, samples from correlations order by 1, 2',
		)
	).rows;

test('equals an independent computation for every pair, gaps included', async () => {
	const common = walk(9, 200);
	const series: (number | null)[][] = [
		common,
		common.map((close, index) => (index % 17 === 5 ? null : close * (1 + 0.01 * Math.sin(index)))),
		walk(3, 200).map((close, index) => (index % 23 === 7 || index === 0 ? null : close)),
		common.map((close) => Number((10_000 / close).toFixed(6))),
	];
	const ids: number[] = [];
	for (const closes of series) {
		const id = await follow();
		ids.push(id);
		await store(id, closes);
	}
	expect(await refreshCorrelations(books.pool, { now })).toBe(6);
	const found = await pairs();
	expect(found).toHaveLength(6);
	for (const { a, b, rho, samples } of found) {
		const expected = correlation(series[ids.indexOf(a)]!, series[ids.indexOf(b)]!);
		expect(samples).toBe(expected.samples);
		expect(Math.abs(rho - expected.rho)).toBeLessThan(1e-9);
	}
	expect(found.find(({ a, b }) => a === ids[0] && b === ids[3])?.rho).toBeLessThan(-0.999);
});

test('a return across a missing hour is none: an outlier that lies behind a gap moves nothing', async () => {
	const [left, right] = [await follow(), await follow()];
	const quiet = walk(5, 60);
	const other = walk(11, 60);
	await store(
		left,
		quiet.map((close, index) => (index === 30 ? null : index > 30 ? close * 3 : close)),
	);
	await store(
		right,
		other.map((close, index) => (index === 30 ? null : index > 30 ? close * 3 : close)),
	);
	await refreshCorrelations(books.pool, { now });
	const [found] = await pairs();
	expect(found?.samples).toBe(57);
	expect(Math.abs(found!.rho)).toBeLessThan(0.5);
});

test('needs 24 common hours, looks 30 days back, at closed hourly candles of followed instruments', async () => {
	const [a, b, c, d] = [await follow(), await follow(), await follow(), (await makeInstrument(books.pool)).id];
	await store(a, walk(1, 800));
	await store(b, walk(2, 25));
	await store(c, walk(3, 24));
	await store(d, walk(4, 100));
	await refreshCorrelations(books.pool, { now });
	expect(await pairs()).toMatchObject([{ a, b, samples: 24 }]);
	await books.pool.query('insert into feeds (instrument_id) values ($1)', [d]);
	await refreshCorrelations(books.pool, { now: new Date(now.getTime() + 1) });
	expect((await pairs()).map(({ samples }) => samples)).toEqual([24, 99, 24]);

	await books.pool.query(`delete from candles where instrument_id <> $1`, [a]);
	await store(b, walk(2, 800));
	await refreshCorrelations(books.pool, { now: new Date(now.getTime() + 2) });
	expect(await pairs()).toMatchObject([{ a, b, samples: 718 }]);
});

test('a pair that cannot be computed any more is forgotten, so that risk does not count it', async () => {
	const [a, b] = [await follow(), await follow()];
	await store(a, walk(1, 100));
	await store(b, walk(2, 100));
	expect(await refreshCorrelations(books.pool, { now })).toBe(1);
	expect(await one(books.pool, 'select symbol_a, symbol_b, samples from reporting.correlations')).toMatchObject({
		samples: 99,
	});
	await books.pool.query('delete from feeds where instrument_id = $1', [b]);
	expect(await refreshCorrelations(books.pool, { now: new Date(now.getTime() + hour) })).toBe(0);
	expect(await pairs()).toEqual([]);
});

test('a price that does not move correlates with nothing', async () => {
	const [a, b] = [await follow(), await follow()];
	await store(
		a,
		Array.from({ length: 50 }, () => 100),
	);
	await store(b, walk(2, 50));
	expect(await refreshCorrelations(books.pool, { now })).toBe(0);
});

test('both instruments of a pair are followed', async () => {
	const world = await makeWorld(books.pool, { instrument: { marketType: 'SPOT' } });
	const { rows } = await books.pool.query<{ id: number }>(
		`insert into instruments (exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size)
		 select exchange_id, symbol || ':USDT', exchange_symbol, 'LINEAR', base_asset, quote_asset, settle_asset, tick_size, lot_size
		   from instruments where id = $1 returning id`,
		[world.instrument.id],
	);
	const perpetual = rows[0]!.id;
	await books.pool.query('alter table strategy_versions disable trigger user');
	await books.pool.query('update strategy_versions set legs = 2 where id = $1', [world.versionId]);
	await books.pool.query('alter table strategy_versions enable trigger user');
	await createBot(books.pool, {
		name: 'pair',
		strategyVersionId: world.versionId,
		accountId: world.accountId,
		instrumentId: world.instrument.id,
		furtherInstrumentIds: [perpetual],
		intervalMinutes: 60,
		sizing: 'FIXED_NOTIONAL',
		sizingValue: 100,
		now,
	});
	const claimed = await claimFeeds(books.pool, { workerId: 'w', now });
	expect(claimed.map(({ instrumentId }) => instrumentId).sort((a, b) => a - b)).toEqual([
		world.instrument.id,
		perpetual,
	]);
	await store(world.instrument.id, walk(1, 100));
	await store(perpetual, walk(1, 100));
	await refreshCorrelations(books.pool, { now });
	expect(await pairs()).toMatchObject([{ a: world.instrument.id, b: perpetual, samples: 99 }]);
});

test('they are due at once when two markets have hours, then hourly, and soon after another market has them', async () => {
	const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
	const isDue = (minutes: number) => correlationsAreDue(books.pool, { now: at(minutes) });
	const backfill = async (instrumentId: number, minutes: number): Promise<void> => {
		await store(instrumentId, walk(instrumentId, 48));
		await books.pool.query(
			`insert into feed_backfills (instrument_id, timeframe, candles, completed_at) values ($1, '1h', 720, $2)`,
			[instrumentId, at(minutes)],
		);
	};
	expect(await isDue(0)).toBe(false);
	await backfill(await follow(), -1);
	expect(await isDue(0)).toBe(false);
	await backfill(await follow(), -1);
	expect(await isDue(0)).toBe(true);
	expect(await refreshCorrelations(books.pool, { now: at(0) })).toBe(1);
	expect([await isDue(1), await isDue(59), await isDue(60)]).toEqual([false, false, true]);

	await backfill(await follow(), 2);
	expect([await isDue(3), await isDue(5)]).toEqual([false, true]);
	expect(await refreshCorrelations(books.pool, { now: at(5) })).toBe(3);
	expect(await isDue(6)).toBe(false);
});

test('a followed market is asked for thirty days of hours, whatever its bots look at', async () => {
	const world = await makeWorld(books.pool);
	await makeBot(books.pool, world);
	const [feed] = await claimFeeds(books.pool, { workerId: 'w', now });
	expect(feed?.windows).toContainEqual({ timeframe: '1h', candles: 720 });
});
