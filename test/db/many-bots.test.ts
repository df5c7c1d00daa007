/** What runs every few seconds costs by the market, not by the bot: asked of many bots on few markets, without a clock. */
import { beforeEach, expect, test } from 'vitest';
import { loadExchangesInUse } from '../../src/database/functions/guards.ts';
import { claimFeeds, recordTickers } from '../../src/database/functions/market.ts';
import { after, makeBot, makeInstrument, makeWorld, start, type World } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();
const manyBots = 4_000;
const markets = 20;

// What tests before have deleted would be looked through as well.
beforeEach(async () => {
	await books.pool.query('vacuum bots, positions, trade_queue, orders, signals, checks, feeds, candle_gaps');
});

/** So many bots of one account, spread over the markets; every one of them holds a position with a trailing stop. */
async function crowd(): Promise<{ world: World; instrumentIds: number[] }> {
	const world = await makeWorld(books.pool);
	const instrumentIds = [world.instrument.id];
	while (instrumentIds.length < markets) instrumentIds.push((await makeInstrument(books.pool)).id);
	await makeBot(books.pool, world);
	await books.pool.query(
		`with made as (
			insert into bots (name, strategy_version_id, account_id, instrument_id, interval_minutes, sizing, sizing_value, next_check_at)
			select 'one of many ' || n, b.strategy_version_id, b.account_id, ($1::bigint[])[1 + n % cardinality($1)], b.interval_minutes, b.sizing,
				b.sizing_value, b.next_check_at
			from bots b, generate_series(1, $2::integer) n
			returning id, account_id, instrument_id
		)
		insert into positions (bot_id, account_id, instrument_id, direction, quantity, entered_quantity, average_entry_price, stop_loss_price,
			trailing_stop_fraction, best_price, protection, opened_at)
		select id, account_id, instrument_id, 'LONG', 1, 1, 100, 90, 0.05, 100, 'GUARD', $3 from made`,
		[instrumentIds, manyBots, start],
	);
	await books.pool.query('analyze bots; analyze positions; analyze instruments');
	return { world, instrumentIds };
}

/** Pages that a statement looks at: the same on every machine, however busy. */
async function pagesOf(sql: string): Promise<number> {
	const { 'QUERY PLAN': plans } = await one<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
		books.pool,
		`explain (analyze, buffers, timing off, format json) ${sql}`,
	);
	const plan = plans[0]!.Plan;
	return plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!;
}

test('which exchanges are in use is told market by market', async () => {
	await crowd();
	expect(await loadExchangesInUse(books.pool, {})).toEqual([{ exchangeId: 'sim', marketTypes: ['LINEAR'] }]);
	expect(await pagesOf('select * from load_exchanges_in_use()')).toBeLessThan(manyBots / 2);
});

test('a market is in use as long as a bot lives there, as its leg too, or a position is open', async () => {
	const world = await makeWorld(books.pool, { instrument: { marketType: 'SPOT' } });
	const bot = await makeBot(books.pool, world);
	const inUse = async () => (await loadExchangesInUse(books.pool, {})).flatMap(({ marketTypes }) => marketTypes);
	const leg = await makeInstrument(books.pool);
	expect(await inUse()).toEqual(['SPOT']);
	await books.pool.query('insert into bot_legs (bot_id, leg, account_id, instrument_id) values ($1, 2, $2, $3)', [
		bot.id,
		world.accountId,
		leg.id,
	]);
	expect(await inUse()).toEqual(['LINEAR', 'SPOT']);
	await books.pool.query(
		`update bots set status = 'DELETED', deleted_at = $2, next_check_at = null, claimed_by = null, claimed_until = null where id = $1`,
		[bot.id, start],
	);
	expect(await inUse()).toEqual([]);
	await books.pool.query(
		`insert into positions (bot_id, account_id, instrument_id, direction, quantity, entered_quantity, average_entry_price, opened_at)
		values ($1, $2, $3, 'LONG', 1, 1, 100, $4)`,
		[bot.id, world.accountId, world.instrument.id, start],
	);
	expect(await inUse()).toEqual(['SPOT']);
});

