/**
 * What an installation holds after 30 days with the default retention, written straight into the tables: checks of the last day one by
 * one and those before counted by hour, minutes counted all along, signals, trades, orders, fills, positions, ledger, equity. Without
 * candles, which no measured view reads. Deterministic but for the present moment, at which it ends.
 */
import { createAccount } from '../../src/database/functions/administration.ts';
import type { Pool } from '../../src/database/pool.ts';
import { ensureStrategyVersion, publishStrategies } from '../../src/market/strategy-versions.ts';

export interface Extent {
	readonly bots: number;
	readonly days: number;
}

const instrumentCount = 100;
const botsPerAccount = 50;
/** Positions that each bot opens and closes in a day, and signals of it that are refused meanwhile. */
const roundTripsPerDay = 1;
const refusalsPerRoundTrip = 0.9;

export async function createHistory(pool: Pool, { bots, days }: Extent, log: (line: string) => void): Promise<void> {
	const until = new Date(Math.floor(Date.now() / 60_000) * 60_000);
	const from = new Date(until.getTime() - days * 86_400_000);
	await createMarket(pool, until);
	await createBots(pool, bots, from, until);
	log('bots are there');
	await createChecks(pool, from, until);
	log('checks are there');
	await createTrades(pool, bots, Math.round(days * roundTripsPerDay), from, until, log);
	log('trades are there');
	await createSurroundings(pool, from, until);
	await pool.query('vacuum analyze');
}

async function createMarket(pool: Pool, until: Date): Promise<void> {
	await pool.query(
		`insert into botbox.instruments (
		   exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size, taker_fee_rate
		 )
		 select 'sim', format('B%s/USDT:USDT', n), format('B%sUSDT', n), 'LINEAR', 'B' || n, 'USDT', 'USDT', 0.01, 0.001, 0.00055
		   from generate_series(1, $1) n`,
		[instrumentCount],
	);
	await pool.query(
		'insert into botbox.feeds (instrument_id, fetched_at, last_candle_at) select id, $1, $1 from botbox.instruments',
		[until],
	);
	await pool.query(
		`insert into botbox.tickers (instrument_id, bid, ask, last, quoted_at) select id, 99.9, 100.1, 100, $1 from botbox.instruments`,
		[until],
	);
}

/** A fifth on minutes, half on five, a fifth on fifteen, the rest hourly, spread evenly over accounts, markets and six versions. */
async function createBots(pool: Pool, count: number, from: Date, until: Date): Promise<void> {
	await publishStrategies(pool);
	const versions: number[] = [];
	for (const strategy of ['scalping', 'mean_reversion', 'trend_following'])
		for (const timeframe of ['1m', '5m']) versions.push(await ensureStrategyVersion(pool, strategy, { timeframe }));
	for (let n = 0; n * botsPerAccount < count; n += 1) {
		await createAccount(pool, {
			name: `bench-${n}`,
			exchangeId: 'sim',
			mode: 'PAPER',
			settleAsset: 'USDT',
			capital: '1000000',
			balances: { USDT: 1_000_000 },
			limits: { max_positions: botsPerAccount, max_correlated_positions: botsPerAccount },
			now: from,
		});
	}
	await pool.query(
		`insert into botbox.bots (
		   name, strategy_version_id, account_id, instrument_id, interval_minutes, sizing, sizing_value, next_check_at, last_check_at, created_at
		 )
		 select 'bench-' || n, ($2::bigint[])[1 + n % cardinality($2::bigint[])], a.id, i.id, m.minutes, 'FIXED_NOTIONAL', 500,
		        botbox.next_grid_point($4, m.minutes), date_bin(make_interval(mins => m.minutes), $4, 'epoch'::timestamptz), $3
		   from generate_series(0, $1::integer - 1) n
		  cross join lateral (select (array[1, 1, 5, 5, 5, 5, 5, 15, 15, 60])[1 + n % 10] as minutes) m
		   join botbox.accounts a on a.name = 'bench-' || n / ${botsPerAccount}
		   join botbox.instruments i on i.symbol = format('B%s/USDT:USDT', 1 + n % ${instrumentCount})`,
		[count, versions, from, until],
	);
}

