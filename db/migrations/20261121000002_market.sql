-- migrate:up
create table botbox.exchanges (
  id text primary key constraint exchange_id_is_snake_case check (id ~ '^[a-z][a-z0-9_]*$'),
  title text not null,
  ccxt_id text not null,
  base_url text,
  sandbox boolean not null default false,
  clock_offset_ms double precision,
  clock_measured_at timestamptz,
  markets_refreshed_at timestamptz,
  created_at timestamptz not null default now()
);
comment on table botbox.exchanges is 'A venue that botbox can read and trade on; seeded by migrations, base_url of sim set by up.';
insert into botbox.exchanges (id, title, ccxt_id, sandbox) values
  ('sim', 'Simulated exchange', 'bybit', false),
  ('bybit', 'Bybit', 'bybit', false),
  ('bybit_testnet', 'Bybit testnet', 'bybit', true),
  ('binance', 'Binance', 'binance', false),
  ('binance_testnet', 'Binance testnet', 'binance', true);

create table botbox.instruments (
  id bigint generated always as identity primary key,
  exchange_id text not null references botbox.exchanges (id) on delete restrict,
  symbol text not null,
  exchange_symbol text not null,
  market_type botbox.market_type not null,
  base_asset text not null,
  quote_asset text not null,
  settle_asset text not null,
  tick_size botbox.price not null,
  lot_size botbox.price not null,
  minimum_quantity botbox.quantity not null default 0,
  maximum_quantity botbox.quantity,
  minimum_notional botbox.quantity not null default 0,
  contract_size botbox.price not null default 1,
  taker_fee_rate botbox.amount not null default 0,
  maker_fee_rate botbox.amount not null default 0,
  is_trading boolean not null default true,
  refreshed_at timestamptz not null default now(),
  constraint instruments_one_per_exchange_symbol unique (exchange_id, symbol),
  constraint maximum_quantity_is_above_minimum check (maximum_quantity is null or maximum_quantity >= minimum_quantity),
  constraint spot_settles_in_quote check (market_type <> 'SPOT' or settle_asset = quote_asset)
);
comment on table botbox.instruments is 'One tradable market on one exchange; written by record_instruments from the exchange''s market list.';

create table botbox.feeds (
  instrument_id bigint primary key references botbox.instruments (id) on delete cascade,
  next_fetch_at timestamptz not null default now(),
  claimed_by text,
  claimed_until timestamptz,
  fetched_at timestamptz,
  last_candle_at timestamptz,
  revision bigint not null default 0,
  consecutive_failures integer not null default 0 constraint feed_failures_are_not_negative check (consecutive_failures >= 0),
  last_error text,
  refused_rows bigint not null default 0 constraint refused_rows_are_not_negative check (refused_rows >= 0),
  funding_due_at timestamptz,
  funding_error text,
  created_at timestamptz not null default now(),
  constraint feed_claim_has_an_end check ((claimed_by is null) = (claimed_until is null))
) with (fillfactor = 70);
create index feeds_due on botbox.feeds (next_fetch_at);
comment on table botbox.feeds is 'The keeping up to date of one instrument''s candles: when it is fetched next, by whom, and how fresh it is.';

create table botbox.feed_backfills (
  instrument_id bigint not null references botbox.instruments (id) on delete cascade,
  timeframe botbox.timeframe not null,
  candles integer not null constraint backfilled_candles_are_positive check (candles > 0),
  completed_at timestamptz not null,
  primary key (instrument_id, timeframe)
);
comment on table botbox.feed_backfills is 'How much history of an instrument and timeframe has been fetched from the exchange''s native candles.';

create table botbox.candle_coverage (
  instrument_id bigint not null references botbox.instruments (id) on delete cascade,
  timeframe botbox.timeframe not null,
  source text not null constraint coverage_source_is_known check (source in ('FEED', 'BACKFILL', 'IMPORT')),
  covered tstzmultirange not null,
  wanted_from timestamptz,
  wanted_to timestamptz,
  candles bigint not null default 0 constraint covered_candles_are_not_negative check (candles >= 0),
  refused_rows bigint not null default 0 constraint covered_refusals_are_not_negative check (refused_rows >= 0),
  updated_at timestamptz not null,
  primary key (instrument_id, timeframe, source),
  constraint wanted_range_is_a_range check (wanted_from < wanted_to),
  constraint wanted_range_is_whole check ((wanted_from is null) = (wanted_to is null))
);
comment on table botbox.candle_coverage is
  'Ranges of history that were fetched or imported whole, page by page: where a backfill that was stopped goes on. Minutes of BACKFILL and IMPORT are kept beyond their life.';

