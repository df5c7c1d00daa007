/**
 * What workers ask of queue, orders, ledger and limiter many times a minute, on the history of 100,000 bots: by index, never by reading
 * a table through, and of no more pages than the few rows that matter. Pages and scans are the same on every machine, however busy.
 */
import { expect, test } from 'vitest';
import { makeBot, makeWorld, start } from '../support/factories/world.ts';
import { openBooks } from './books.ts';

const books = openBooks();
const history = 100_000;
const now = `'${start.toISOString()}'::timestamptz`;

/** One trade with its filled order and ledger entry per bot, of the last days; twenty entries and as many orders are under way. */
async function prepare(): Promise<{ accountId: number; instrumentId: number; tradeId: string }> {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	// Each has one trade under way at most.
	const bots = await books.pool.query<{ id: number }>(
		`insert into bots (name, strategy_version_id, account_id, instrument_id, interval_minutes, sizing, sizing_value, next_check_at)
		select 'one of many ' || n, b.strategy_version_id, b.account_id, b.instrument_id, b.interval_minutes, b.sizing, b.sizing_value, b.next_check_at
		from bots b, generate_series(1, 40) n returning id`,
	);
	const ids = bots.rows.map(({ id }) => id);
	const client = await books.pool.connect();
	try {
		// Rows of the past: no trigger has anything to tell of them, and every key they name exists.
		await client.query(`set session_replication_role = 'replica'`);
		await client.query(
			`with made as (
				insert into trade_queue (signal_id, signal_hash, bot_id, account_id, instrument_id, direction, side, quantity, price, trigger_reason,
					status, queued_at, next_attempt_at, expires_at, finished_at)
				select n, 'h' || n, $1, $2, $3, 'LONG', 'BUY', 1, 100, 'ENTRY_THRESHOLD', 'EXECUTED',
					q.at, q.at, q.at + interval '5 minutes', q.at + interval '1 second'
				from generate_series(1, $4::integer) n cross join lateral (select ${now} - n * interval '2 seconds' as at) q
				returning id, signal_id, queued_at
			)
			insert into orders (trade_id, account_id, instrument_id, bot_id, purpose, client_order_id, exchange_order_id, side, quantity, status,
				filled_quantity, average_price, next_query_at, finished_at, created_at)
			select id, $2, $3, $1, 'ENTRY', 'c' || signal_id, 'x' || signal_id, 'BUY', 1, 'FILLED', 1, 100, queued_at, queued_at, queued_at
			from made`,
			[bot.id, world.accountId, world.instrument.id, history],
		);
		await client.query(
			`insert into trade_queue (id, signal_id, signal_hash, bot_id, account_id, instrument_id, direction, side, quantity, price,
				trigger_reason, status, queued_at, next_attempt_at, expires_at, claimed_by, claimed_until)
			select md5('live' || n)::uuid, 0, 'live' || n, ($3::bigint[])[n], $1, $2, 'LONG', 'BUY', 1, 100, 'ENTRY_THRESHOLD',
				case when n <= 20 then 'PENDING' else 'EXECUTING' end::trade_status, ${now}, ${now}, ${now} + interval '5 minutes',
				case when n > 20 then 'w' end, case when n > 20 then ${now} + interval '20 seconds' end
			from generate_series(1, 40) n`,
			[world.accountId, world.instrument.id, ids],
		);
		await client.query(
			`insert into orders (trade_id, account_id, instrument_id, bot_id, purpose, client_order_id, exchange_order_id, side, quantity, status,
				next_query_at)
			select md5('live' || n)::uuid, $1, $2, ($3::bigint[])[n], 'ENTRY', 'live' || n, 'live' || n, 'BUY', 1, 'OPEN', ${now} from generate_series(21, 40) n`,
			[world.accountId, world.instrument.id, ids],
		);
		await client.query(`set session_replication_role = 'origin'`);
		// In pairs that sum to nothing: the balances stay what they are.
		await client.query(
			`insert into ledger_entries (account_id, asset, kind, amount, reference, occurred_at)
			select $1, 'USDT', 'CORRECTION', case when n % 2 = 0 then 1 else -1 end, 'r' || n, ${now} from generate_series(1, $2::integer) n`,
			[world.accountId, history],
		);
		await client.query('analyze trade_queue; analyze orders; analyze ledger_entries');
	} finally {
		client.release(true);
	}
	const { rows } = await books.pool.query(`select id from trade_queue where signal_hash = 'live21'`);
	return { accountId: world.accountId, instrumentId: world.instrument.id, tradeId: rows[0].id };
}

