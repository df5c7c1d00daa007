/**
 * The market and the bots of the cycle benchmark: written straight into the tables, deterministic, no exchange involved. 200 instruments:
 * 100 perpetuals and the spot market of each. All five strategies decide on minutes, so that a candle closes for every bot in every cycle.
 */
import { createAccount } from '../../src/database/functions/administration.ts';
import type { Pool } from '../../src/database/pool.ts';
import { ensureStrategyVersion, publishStrategies } from '../../src/market/strategy-versions.ts';

/** Assets; each has a perpetual and a spot market. A trial run has fewer, since most of its time would go into their candles. */
const usualAssets = 100;
export const trialAssets = 10;
/** Bots that share an account. */
const botsPerAccount = 100;
/** Bots decide on minutes; scalping and trend following look at quarters of an hour besides. */
const timeframes = { '1m': 1, '15m': 15 } as const;
/** Candles of each timeframe before the first cycle: more than any strategy looks at. */
const history = 1_000;

export async function createInstruments(pool: Pool, assets = usualAssets): Promise<void> {
	await pool.query(
		`insert into botbox.instruments (
		   exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size, taker_fee_rate
		 )
		 select 'sim', format(m.symbol, n), format(m.exchange_symbol, n), m.market_type, 'B' || n, 'USDT', 'USDT', 0.0001, 0.001, 0.00055
		   from generate_series(1, $1) n
		  cross join (values
		          ('B%s/USDT:USDT', 'B%sUSDT', 'LINEAR'::botbox.market_type),
		          ('B%s/USDT', 'B%sUSDT-SPOT', 'SPOT')
		        ) as m (symbol, exchange_symbol, market_type)`,
		[assets],
	);
}

/** Instruments, feeds and candles up to `until` and for `minutes` more, which later cycles see closed one by one. */
export async function createMarket(pool: Pool, until: Date, minutes: number, assets = usualAssets): Promise<void> {
	await createInstruments(pool, assets);
	await pool.query('insert into botbox.feeds (instrument_id) select id from botbox.instruments');
	await createCandles(pool, until, history, minutes);
	// One asset in twenty pays enough to enter a pair for.
	await pool.query(
		`insert into botbox.funding_rates (instrument_id, funding_at, rate, recorded_at)
		 select i.id, t.at, case when right(i.base_asset, -1)::integer % 20 = 0 then 0.0003 else 0.00002 end, t.at
		   from botbox.instruments i
		  cross join generate_series($1::timestamptz - interval '30 days', $1, interval '8 hours') as t (at)
		  where i.market_type = 'LINEAR'`,
		[until],
	);
	await pool.query('vacuum analyze botbox.candles');
}

/** Candles of `minutes` more, from `from` on. */
export async function extendMarket(pool: Pool, from: Date, minutes: number): Promise<void> {
	await createCandles(pool, from, 0, minutes);
}

/** `before` candles of each timeframe before `until`, and those of `minutes` after it; what is there stays. */
async function createCandles(pool: Pool, until: Date, before: number, minutes: number): Promise<void> {
	for (const [timeframe, length] of Object.entries(timeframes)) {
		await pool.query(
			`with steps as (
			   -- A walk whose steps are hashes, in 1/1000 of the price per minute, slightly turned with time: trends and ranges. A spot
			   -- market walks with its perpetual.
			   select i.id, t.open_at,
			          (hashint8extended(right(i.base_asset, -1)::bigint * 1000003 + extract(epoch from t.open_at)::bigint / 60, 7) % 1000)
			            / 1000000.0 * sqrt($2::integer)
			            + 0.00001 * sqrt($2::integer) * sin(extract(epoch from t.open_at) / (3600.0 * $2::integer) + right(i.base_asset, -1)::integer) as step
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
			   from bodies
			     on conflict do nothing`,
			[timeframe, length, until, before, minutes],
		);
	}
}

/** So many parameter sets has each strategy that no two bots of it on one market are alike, in up to 100,000 bots. */
const variants = 250;
/** Variants of one length of indicators, which differ in thresholds only. */
const variantsPerPeriod = 25;

