-- migrate:up
-- Partitioned by due_at so that the key itself forbids a second check of the same bot for the same due time.
create table botbox.checks (
  bot_id bigint not null,
  due_at timestamptz not null,
  kind botbox.check_kind not null,
  strategy_version_id bigint not null,
  worker_id text not null,
  started_at timestamptz not null,
  recorded_at timestamptz not null,
  duration_ms real not null,
  candle_at timestamptz,
  data_age_ms integer,
  price botbox.price,
  score double precision,
  factors jsonb,
  regime_direction botbox.regime_direction,
  regime_volatility botbox.regime_volatility,
  decision text not null constraint decision_is_known check (decision in ('NONE', 'LONG', 'SHORT', 'CLOSE')),
  outcome botbox.check_outcome not null,
  reason_code text not null,
  signal_id bigint,
  trade_id uuid,
  is_repeated boolean not null default false,
  error text,
  primary key (bot_id, due_at, kind),
  constraint queued_check_has_its_signal check (outcome not in ('QUEUED', 'REJECTED', 'REPEATED') or signal_id is not null),
  constraint failed_check_has_its_error check (outcome not in ('FAILED', 'TIMED_OUT') or error is not null)
);
create index checks_recorded on botbox.checks (recorded_at desc);
comment on table botbox.checks is
  'One evaluation of one bot with its one outcome. No foreign keys: they would cost an index lookup per check, and bots are never deleted from their table.';

create table botbox.check_hours (
  bot_id bigint not null,
  hour_at timestamptz not null,
  outcome botbox.check_outcome not null,
  checks integer not null constraint checks_are_positive check (checks > 0),
  duration_ms_total double precision not null,
  duration_ms_max double precision not null,
  late_ms_max double precision not null,
  primary key (bot_id, hour_at, outcome)
);
create index check_hours_by_hour on botbox.check_hours (hour_at);
comment on table botbox.check_hours is 'Checks of each bot, hour and outcome, counted before the checks themselves are dropped; written by prune_checks.';

create table botbox.signals (
  id bigint generated always as identity,
  hash text not null constraint signal_hash_is_sha256 check (hash ~ '^[0-9a-f]{64}$'),
  bot_id bigint not null,
  account_id bigint not null,
  instrument_id bigint not null,
  strategy_version_id bigint not null,
  direction botbox.signal_direction not null,
  trigger_reason text not null references botbox.reason_codes (code) on delete restrict,
  candle_at timestamptz not null,
  score double precision,
  factors jsonb,
  regime_direction botbox.regime_direction,
  regime_volatility botbox.regime_volatility,
  data_age_ms integer,
  price botbox.price not null,
  quantity botbox.quantity,
  notional botbox.quantity,
  lots integer constraint signal_lots_are_not_negative check (lots > 0 or lots = 0 and direction = 'CLOSE'),
  stop_loss_price botbox.price,
  take_profit_price botbox.price,
  trailing_stop_fraction numeric constraint signal_trail_is_a_share check (trailing_stop_fraction > 0 and trailing_stop_fraction < 1),
  group_id uuid,
  position_id bigint,
  status botbox.signal_status not null,
  reason_code text not null references botbox.reason_codes (code) on delete restrict,
  details jsonb not null default '{}',
  repeat_count integer not null default 0 constraint repeat_count_is_not_negative check (repeat_count >= 0),
  trade_id uuid,
  created_at timestamptz not null,
  decided_at timestamptz not null,
  primary key (id, candle_at),
  constraint signals_one_per_hash unique (hash, candle_at),
  constraint queued_signal_has_its_trade check ((status = 'QUEUED') = (trade_id is not null)),
  constraint queued_signal_was_accepted check ((status = 'QUEUED') = (reason_code = 'ACCEPTED')),
  constraint close_names_its_position check (direction <> 'CLOSE' or position_id is not null or status = 'REJECTED')
);
create index signals_by_bot on botbox.signals (bot_id, created_at desc) include (status);
-- With what reports count by, so that a month of signals is counted from the index, without their factors and details.
create index signals_by_created on botbox.signals (created_at desc) include (status, direction, strategy_version_id, account_id);
create index signals_by_hash on botbox.signals (hash);
create index signals_by_account on botbox.signals (account_id);
create index signals_by_instrument on botbox.signals (instrument_id);
create index signals_by_strategy_version on botbox.signals (strategy_version_id);
create index signals_by_trigger on botbox.signals (trigger_reason);
create index signals_by_reason on botbox.signals (reason_code);
comment on table botbox.signals is
  'What checks and stops decided, accepted or not, with the figures behind it. A hash is spent when queued; the same signal rejected again updates its row. No foreign keys to tables that checks change: a new chunk would lock those whole, and recorders that hold their rows would wait for each other.';

-- The body of db/functions/candle_partition.sql, which replaces it: the hypertable needs it before functions are applied.
create function botbox.candle_partition(p_timeframe anyelement)
returns integer
language plpgsql
immutable parallel safe
set search_path = botbox, pg_temp
as $$
begin
  return case when p_timeframe::text = '1m' then 0 else 1500000000 end;
end
$$;

do $$
declare
  v_schema text;
begin
  select n.nspname
    into v_schema
    from pg_extension e
    join pg_namespace n on n.oid = e.extnamespace
   where e.extname = 'timescaledb';
  if v_schema is null then
    return;
  end if;
  -- Minutes lie in chunks of their own, so that they can go as whole chunks while candles of higher timeframes stay.
  execute format($f$select %1$I.create_hypertable('botbox.candles', 'open_at', partitioning_column => 'timeframe', number_partitions => 2, partitioning_func => 'botbox.candle_partition', chunk_time_interval => interval '7 days', create_default_indexes => false)$f$, v_schema);
  execute format($f$select %1$I.create_hypertable('botbox.checks', 'due_at', chunk_time_interval => interval '6 hours', create_default_indexes => false)$f$, v_schema);
  execute format($f$select %1$I.create_hypertable('botbox.signals', 'candle_at', chunk_time_interval => interval '7 days', create_default_indexes => false)$f$, v_schema);
  -- Compression exists only under the Community licence. How long rows live is the environment's to say: prune_minutes, prune_checks
  -- and prune_signals drop whole chunks under either licence.
  if current_setting('timescaledb.license', true) = 'timescale' then
    alter table botbox.candles set (timescaledb.compress, timescaledb.compress_segmentby = 'instrument_id, timeframe', timescaledb.compress_orderby = 'open_at');
    execute format($f$select %1$I.add_compression_policy('botbox.candles', interval '14 days')$f$, v_schema);
  end if;
end
$$;

-- migrate:down
drop table botbox.signals, botbox.check_hours, botbox.checks;
drop function if exists botbox.candle_partition(anyelement);
