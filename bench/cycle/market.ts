/** The market and the bots of the cycle benchmark: written straight into the tables, deterministic, no exchange involved. */
import { createAccount } from '../../src/database/functions/administration.ts';
import type { Pool } from '../../src/database/pool.ts';
import { ensureStrategyVersion, publishStrategies } from '../../src/market/strategy-versions.ts';

export const instrumentCount = 200;
/** Bots that share an account. */
const botsPerAccount = 100;
/** Timeframes that bots decide on, and the hours that trend following looks at besides. */
const decisionTimeframes = ['1m', '5m', '15m'] as const;
const timeframes = { '1m': 1, '5m': 5, '15m': 15, '1h': 60 } as const;
/** Candles of each timeframe before the first cycle: more than any strategy looks at. */
const history = 1_000;

/** Instruments, feeds and candles up to `until` and for `minutes` more, which later cycles see closed one by one. */
export async function createMarket(pool: Pool, until: Date, minutes: number): Promise<void> {
	await pool.query(
		`insert into botbox.instruments (
		   exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size, taker_fee_rate
		 )
		 select 'sim', format('B%s/USDT:USDT', n), format('B%sUSDT', n), 'LINEAR', 'B' || n, 'USDT', 'USDT', 0.0001, 0.001, 0.00055
		   from generate_series(1, $1) n`,
		[instrumentCount],
	);
	await pool.query('insert into botbox.feeds (instrument_id) select id from botbox.instruments');
	for (const [timeframe, length] of Object.entries(timeframes)) {
		await pool.query(
			`with steps as (
			   -- A walk whose steps are hashes, in 1/1000 of the price per minute, slightly turned with time: trends and ranges.
			   select i.id, t.open_at,
			          (hashint8extended(i.id * 1000003 + extract(epoch from t.open_at)::bigint / 60, 7) % 1000) / 1000000.0 * sqrt($2::integer)
			            + 0.00001 * sqrt($2::integer) * sin(extract(epoch from t.open_at) / (3600.0 * $2::integer) + i.id) as step
			     from botbox.instruments i
			    cross join generate_series($3::timestamptz - make_interval(mins => $2::integer * $4::integer), $3 + make_interval(mins => $5::integer), make_interval(mins => $2::integer)) as t (open_at)
			 ),
			 walk as (
			   select id, open_at, step, 100 * exp(sum(step) over (partition by id order by open_at)) as close from steps
			 ),
			 bodies as (
			   select id, open_at, close, close / exp(step) as open, close * abs(step) / 2 as wick from walk
			 )
			 insert into botbox.candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
			 select id, $1::botbox.timeframe, open_at, round(open::numeric, 4), round((greatest(open, close) + wick)::numeric, 4),
			        round((least(open, close) - wick)::numeric, 4), round(close::numeric, 4), 10 + id % 7, true
			   from bodies`,
			[timeframe, length, until, history, minutes],
		);
	}
	await pool.query('vacuum analyze botbox.candles');
}

/** Both strategies with varied parameters, on three timeframes; thresholds from the defaults upwards. */
async function createVersions(pool: Pool): Promise<number[]> {
	await publishStrategies(pool);
	const versions: number[] = [];
	for (const timeframe of decisionTimeframes) {
		for (const shift of [0, 0.05, 0.1, 0.2]) {
			versions.push(
				await ensureStrategyVersion(pool, 'trend_following', {
					timeframe,
					entry_threshold: 0.6 + shift,
					macd_fast_period: 12 + 20 * Math.abs(shift),
				}),
				await ensureStrategyVersion(pool, 'mean_reversion', { timeframe, entry_threshold: 0.7 + shift }),
			);
		}
	}
	return versions;
}

/** One-minute bots up to `count` in number, spread evenly over instruments and versions, all due at `dueAt`. */
export async function createBots(pool: Pool, count: number, dueAt: Date): Promise<void> {
	const versions = await createVersions(pool);
	const { rows } = await pool.query<{ present: number }>('select count(*)::integer as present from botbox.bots');
	const present = rows[0]?.present ?? 0;
	for (let first = Math.floor(present / botsPerAccount); first * botsPerAccount < count; first += 1) {
		await createAccount(pool, {
			name: `bench-${first}`,
			exchangeId: 'sim',
			mode: 'PAPER',
			settleAsset: 'USDT',
			capital: '1000000',
			limits: { max_positions: botsPerAccount, max_correlated_positions: botsPerAccount },
		});
	}
	await pool.query(
		`insert into botbox.bots (name, strategy_version_id, account_id, instrument_id, interval_minutes, sizing, sizing_value, next_check_at)
		 select 'bench-' || n, ($3::bigint[])[1 + n % cardinality($3::bigint[])], a.id, i.id, 1, 'FIXED_NOTIONAL', 500, $4
		   from generate_series($1::integer, $2::integer - 1) n
		   join botbox.accounts a on a.name = 'bench-' || n / ${botsPerAccount}
		   join botbox.instruments i on i.symbol = format('B%s/USDT:USDT', 1 + n % ${instrumentCount})`,
		[present, count, versions, dueAt],
	);
	await pool.query('update botbox.bots set next_check_at = $1', [dueAt]);
	await pool.query('vacuum analyze botbox.bots');
}

/** What the feeds would have done by `now`: every instrument fetched, its newest candle stored. */
export async function refreshFeeds(pool: Pool, now: Date): Promise<void> {
	await pool.query(
		`update botbox.feeds set fetched_at = $1, last_candle_at = $1::timestamptz - interval '1 minute', revision = revision + 1`,
		[now],
	);
}
