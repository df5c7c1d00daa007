-- migrate:up
create table botbox.accounts (
  id bigint generated always as identity primary key,
  name text not null unique constraint account_name_is_short check (length(name) between 1 and 100),
  exchange_id text not null references botbox.exchanges (id) on delete restrict,
  mode botbox.account_mode not null,
  status botbox.account_status not null default 'ACTIVE',
  status_reason text,
  settle_asset text not null,
  capital botbox.quantity not null,
  max_positions integer not null default 10 constraint max_positions_is_not_negative check (max_positions >= 0),
  max_correlated_positions integer not null default 4 constraint max_correlated_is_not_negative check (max_correlated_positions >= 0),
  correlation_threshold numeric not null default 0.8 constraint correlation_threshold_is_a_share check (correlation_threshold between 0 and 1),
  max_instrument_exposure botbox.quantity,
  max_total_exposure botbox.quantity,
  max_order_notional botbox.quantity,
  max_entries_per_minute integer constraint max_entries_per_minute_is_not_negative check (max_entries_per_minute >= 0),
  max_price_deviation numeric constraint max_price_deviation_is_a_share check (max_price_deviation > 0 and max_price_deviation <= 1),
  daily_loss_limit botbox.quantity constraint daily_loss_limit_is_positive check (daily_loss_limit > 0),
  max_drawdown numeric constraint max_drawdown_is_a_share check (max_drawdown > 0 and max_drawdown <= 1),
  loss_cooldown_minutes integer constraint loss_cooldown_minutes_is_positive check (loss_cooldown_minutes > 0),
  max_losing_streak integer constraint max_losing_streak_is_positive check (max_losing_streak > 0),
  losses_count_from timestamptz,
  paper_slippage_bps numeric not null default 2 constraint paper_slippage_is_sane check (paper_slippage_bps between 0 and 1000),
  credentials bytea,
  reconciled_at timestamptz,
  reconciled_as_of timestamptz,
  fills_synced_to timestamptz,
  funding_synced_to timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint live_account_has_credentials check (mode = 'PAPER' or credentials is not null),
  constraint paper_account_has_no_credentials check (mode = 'LIVE' or credentials is null)
);
create index accounts_by_exchange on botbox.accounts (exchange_id);
comment on table botbox.accounts is 'One set of credentials on one exchange, PAPER or LIVE, with the capital and limits of its portfolio.';

create table botbox.account_balances (
  account_id bigint not null references botbox.accounts (id) on delete cascade,
  asset text not null,
  booked botbox.amount not null default 0,
  exchange_total botbox.amount,
  exchange_seen_at timestamptz,
  primary key (account_id, asset)
) with (fillfactor = 70);
comment on table botbox.account_balances is 'Booked balance per asset: always the sum of the account''s ledger entries; the exchange''s own figure beside it.';

create table botbox.account_equity (
  account_id bigint not null references botbox.accounts (id) on delete cascade,
  at timestamptz not null,
  equity botbox.amount not null,
  peak botbox.amount not null,
  primary key (account_id, at),
  constraint peak_is_at_least_equity check (peak >= equity)
);
comment on table botbox.account_equity is
  'What each account was worth every five minutes, and the highest it had been: the base of drawdown and daily loss; written by record_equity.';

create table botbox.strategies (
  id text primary key,
  name text not null unique,
  title text not null,
  default_interval_minutes integer not null constraint default_interval_is_known check (default_interval_minutes in (1, 5, 15, 60)),
  created_at timestamptz not null default now()
);
comment on table botbox.strategies is 'The strategies that the code knows; written at start from its registry.';

create table botbox.strategy_versions (
  id bigint generated always as identity primary key,
  strategy_id text not null references botbox.strategies (id) on delete restrict,
  version integer not null constraint version_is_positive check (version > 0),
  parameters jsonb not null,
  timeframe botbox.timeframe not null,
  history integer not null constraint history_is_bounded check (history between 1 and 5000),
  further_windows jsonb not null default '[]' constraint further_windows_are_a_list check (jsonb_typeof(further_windows) = 'array'),
  legs integer not null default 1 constraint legs_are_one_or_two check (legs in (1, 2)),
  favourable_regimes botbox.regime_direction[] not null,
  max_lots integer not null default 1 constraint max_lots_is_positive check (max_lots > 0),
  created_at timestamptz not null default now(),
  constraint strategy_versions_are_numbered unique (strategy_id, version),
  constraint strategy_versions_differ unique (strategy_id, parameters)
);
comment on table botbox.strategy_versions is 'Parameters of a strategy as they were at one time; never changed once written (trigger).';

