-- migrate:up
create table botbox.rate_limits (
  exchange_id text not null references botbox.exchanges (id) on delete cascade,
  scope botbox.limit_scope not null,
  scope_key text not null,
  bucket text not null,
  published_limit numeric not null constraint published_limit_is_positive check (published_limit > 0),
  window_ms integer not null constraint limit_window_is_positive check (window_ms > 0),
  capacity numeric not null constraint capacity_is_positive check (capacity > 0),
  refill_per_second numeric not null constraint refill_is_not_negative check (refill_per_second >= 0),
  tokens numeric not null,
  refilled_at timestamptz not null default now(),
  blocked_until timestamptz,
  block_reason text,
  reported_used numeric,
  reported_at timestamptz,
  granted_count bigint not null default 0,
  denied_count bigint not null default 0,
  updated_at timestamptz not null default now(),
  primary key (exchange_id, scope, scope_key, bucket),
  constraint tokens_within_capacity check (tokens >= 0 and tokens <= capacity),
  constraint rate_is_within_80_percent check (capacity + refill_per_second * window_ms / 1000.0 <= published_limit * 0.8)
) with (fillfactor = 50);
comment on table botbox.rate_limits is
  'One token bucket per exchange, scope and bucket, for all workers together: in any window no more than 80% of the published limit is granted.';

create table botbox.rate_limit_rules (
  exchange_id text not null references botbox.exchanges (id) on delete cascade,
  scope botbox.limit_scope not null,
  bucket text not null,
  published_limit numeric not null constraint rule_limit_is_positive check (published_limit > 0),
  window_ms integer not null constraint rule_window_is_positive check (window_ms > 0),
  primary key (exchange_id, scope, bucket)
);
comment on table botbox.rate_limit_rules is 'The published limits to start from; an operator may change them, buckets are made from them when first used.';
insert into botbox.rate_limit_rules (exchange_id, scope, bucket, published_limit, window_ms)
select e.id, r.scope::botbox.limit_scope, r.bucket, r.published_limit, r.window_ms
  from botbox.exchanges e
  join (values
    ('bybit', 'IP', 'all', 600, 5000),
    ('bybit', 'ACCOUNT', 'order_linear', 10, 1000),
    ('bybit', 'ACCOUNT', 'order_spot', 20, 1000),
    ('bybit', 'ACCOUNT', 'read', 50, 1000),
    ('binance', 'IP', 'all', 2400, 60000),
    ('binance', 'ACCOUNT', 'order_linear', 300, 10000),
    ('binance', 'ACCOUNT', 'order_spot', 50, 10000),
    ('binance', 'ACCOUNT', 'read', 50, 1000)
  ) as r (ccxt_id, scope, bucket, published_limit, window_ms) on r.ccxt_id = e.ccxt_id;

create table botbox.circuit_breakers (
  exchange_id text primary key references botbox.exchanges (id) on delete cascade,
  state botbox.breaker_state not null default 'CLOSED',
  consecutive_failures integer not null default 0 constraint breaker_failures_are_not_negative check (consecutive_failures >= 0),
  opened_at timestamptz,
  probe_at timestamptz,
  probed_by text,
  held_by text,
  last_error text,
  changed_at timestamptz not null default now(),
  constraint closed_breaker_has_no_opening check ((state = 'CLOSED') = (opened_at is null)),
  constraint open_breaker_has_a_probe_time check ((state = 'CLOSED') = (probe_at is null and held_by is null)),
  constraint held_breaker_is_open check (held_by is null or state = 'OPEN'),
  constraint half_open_breaker_names_its_prober check ((state = 'HALF_OPEN') = (probed_by is not null))
) with (fillfactor = 50);
comment on table botbox.circuit_breakers is 'One breaker per exchange, shared by all workers: open after 5 failures in a row, one probe after 60 s.';
insert into botbox.circuit_breakers (exchange_id) select id from botbox.exchanges;

create table botbox.pauses (
  id bigint generated always as identity primary key,
  scope botbox.pause_scope not null,
  exchange_id text references botbox.exchanges (id) on delete cascade,
  account_id bigint references botbox.accounts (id) on delete cascade,
  bot_id bigint references botbox.bots (id) on delete cascade,
  reason text not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  lifts_at timestamptz,
  lifted_at timestamptz,
  lifted_by text,
  constraint pause_names_its_scope check (
    (scope = 'EXCHANGE') = (exchange_id is not null)
    and (scope = 'ACCOUNT') = (account_id is not null)
    and (scope = 'BOT') = (bot_id is not null)
  ),
  constraint pause_lifts_after_it_began check (lifts_at is null or lifts_at > created_at),
  constraint lifted_pause_names_who check ((lifted_at is null) = (lifted_by is null))
);
create index pauses_in_force on botbox.pauses (scope) where lifted_at is null;
create index pauses_by_exchange on botbox.pauses (exchange_id);
create index pauses_by_account on botbox.pauses (account_id);
create index pauses_by_bot on botbox.pauses (bot_id);
comment on table botbox.pauses is 'Pauses stop entries of a bot, an account, an exchange or all; positions, their stops and closes go on.';

create table botbox.alerts (
  id bigint generated always as identity primary key,
  code text not null,
  severity botbox.severity not null,
  subject text not null,
  message text not null,
  details jsonb not null default '{}',
  occurrences integer not null default 1,
  opened_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  acknowledged_at timestamptz,
  acknowledged_by text,
  resolved_at timestamptz,
  constraint acknowledged_alert_names_who check ((acknowledged_at is null) = (acknowledged_by is null))
);
create unique index alerts_one_open_per_subject on botbox.alerts (code, subject) where resolved_at is null;
create index alerts_by_opened on botbox.alerts (opened_at desc);
comment on table botbox.alerts is 'What an operator must know; one open alert per code and subject, repeated sightings are counted.';

create table botbox.duties (
  name text primary key,
  next_run_at timestamptz not null,
  claimed_by text not null,
  claimed_at timestamptz not null
) with (fillfactor = 50);
comment on table botbox.duties is 'Recurring work that one worker does for all, such as quotes of an exchange or reconciling an account: when it is next due.';

create table botbox.workers (
  id text primary key,
  host text not null,
  process_id integer not null,
  roles text[] not null,
  version text not null,
  started_at timestamptz not null,
  heartbeat_at timestamptz not null,
  stopped_at timestamptz,
  figures jsonb not null default '{}'
) with (fillfactor = 50);
comment on table botbox.workers is 'Worker processes, by heartbeat; a worker silent for 30 s counts as lost.';

create table botbox.api_tokens (
  id bigint generated always as identity primary key,
  name text not null,
  role botbox.token_role not null,
  token_hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  constraint token_expires_after_creation check (expires_at is null or expires_at > created_at)
);
comment on table botbox.api_tokens is 'API tokens as SHA-256 hashes; the token itself is shown once, when made.';

create table botbox.audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  before jsonb,
  after jsonb
);
create index audit_log_by_time on botbox.audit_log (at desc);
comment on table botbox.audit_log is 'Who changed what, with the values before and after; rows can only be added (trigger).';

-- migrate:down
drop table botbox.audit_log, botbox.api_tokens, botbox.workers, botbox.duties, botbox.alerts, botbox.pauses,
  botbox.circuit_breakers, botbox.rate_limit_rules, botbox.rate_limits;