const tables = ['trade_queue', 'orders', 'ledger_entries'];

test('queue, orders, ledger and limiter are asked by index, in a few pages', { timeout: 300_000 }, async () => {
	const { accountId, instrumentId, tradeId } = await prepare();
	const fill = JSON.stringify([
		{
			...{
				instrument_id: instrumentId,
				exchange_order_id: 'live21',
				exchange_fill_id: 'f1',
				client_order_id: 'live21',
			},
			...{ side: 'BUY', quantity: 1, price: 100, fee: 0, fee_asset: 'USDT', filled_at: start.toISOString() },
		},
	]);
	const statements: readonly (readonly [sql: string, pages: number])[] = [
		[`select * from claim_trades(p_worker_id => 'w', p_limit => 10, p_now => ${now})`, 1_200],
		[
			`select * from submit_order(p_trade_id => '${tradeId}', p_worker_id => 'w', p_client_order_id => 'new', p_now => ${now})`,
			400,
		],
		[`select * from claim_unsettled_orders(p_now => ${now})`, 1_000],
		[`select * from claim_unsettled_orders(p_account_id => ${accountId}, p_now => ${now})`, 1_000],
		[`select * from recover_orders(p_now => ${now})`, 400],
		[`select * from expire_trades(p_now => ${now})`, 400],
		[`select * from retry_closes(p_now => ${now})`, 400],
		[`select * from apply_fills(p_account_id => ${accountId}, p_fills => '${fill}', p_now => ${now})`, 1_500],
		[`select * from check_balances()`, 200],
		[`select * from available_capital(p_account_id => ${accountId})`, 400],
		[
			`select * from acquire_call(p_exchange_id => 'sim', p_worker_id => 'w', p_account_key => '1', p_account_bucket => 'read', p_calls => 5)`,
			400,
		],
	];
	const told: string[] = [];
	for (const [sql, most] of statements) {
		const { pages, scanned } = await measure(sql);
		if (pages > most || scanned.length > 0)
			told.push(`${sql}: ${pages} pages, reads through ${scanned.join(', ') || 'nothing'}`);
	}
	expect(told).toEqual([]);
	// The measure itself tells a table that is read through.
	expect(await measure(`select count(*) from orders where reject_message = 'x'`)).toMatchObject({
		scanned: ['orders'],
	});
});

/** Pages that a statement and all that it calls look at, and which of the large tables they read through; nothing of it stays. */
async function measure(sql: string): Promise<{ pages: number; scanned: string[] }> {
	const client = await books.pool.connect();
	try {
		await client.query('begin');
		await client.query('set local max_parallel_workers_per_gather = 0');
		// The first call also reads the catalogue.
		await client.query(`savepoint warm; ${sql}; rollback to savepoint warm`);
		const before = await scans();
		const { rows } = await client.query<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
			`explain (analyze, buffers, timing off, format json) ${sql}`,
		);
		const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
		const after = await scans();
		return {
			pages: (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0),
			scanned: tables.filter((table) => (after.get(table) ?? 0) > (before.get(table) ?? 0)),
		};
	} finally {
		await client.query('rollback');
		client.release();
	}

	async function scans(): Promise<Map<string, number>> {
		const { rows } = await client.query<{ relname: string; seq_scan: number }>(
			`select relname, seq_scan::int as seq_scan from pg_stat_xact_user_tables where schemaname = 'botbox'`,
		);
		return new Map(rows.map(({ relname, seq_scan }) => [relname, seq_scan]));
	}
}
