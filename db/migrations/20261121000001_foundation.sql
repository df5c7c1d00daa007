-- migrate:up
create schema if not exists botbox;
create schema if not exists reporting;
comment on schema botbox is 'Tables and functions of botbox; written only through its functions.';
comment on schema reporting is 'Views for analysts and BI tools: plain names, one grain each.';

-- Finite numbers only: NaN and the infinities are refused by the comparison with Infinity, in which NaN sorts last.
create domain botbox.price as numeric constraint price_is_positive_and_finite check (value > 0 and value < 'Infinity');
create domain botbox.quantity as numeric constraint quantity_is_not_negative check (value >= 0 and value < 'Infinity');
create domain botbox.amount as numeric constraint amount_is_finite check (value > '-Infinity' and value < 'Infinity');
comment on domain botbox.price is 'Price of one unit of base in quote.';
comment on domain botbox.quantity is 'Quantity of an asset or of contracts, never negative: the side says which way.';
comment on domain botbox.amount is 'Signed amount of an asset.';

create type botbox.timeframe as enum ('1m', '5m', '15m', '1h', '4h', '1d');
create type botbox.market_type as enum ('SPOT', 'LINEAR');
create type botbox.account_mode as enum ('PAPER', 'LIVE');
create type botbox.account_status as enum ('ACTIVE', 'REDUCING', 'HALTED');
create type botbox.bot_status as enum ('ACTIVE', 'PAUSED', 'STOPPED', 'DELETED');
create type botbox.direction as enum ('LONG', 'SHORT');
create type botbox.signal_direction as enum ('LONG', 'SHORT', 'CLOSE');
create type botbox.side as enum ('BUY', 'SELL');
create type botbox.check_kind as enum ('SCHEDULED', 'MANUAL');
create type botbox.check_outcome as enum (
  'NO_SIGNAL', 'QUEUED', 'REJECTED', 'REPEATED', 'STALE_DATA', 'INSUFFICIENT_HISTORY', 'INACTIVE', 'FAILED', 'TIMED_OUT', 'DRY_RUN'
);
create type botbox.signal_status as enum ('QUEUED', 'REJECTED');
create type botbox.trade_status as enum ('PENDING', 'EXECUTING', 'EXECUTED', 'EXPIRED', 'CANCELLED', 'FAILED', 'PARKED');
create type botbox.order_status as enum (
  'SUBMITTING', 'OPEN', 'PARTIALLY_FILLED', 'FILLED', 'CANCELLED', 'REJECTED', 'UNKNOWN'
);
create type botbox.order_purpose as enum ('ENTRY', 'EXIT', 'STOP_LOSS', 'TAKE_PROFIT');
create type botbox.position_status as enum ('OPEN', 'CLOSED');
create type botbox.protection as enum ('EXCHANGE', 'GUARD', 'NONE');
create type botbox.ledger_kind as enum ('TRANSFER', 'FILL', 'FEE', 'FUNDING', 'CORRECTION');
create type botbox.regime_direction as enum ('TRENDING_UP', 'TRENDING_DOWN', 'RANGING');
create type botbox.regime_volatility as enum ('LOW', 'NORMAL', 'HIGH');
create type botbox.sizing_kind as enum ('FIXED_NOTIONAL', 'CAPITAL_FRACTION', 'VOLATILITY_TARGET');
create type botbox.execution_mode as enum ('AUTO', 'CONFIRM');
create type botbox.limit_scope as enum ('IP', 'ACCOUNT');
create type botbox.breaker_state as enum ('CLOSED', 'OPEN', 'HALF_OPEN');
create type botbox.pause_scope as enum ('ALL', 'EXCHANGE', 'ACCOUNT', 'BOT');
create type botbox.severity as enum ('CRITICAL', 'WARNING', 'INFO');
create type botbox.token_role as enum ('viewer', 'operator', 'admin');

create table botbox.installation (
  singleton boolean primary key default true constraint installation_is_one_row check (singleton),
  installation_id text not null default substr(replace(gen_random_uuid()::text, '-', ''), 1, 6),
  schema_fingerprint text,
  migrated_at timestamptz,
  timescaledb text
);
insert into botbox.installation default values;
comment on table botbox.installation is 'This installation of botbox: one row, written by migrate.';

create table botbox.reason_codes (
  code text primary key constraint reason_code_is_upper_snake_case check (code ~ '^[A-Z][A-Z0-9_]*$'),
  scope text not null constraint reason_scope_is_known check (scope in ('CHECK', 'SIGNAL', 'TRADE')),
  meaning text not null
);
comment on table botbox.reason_codes is 'Every reason a check, signal or trade may carry; the same list as src/database/reasons.ts and docs/reasons.md.';

-- migrate:down
drop schema reporting cascade;
drop schema botbox cascade;