create table botbox.candle_gaps (
  instrument_id bigint not null references botbox.instruments (id) on delete cascade,
  timeframe botbox.timeframe not null,
  gap_from timestamptz not null,
  gap_to timestamptz not null,
  found_at timestamptz not null,
  attempts integer not null default 0 constraint gap_attempts_are_not_negative check (attempts >= 0),
  tried_at timestamptz,
  next_attempt_at timestamptz,
  confirmed_at timestamptz,
  primary key (instrument_id, timeframe, gap_from),
  constraint gap_has_a_length check (gap_from < gap_to),
  constraint confirmed_gap_is_not_tried_again check ((confirmed_at is null) = (next_attempt_at is not null)),
  constraint confirmed_gap_was_tried check (confirmed_at is null or attempts > 0)
);
create index candle_gaps_due on botbox.candle_gaps (next_attempt_at) where confirmed_at is null;
comment on table botbox.candle_gaps is
  'Gaps between stored candles of followed instruments and what the exchange said about them; written by refresh_candle_gaps and record_gap_attempts. Which gaps there are says reporting.candle_gaps.';

-- No foreign key to instruments: when a chunk of a hypertable goes, each key of it locks the table it points to against every reader.
create table botbox.candles (
  instrument_id bigint not null,
  timeframe botbox.timeframe not null,
  open_at timestamptz not null,
  open botbox.price not null,
  high botbox.price not null,
  low botbox.price not null,
  close botbox.price not null,
  volume botbox.quantity not null,
  is_native boolean not null,
  recorded_at timestamptz not null default now(),
  primary key (instrument_id, timeframe, open_at),
  constraint high_is_highest check (high >= open and high >= close and high >= low),
  constraint low_is_lowest check (low <= open and low <= close)
);
comment on table botbox.candles is 'Closed candles only, named by their opening time; native from the exchange or rolled up from its minutes.';

create table botbox.funding_rates (
  instrument_id bigint not null references botbox.instruments (id) on delete cascade,
  funding_at timestamptz not null,
  rate botbox.amount not null,
  recorded_at timestamptz not null default now(),
  primary key (instrument_id, funding_at)
);
comment on table botbox.funding_rates is 'Funding rates of perpetuals as the exchange published them.';

create table botbox.tickers (
  instrument_id bigint primary key references botbox.instruments (id) on delete cascade,
  bid botbox.price,
  ask botbox.price,
  last botbox.price not null,
  mark botbox.price,
  quoted_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  constraint bid_is_not_above_ask check (bid is null or ask is null or bid <= ask)
) with (fillfactor = 70);
comment on table botbox.tickers is 'The newest prices of each instrument, from one all-tickers call per exchange; read by stops and the paper venue.';

create table botbox.regimes (
  instrument_id bigint not null references botbox.instruments (id) on delete cascade,
  timeframe botbox.timeframe not null,
  candle_at timestamptz not null,
  direction botbox.regime_direction not null,
  volatility botbox.regime_volatility not null,
  figures jsonb not null default '{}',
  recorded_at timestamptz not null default now(),
  primary key (instrument_id, timeframe, candle_at)
);
comment on table botbox.regimes is 'The regime of an instrument and timeframe at the close of a candle, with the figures behind it.';

create table botbox.correlations (
  instrument_a bigint not null references botbox.instruments (id) on delete cascade,
  instrument_b bigint not null references botbox.instruments (id) on delete cascade,
  rho double precision not null constraint rho_is_a_correlation check (rho between -1 and 1),
  samples integer not null,
  computed_at timestamptz not null,
  primary key (instrument_a, instrument_b),
  constraint correlation_pair_is_ordered check (instrument_a < instrument_b)
);
create index correlations_by_second on botbox.correlations (instrument_b);
comment on table botbox.correlations is 'Correlation of hourly returns of two instruments; read by the risk check.';

-- migrate:down
drop table botbox.correlations, botbox.regimes, botbox.tickers, botbox.funding_rates, botbox.candles, botbox.candle_gaps,
  botbox.candle_coverage, botbox.feed_backfills, botbox.feeds, botbox.instruments, botbox.exchanges;