test('windows of feeds are told by strategy version', async () => {
	const { instrumentIds } = await crowd();
	const claimed = await claimFeeds(books.pool, { workerId: 'w', now: start });
	expect(claimed.map(({ instrumentId }) => instrumentId).sort()).toEqual([...instrumentIds].sort());
	expect(claimed[0]!.windows).toContainEqual({ timeframe: '5m', candles: 10 });
	await books.pool.query('update feeds set claimed_by = null, claimed_until = null');
	expect(
		await pagesOf(`select * from claim_feeds(p_worker_id => 'w', p_now => '${after(60).toISOString()}')`),
		// Once through all bots, by an index.
	).toBeLessThan(1.5 * manyBots);
});

test.each(['find_due_gaps', 'find_due_funding'])('%s reads no more bots than it must', async (name) => {
	const { world, instrumentIds } = await crowd();
	// Where every bot is deleted, all of them would be looked through.
	const idle = await makeInstrument(books.pool);
	await books.pool.query(
		'insert into feeds (instrument_id, next_fetch_at) select unnest($1::bigint[]), $2 on conflict do nothing',
		[[...instrumentIds, idle.id], start],
	);
	await books.pool.query(
		`insert into candle_gaps (instrument_id, timeframe, gap_from, gap_to, found_at, next_attempt_at)
		select instrument_id, '1m', $1, $1::timestamptz + interval '1 minute', $1, $1 from feeds`,
		[start],
	);
	await books.pool.query('analyze feeds; analyze candle_gaps');
	const sql = `select instrument_id::integer as id from ${name}(p_now => '${after(60).toISOString()}')`;
	const { rows } = await books.pool.query<{ id: number }>(sql);
	expect(rows.map(({ id }) => id).sort()).toEqual([...instrumentIds].sort());
	expect(rows).toContainEqual({ id: world.instrument.id });
	// Once through all bots at most, never once for each market.
	expect(await pagesOf(sql)).toBeLessThan(manyBots);
});

test.each([
	'select * from find_uncovered_windows(array[$1]::bigint[], $2)',
	'select refresh_candle_gaps(array[$1]::bigint[], $2)',
])('of one market only its own bots are looked at: %s', async (sql) => {
	const { world } = await crowd();
	const text = sql.replace('$1', String(world.instrument.id)).replace('$2', `'${start.toISOString()}'`);
	await pagesOf(text);
	expect(await pagesOf(text)).toBeLessThan((5 * manyBots) / markets);
});

test.each(['queue_exits', 'move_best_prices'])('%s computes one quote per market and direction', async (name) => {
	const { instrumentIds } = await crowd();
	const { rows } = await books.pool.query<{ symbol: string }>('select symbol from instruments where id = any ($1)', [
		instrumentIds,
	]);
	await recordTickers(books.pool, {
		exchangeId: 'sim',
		tickers: rows.map(({ symbol }) => ({
			symbol,
			bid: '99',
			ask: '99.1',
			last: '99',
			quoted_at: after(5).toISOString(),
		})),
		now: after(5),
	});
	const client = await books.pool.connect();
	// Of this connection, since what it last reported: a test before may have counted on it.
	const calls = async () =>
		(
			await one<{ calls: number }>(
				client,
				`select coalesce(sum(calls), 0)::integer as calls from pg_stat_xact_user_functions where funcname = 'exit_quote'`,
			)
		).calls;
	try {
		await client.query(`begin; set local track_functions = 'all'`);
		const before = await calls();
		await client.query(`select botbox.${name}(p_now => $1)`, [after(6)]);
		expect((await calls()) - before).toBe(2 * markets);
	} finally {
		await client.query('rollback');
		client.release();
	}
});

test('the health rules look at the last hours of the queue, not at all that ever was in it', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	await books.pool.query(
		`insert into trade_queue (signal_id, signal_hash, bot_id, account_id, instrument_id, direction, side, quantity, price, trigger_reason, status,
			queued_at, next_attempt_at, expires_at, finished_at)
		select n, 'hash ' || n, b.id, b.account_id, b.instrument_id, 'LONG', 'BUY', 1, 100, 'ENTRY_THRESHOLD', 'EXECUTED', t, t, t, t
		from bots b, generate_series(1, 20000) n, lateral (select $2::timestamptz - make_interval(hours => 4, secs => n) as t) q
		where b.id = $1`,
		[bot.id, start],
	);
	await books.pool.query('analyze trade_queue');
	const health = `select monitor_health(p_now => '${start.toISOString()}')`;
	await pagesOf(health);
	expect(await pagesOf(health)).toBeLessThan(300);
});