async function createChecks(pool: Pool, from: Date, until: Date): Promise<void> {
	await pool.query(
		`insert into botbox.checks (
		   bot_id, due_at, kind, strategy_version_id, worker_id, started_at, recorded_at, duration_ms, candle_at, data_age_ms, price, score,
		   factors, regime_direction, regime_volatility, decision, outcome, reason_code
		 )
		 select b.id, t.due_at, 'SCHEDULED', b.strategy_version_id, 'worker-1', t.due_at + interval '1 second', t.due_at + interval '1.2 seconds',
		        0.4, t.due_at - interval '5 minutes', 900, 100, 0.31,
		        '{"ema_cross": {"value": 0.4, "score": 0.3, "weight": 0.5}, "rsi": {"value": 48.2, "score": 0.1, "weight": 0.5}}',
		        'RANGING', 'NORMAL', 'NONE', 'NO_SIGNAL', 'BELOW_THRESHOLD'
		   from botbox.bots b
		  cross join lateral generate_series(b.last_check_at - interval '24 hours', b.last_check_at, make_interval(mins => b.interval_minutes)) as t (due_at)
		  where t.due_at >= $1 and t.due_at > $2::timestamptz - interval '24 hours'`,
		[from, until],
	);
	await pool.query(
		`insert into botbox.check_hours (bot_id, hour_at, outcome, checks, duration_ms_total, duration_ms_max, late_ms_max)
		 select b.id, h.hour_at, o.outcome, greatest(60 / b.interval_minutes, 1), 24, 3.5, 1400
		   from botbox.bots b
		  cross join generate_series(date_trunc('hour', $1::timestamptz), $2::timestamptz - interval '25 hours', interval '1 hour') as h (hour_at)
		   join (values ('NO_SIGNAL'::botbox.check_outcome, 1), ('REJECTED', 4)) as o (outcome, every)
		     on (b.id + extract(epoch from h.hour_at)::bigint / 3600) % o.every = 0`,
		[from, until],
	);
	await pool.query(
		`insert into botbox.check_minutes
		 select m.minute_at, d.due, d.due, d.due, d.due, 0, d.due, 0, 0, 0, 0, 0, 0, 0, 0, 0, d.due * 0.4, 3.5, 1400
		   from generate_series($1::timestamptz, $2::timestamptz - interval '3 minutes', interval '1 minute') as m (minute_at)
		  cross join lateral (
		          select count(*)::integer as due
		            from botbox.bots b
		           where mod(extract(epoch from m.minute_at)::bigint / 60, b.interval_minutes) = 0
		        ) d
		  where d.due > 0`,
		[from, until],
	);
}