/** Parameters of a strategy's variant: ten lengths of its indicators, thresholds in 25 steps. */
const parametersOf = {
	scalping: (step: number, shift: number) => ({
		ema_fast_period: 7 + step,
		donchian_period: 15 + step,
		entry_threshold: 0.62 + shift,
	}),
	mean_reversion: (step: number, shift: number) => ({
		timeframe: '1m',
		rsi_period: 10 + step,
		bollinger_period: 16 + step,
		entry_threshold: 0.6 + shift,
	}),
	trend_following: (step: number, shift: number) => ({
		timeframe: '1m',
		higher_timeframe: '15m',
		adx_period: 10 + step,
		macd_fast_period: 8 + step,
		entry_threshold: 0.55 + shift,
	}),
	grid: (step: number, shift: number) => ({
		timeframe: '1m',
		center_period: 40 + step,
		min_step_fraction: 0.004 + shift / 10,
	}),
	funding_arbitrage: (step: number, shift: number) => ({
		timeframe: '1m',
		mean_settlements: 5 + step,
		entry_net_rate: 0.002 + shift / 100,
	}),
} as const;
type Variants = Readonly<Record<keyof typeof parametersOf, readonly number[]>>;

const createdIn = new WeakMap<Pool, Promise<Variants>>();

/** Once for each database: they are 1,250 transactions. */
function createVersions(pool: Pool): Promise<Variants> {
	const created = createdIn.get(pool) ?? publishVersions(pool);
	createdIn.set(pool, created);
	return created;
}

async function publishVersions(pool: Pool): Promise<Variants> {
	await publishStrategies(pool);
	const made = Object.entries(parametersOf).map(async ([strategy, parameters]) => {
		const ids: number[] = [];
		for (let variant = 0; variant < variants; variant += 1) {
			const step = Math.floor(variant / variantsPerPeriod);
			// The threshold goes up evenly within a length of indicators, by the golden ratio between them: all differ.
			const shift = 0.2 * (((variant % variantsPerPeriod) / variantsPerPeriod + step * 0.618) % 1);
			ids.push(await ensureStrategyVersion(pool, strategy, parameters(step, shift)));
		}
		return [strategy, ids] as const;
	});
	return Object.fromEntries(await Promise.all(made)) as unknown as Variants;
}

/** One-minute bots up to `count` in number, all due at `dueAt`: strategies in turn, then assets, then variants. */
export async function createBots(pool: Pool, count: number, dueAt: Date): Promise<void> {
	const versions = await createVersions(pool);
	const { rows } = await pool.query<{ present: number }>('select count(*)::integer as present from botbox.bots');
	const present = rows[0]?.present ?? 0;
	for (let first = Math.ceil(present / botsPerAccount); first * botsPerAccount < count; first += 1) {
		await createAccount(pool, {
			name: `bench-${first}`,
			exchangeId: 'sim',
			mode: 'PAPER',
			settleAsset: 'USDT',
			capital: '1000000',
			limits: { max_positions: 2 * botsPerAccount, max_correlated_positions: 2 * botsPerAccount },
		});
	}
	const strategies = Object.values(versions);
	await pool.query(
		`with there as (
		   select count(*)::integer as assets from botbox.instruments where market_type = 'LINEAR'
		 ),
		 planned as (
		   select n, 1 + n / 5 % assets as asset,
		          ($3::bigint[])[1 + n % 5 * $6::integer + (n / 5 % assets * 37 + n / (5 * assets)) % $6::integer] as version_id
		     from there
		    cross join generate_series($1::integer, $2::integer - 1) n
		 ),
		 made as (
		   insert into botbox.bots (name, strategy_version_id, account_id, instrument_id, interval_minutes, sizing, sizing_value, next_check_at)
		   select 'bench-' || p.n, p.version_id, a.id, i.id, 1, 'FIXED_NOTIONAL', 500, $4
		     from planned p
		     join botbox.strategy_versions v on v.id = p.version_id
		     join botbox.accounts a on a.name = 'bench-' || p.n / $5::integer
		     -- A pair begins with its spot market.
		     join botbox.instruments i on i.symbol = format(case when v.legs = 2 then 'B%s/USDT' else 'B%s/USDT:USDT' end, p.asset)
		    order by p.n
		   returning id, strategy_version_id, account_id, instrument_id
		 )
		 insert into botbox.bot_legs (bot_id, leg, account_id, instrument_id)
		 select m.id, 2, m.account_id, perpetual.id
		   from made m
		   join botbox.strategy_versions v on v.id = m.strategy_version_id and v.legs = 2
		   join botbox.instruments spot on spot.id = m.instrument_id
		   join botbox.instruments perpetual on perpetual.base_asset = spot.base_asset and perpetual.market_type = 'LINEAR'`,
		[present, count, strategies.flat(), dueAt, botsPerAccount, variants],
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