create table botbox.bots (
  id bigint generated always as identity primary key,
  name text not null constraint bot_name_is_short check (length(name) between 1 and 100),
  strategy_version_id bigint not null references botbox.strategy_versions (id) on delete restrict,
  account_id bigint not null references botbox.accounts (id) on delete restrict,
  instrument_id bigint not null references botbox.instruments (id) on delete restrict,
  interval_minutes integer not null constraint interval_is_known check (interval_minutes in (1, 5, 15, 60)),
  adaptive_base_minutes integer constraint adaptive_base_is_known check (adaptive_base_minutes in (1, 5, 15, 60)),
  sizing botbox.sizing_kind not null,
  sizing_value botbox.price not null,
  leverage numeric not null default 1 constraint leverage_is_sane check (leverage between 1 and 100),
  max_position_notional botbox.quantity constraint max_position_notional_is_positive check (max_position_notional > 0),
  execution botbox.execution_mode not null default 'AUTO',
  status botbox.bot_status not null default 'ACTIVE',
  status_reason text,
  next_check_at timestamptz,
  last_check_at timestamptz,
  consecutive_failures integer not null default 0 constraint bot_failures_are_not_negative check (consecutive_failures >= 0),
  losses_count_from timestamptz,
  claimed_by text,
  claimed_until timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  constraint sizing_fraction_is_a_share check (sizing = 'FIXED_NOTIONAL' or sizing_value <= 1),
  constraint active_bot_has_a_next_check check ((status = 'ACTIVE') = (next_check_at is not null)),
  constraint next_check_lies_on_the_grid check (mod(extract(epoch from next_check_at), interval_minutes * 60) = 0),
  constraint bot_claim_has_an_end check ((claimed_by is null) = (claimed_until is null)),
  constraint deleted_bot_has_its_time check ((status = 'DELETED') = (deleted_at is not null))
) with (fillfactor = 45);
create unique index bots_one_living_per_name on botbox.bots (name) where status <> 'DELETED';
-- A bot's row is rewritten twice in each check. A block range index, and room on the page for a second version of every row, let that
-- happen without touching any of the table's indexes (heap-only updates, PostgreSQL 16 and newer); once a minute somebody looks for due bots.
create index bots_due on botbox.bots using brin (next_check_at) with (pages_per_range = 8, autosummarize = on) where status = 'ACTIVE';
create index bots_by_account on botbox.bots (account_id, instrument_id);
create index bots_by_instrument on botbox.bots (instrument_id);
create index bots_by_strategy_version on botbox.bots (strategy_version_id);
comment on table botbox.bots is 'Strategy version, first leg, interval, sizing and status; the schedule columns are the claim''s optimistic lock.';

create table botbox.bot_legs (
  bot_id bigint not null references botbox.bots (id) on delete cascade,
  leg integer not null constraint further_legs_start_at_two check (leg >= 2),
  account_id bigint not null references botbox.accounts (id) on delete restrict,
  instrument_id bigint not null references botbox.instruments (id) on delete restrict,
  primary key (bot_id, leg)
);
create index bot_legs_by_account on botbox.bot_legs (account_id);
create index bot_legs_by_instrument on botbox.bot_legs (instrument_id);
comment on table botbox.bot_legs is 'Legs of a bot beyond its first, which stands in bots itself.';

create table botbox.interval_changes (
  bot_id bigint not null references botbox.bots (id) on delete cascade,
  changed_at timestamptz not null,
  from_minutes integer not null,
  to_minutes integer not null constraint interval_really_changed check (to_minutes <> from_minutes),
  regime_volatility botbox.regime_volatility not null,
  primary key (bot_id, changed_at)
);
comment on table botbox.interval_changes is 'Each change of the interval of a bot with adaptive intervals, and the volatility that caused it; written by record_checks.';

create table botbox.ticks (
  tick_at timestamptz primary key,
  due_bots integer not null,
  duration_ms double precision not null,
  worker_id text not null,
  recorded_at timestamptz not null default now()
);
comment on table botbox.ticks is 'Each minute''s scheduling run: what was due and how long it took.';

-- migrate:down
drop table botbox.ticks, botbox.interval_changes, botbox.bot_legs, botbox.bots, botbox.strategy_versions, botbox.strategies,
  botbox.account_equity, botbox.account_balances, botbox.accounts;