/** Each bot goes in and out at even distances; an entry in ten expires, its position is left out with it; the last stays open. */
async function createTrades(
	pool: Pool,
	bots: number,
	perBot: number,
	from: Date,
	until: Date,
	log: (line: string) => void,
): Promise<void> {
	await pool.query(
		`create unlogged table public.bench_trips as
		 select (b.id - m.first) * $2::bigint + n as trip, b.id as bot_id, b.account_id, b.instrument_id, b.strategy_version_id,
		        o.opened_at, o.opened_at + s.step * 0.4 as closed_at, n = $2 - 1 and b.id % 5 <> 0 as is_open, (b.id + n) % 10 = 0 as is_expired,
		        gen_random_uuid() as entry_id, gen_random_uuid() as close_id
		   from botbox.bots b
		  cross join (select min(id) as first from botbox.bots) m
		  cross join generate_series(0, $2::integer - 1) n
		  cross join (select ($4::timestamptz - $3) / $2::integer as step) s
		  cross join lateral (select $3 + s.step * n + s.step * 0.5 * ((b.id - m.first)::double precision / $1::integer) as opened_at) o`,
		[bots, perBot, from, until],
	);
	const decided = `
		(select trip * 3 + 1 as signal_id, entry_id as trade_id, 'LONG'::botbox.signal_direction as direction, 'BUY'::botbox.side as side, opened_at as at, t.*
		   from public.bench_trips t
		  union all
		 select trip * 3 + 2, close_id, 'CLOSE', 'SELL', closed_at, t.* from public.bench_trips t where not is_open and not is_expired)`;
	await pool.query(
		`insert into botbox.signals (
		   id, hash, bot_id, account_id, instrument_id, strategy_version_id, direction, trigger_reason, candle_at, score, factors, price, quantity,
		   notional, position_id, status, reason_code, trade_id, created_at, decided_at
		 )
		 overriding system value
		 select d.signal_id, md5(d.signal_id::text) || md5('x' || d.signal_id), d.bot_id, d.account_id, d.instrument_id, d.strategy_version_id, d.direction,
		        case d.direction when 'CLOSE' then 'EXIT_THRESHOLD' else 'ENTRY_THRESHOLD' end, d.at - interval '5 minutes', 0.7,
		        '{"ema_cross": {"value": 1.4, "score": 0.8, "weight": 0.5}, "rsi": {"value": 61.2, "score": 0.6, "weight": 0.5}}'::jsonb, 100, 5, 500,
		        case d.direction when 'CLOSE' then d.trip + 1 end, 'QUEUED'::botbox.signal_status, 'ACCEPTED', d.trade_id, d.at, d.at
		   from ${decided} d
		  union all
		 select t.trip * 3 + 3, md5('r' || t.trip) || md5('s' || t.trip), t.bot_id, t.account_id, t.instrument_id, t.strategy_version_id, 'LONG', 'ENTRY_THRESHOLD',
		        t.opened_at + interval '10 minutes', 0.7, '{}', 100, null, null, null, 'REJECTED',
		        (array['MAX_POSITIONS', 'DUPLICATE_POSITION', 'REGIME_UNFAVOURABLE'])[1 + t.trip % 3], null, t.opened_at + interval '15 minutes',
		        t.opened_at + interval '15 minutes'
		   from public.bench_trips t
		  where mod(t.trip, 10) < $1::numeric * 10`,
		[refusalsPerRoundTrip],
	);
	log('signals are there');
	await pool.query(
		`insert into botbox.positions (
		   id, bot_id, account_id, instrument_id, strategy_version_id, direction, status, quantity, entered_quantity, exited_quantity,
		   average_entry_price, average_exit_price, realised_pnl, fees, funding, opened_at, closed_at
		 )
		 overriding system value
		 select t.trip + 1, t.bot_id, t.account_id, t.instrument_id, t.strategy_version_id, 'LONG', case when t.is_open then 'OPEN' else 'CLOSED' end::botbox.position_status,
		        case when t.is_open then 5 else 0 end, 5, case when t.is_open then 0 else 5 end, 100.02, case when not t.is_open then 99 + t.trip % 4 end,
		        case when t.is_open then 0 else 5 * (t.trip % 4 - 1.02) end, 0.55, -0.05, t.opened_at, case when not t.is_open then t.closed_at end
		   from public.bench_trips t
		  where not t.is_expired`,
	);
	await pool.query(
		`insert into botbox.trade_queue (
		   id, signal_id, signal_hash, bot_id, account_id, instrument_id, strategy_version_id, position_id, direction, side, quantity, price,
		   trigger_reason, status, reason_code, attempts, queued_at, next_attempt_at, expires_at, acknowledged_at, finished_at
		 )
		 select d.trade_id, d.signal_id, md5(d.signal_id::text) || md5('x' || d.signal_id), d.bot_id, d.account_id, d.instrument_id, d.strategy_version_id,
		        case d.direction when 'CLOSE' then d.trip + 1 end, d.direction, d.side, 5, 100,
		        case d.direction when 'CLOSE' then 'EXIT_THRESHOLD' else 'ENTRY_THRESHOLD' end,
		        case when d.is_expired then 'EXPIRED' else 'EXECUTED' end::botbox.trade_status, case when d.is_expired then 'TTL_EXPIRED' end, 1, d.at, d.at,
		        case d.direction when 'CLOSE' then null else d.at + interval '5 minutes' end,
		        case when not d.is_expired then d.at + make_interval(secs => 0.05 + d.trip % 100 / 400.0) end, d.at + interval '1 second'
		   from ${decided} d`,
	);
	log('the queue is there');
	// They begin where they ended.
	await pool.query('alter table botbox.orders disable trigger user');
	await pool.query(
		`insert into botbox.orders (
		   id, trade_id, account_id, instrument_id, bot_id, position_id, purpose, client_order_id, exchange_order_id, side, quantity, status,
		   filled_quantity, expected_price, average_price, send_count, sent_at, acknowledged_at, finished_at, created_at
		 )
		 overriding system value
		 select d.signal_id, d.trade_id, d.account_id, d.instrument_id, d.bot_id, d.trip + 1, case d.direction when 'CLOSE' then 'EXIT' else 'ENTRY' end::botbox.order_purpose,
		        'bench-' || d.signal_id, 'ex-' || d.signal_id, d.side, 5, 'FILLED', 5, 100, case d.side when 'BUY' then 100.02 else 99 + d.trip % 4 end, 1,
		        d.at + interval '20 milliseconds', d.at + make_interval(secs => 0.05 + d.trip % 100 / 400.0), d.at + interval '1 second', d.at
		   from ${decided} d
		  where not d.is_expired`,
	);
	await pool.query('alter table botbox.orders enable trigger user');
	await pool.query(
		`insert into botbox.fills (
		   id, account_id, instrument_id, order_id, position_id, exchange_order_id, exchange_fill_id, side, quantity, price, fee, fee_asset, filled_at
		 )
		 overriding system value
		 select o.id, o.account_id, o.instrument_id, o.id, o.position_id, o.exchange_order_id, 'f-' || o.id, o.side, 5, o.average_price, 0.275, 'USDT', o.finished_at
		   from botbox.orders o`,
	);
	await pool.query(
		`insert into botbox.ledger_entries (account_id, asset, kind, amount, fill_id, position_id, reference, occurred_at)
		 select f.account_id, 'USDT', 'FEE'::botbox.ledger_kind, -f.fee, f.id, f.position_id, 'fee-' || f.id, f.filled_at from botbox.fills f
		  union all
		 select p.account_id, 'USDT', 'FUNDING', p.funding, null, p.id, 'funding-' || p.id, coalesce(p.closed_at, p.opened_at) from botbox.positions p`,
	);
	await pool.query('drop table public.bench_trips');
}

async function createSurroundings(pool: Pool, from: Date, until: Date): Promise<void> {
	await pool.query(
		`insert into botbox.account_equity (account_id, at, equity, peak)
		 select a.id, t.at, 1000000 + extract(epoch from t.at)::bigint % 7000, 1007000
		   from botbox.accounts a
		  cross join generate_series(date_bin(interval '5 minutes', $1, 'epoch'::timestamptz) + interval '5 minutes', $2, interval '5 minutes') as t (at)
		     on conflict do nothing`,
		[from, until],
	);
	await pool.query(
		`insert into botbox.ticks (tick_at, due_bots, duration_ms, worker_id)
		 select t.at, 500, 12, 'worker-1' from generate_series($1::timestamptz, $2, interval '1 minute') as t (at)`,
		[from, until],
	);
	await pool.query(
		`insert into botbox.alerts (code, severity, subject, message, opened_at, last_seen_at, resolved_at)
		 select 'DATA_LAG', 'WARNING', 'sim B' || n, 'Market data is older than five minutes', $1::timestamptz + make_interval(mins => n), $1, case when n > 5 then $1 end
		   from generate_series(1, 2000) n`,
		[from],
	);
	await pool.query(
		`insert into botbox.workers (id, host, process_id, roles, version, started_at, heartbeat_at)
		 select 'worker-' || n, 'bench', n, array['tick', 'check'], '0.0.0', $1, $2 from generate_series(1, 50) n`,
		[from, until],
	);
	await pool.query(
		`insert into botbox.rate_limits (exchange_id, scope, scope_key, bucket, published_limit, window_ms, capacity, refill_per_second, tokens)
		 select 'sim', 'ACCOUNT', a.id::text, k.bucket, 10, 1000, 4, 4, 2
		   from botbox.accounts a
		  cross join (values ('order_linear'), ('read')) as k (bucket)`,
	);
}
