-- migrate:up
-- What an account's exchange says that is not in our books, and how near its margin is to its end.
create table botbox.foreign_orders (
  id bigint generated always as identity primary key,
  account_id bigint not null references botbox.accounts (id) on delete cascade,
  instrument_id bigint references botbox.instruments (id) on delete cascade,
  symbol text not null,
  exchange_order_id text not null,
  client_order_id text,
  side botbox.side not null,
  quantity botbox.quantity not null,
  adds_exposure boolean not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  constraint foreign_orders_one_per_exchange_order unique (account_id, symbol, exchange_order_id)
);
create index foreign_orders_by_instrument on botbox.foreign_orders (instrument_id);
comment on table botbox.foreign_orders is
  'Orders open at an account''s exchange that botbox did not send, as its last reconciliation found them: shown, counted for risk, never touched; written by reconcile_account.';
comment on column botbox.foreign_orders.id is 'Ours; given when the order was first seen.';
comment on column botbox.foreign_orders.account_id is 'On whose credentials the order stands.';
comment on column botbox.foreign_orders.instrument_id is 'Null where the symbol is none of our instruments.';
comment on column botbox.foreign_orders.symbol is 'As the exchange layer names markets.';
comment on column botbox.foreign_orders.exchange_order_id is 'The exchange''s id of it.';
comment on column botbox.foreign_orders.client_order_id is 'The id that its sender gave it, if any.';
comment on column botbox.foreign_orders.side is 'BUY or SELL.';
comment on column botbox.foreign_orders.quantity is 'What may still be filled, in base or contracts.';
comment on column botbox.foreign_orders.adds_exposure is 'False for stops and reduce-only orders: they can only make a position smaller.';
comment on column botbox.foreign_orders.first_seen_at is 'When reconciliation first found it.';
comment on column botbox.foreign_orders.last_seen_at is 'When reconciliation last found it.';

create table botbox.foreign_positions (
  id bigint generated always as identity primary key,
  account_id bigint not null references botbox.accounts (id) on delete cascade,
  instrument_id bigint references botbox.instruments (id) on delete cascade,
  symbol text not null,
  quantity botbox.amount not null constraint foreign_position_holds_something check (quantity <> 0),
  entry_price botbox.price,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  constraint foreign_positions_one_per_symbol unique (account_id, symbol)
);
create index foreign_positions_by_instrument on botbox.foreign_positions (instrument_id);
comment on table botbox.foreign_positions is
  'What an account''s exchange holds beyond what our bots hold, as its last reconciliation found it: shown, counted for risk, never touched; written by reconcile_account.';
comment on column botbox.foreign_positions.id is 'Ours; given when the position was first seen.';
comment on column botbox.foreign_positions.account_id is 'On whose credentials it is held.';
comment on column botbox.foreign_positions.instrument_id is 'Null where the symbol is none of our instruments.';
comment on column botbox.foreign_positions.symbol is 'As the exchange layer names markets.';
comment on column botbox.foreign_positions.quantity is 'The exchange''s net less ours, in base or contracts; negative when short.';
comment on column botbox.foreign_positions.entry_price is 'The exchange''s average price of the whole net.';
comment on column botbox.foreign_positions.first_seen_at is 'When reconciliation first found it.';
comment on column botbox.foreign_positions.last_seen_at is 'When reconciliation last found it.';

alter table botbox.accounts
  add column max_margin_ratio numeric default 0.5 constraint max_margin_ratio_is_a_share check (max_margin_ratio > 0 and max_margin_ratio <= 1),
  add column margin_ratio numeric constraint margin_ratio_is_not_negative check (margin_ratio >= 0),
  add column margin_ratio_seen_at timestamptz,
  add constraint margin_ratio_has_its_time check ((margin_ratio is null) = (margin_ratio_seen_at is null));
comment on column botbox.accounts.max_margin_ratio is
  'Maintenance margin as a share of the margin balance from which on the account is REDUCING; the exchange liquidates at 1. Null: not watched.';
comment on column botbox.accounts.margin_ratio is 'That share as the exchange last said; null where it says none.';
comment on column botbox.accounts.margin_ratio_seen_at is 'When it said so.';

insert into botbox.reason_codes (code, scope, meaning) values
  ('STOP_BEYOND_LIQUIDATION', 'SIGNAL', 'The stop lies beyond the price at which the exchange may liquidate the position');

create view reporting.foreign_orders as
select f.id as foreign_order_id, f.account_id, a.name as account, a.exchange_id, f.symbol, f.instrument_id, f.exchange_order_id,
       f.client_order_id, f.side, f.quantity, f.adds_exposure, f.first_seen_at, f.last_seen_at
  from botbox.foreign_orders f
  join botbox.accounts a on a.id = f.account_id;
comment on view reporting.foreign_orders is 'Orders open at exchanges that botbox did not send; one row per order.';

create view reporting.foreign_positions as
select f.id as foreign_position_id, f.account_id, a.name as account, a.exchange_id, f.symbol, f.instrument_id, f.quantity, f.entry_price,
       abs(f.quantity) * coalesce(k.last, f.entry_price) * coalesce(i.contract_size, 1) as notional, f.first_seen_at, f.last_seen_at
  from botbox.foreign_positions f
  join botbox.accounts a on a.id = f.account_id
  left join botbox.instruments i on i.id = f.instrument_id
  left join botbox.tickers k on k.instrument_id = f.instrument_id;
comment on view reporting.foreign_positions is 'What exchanges hold on our accounts beyond what our bots hold; one row per account and symbol.';

create view reporting.account_margin as
select a.id as account_id, a.name as account, a.exchange_id, a.status, a.margin_ratio, a.max_margin_ratio, a.margin_ratio_seen_at
  from botbox.accounts a;
comment on view reporting.account_margin is 'How near each account is to liquidation, and how near it may come; one row per account. PAPER ones have no ratio.';

do $$
declare
  v_column record;
begin
  -- A column of a view says what the column of its table says.
  for v_column in
    select v.relname, va.attname, col_description(t.oid, ta.attnum) as meaning
      from (values ('foreign_orders', 'foreign_orders'), ('foreign_positions', 'foreign_positions'), ('account_margin', 'accounts')) as w (view_name, table_name)
      join pg_class v on v.relname = w.view_name and v.relnamespace = 'reporting'::regnamespace
      join pg_class t on t.relname = w.table_name and t.relnamespace = 'botbox'::regnamespace
      join pg_attribute va on va.attrelid = v.oid and va.attnum > 0
      join pg_attribute ta on ta.attrelid = t.oid and ta.attname = va.attname and ta.attnum > 0
  loop
    execute format('comment on column reporting.%I.%I is %L', v_column.relname, v_column.attname, v_column.meaning);
  end loop;
end
$$;
comment on column reporting.foreign_orders.foreign_order_id is 'Ours; given when the order was first seen.';
comment on column reporting.foreign_orders.account is 'Name of the account.';
comment on column reporting.foreign_orders.exchange_id is 'The exchange.';
comment on column reporting.foreign_positions.foreign_position_id is 'Ours; given when the position was first seen.';
comment on column reporting.foreign_positions.account is 'Name of the account.';
comment on column reporting.foreign_positions.exchange_id is 'The exchange.';
comment on column reporting.foreign_positions.notional is 'Its size at the last price, in the settlement asset; what it counts for in limits of exposure.';
comment on column reporting.account_margin.account_id is 'The account.';
comment on column reporting.account_margin.account is 'Name of the account.';

-- migrate:down
drop view reporting.account_margin, reporting.foreign_positions, reporting.foreign_orders;
delete from botbox.reason_codes where code = 'STOP_BEYOND_LIQUIDATION';
alter table botbox.accounts
  drop constraint margin_ratio_has_its_time,
  drop column margin_ratio_seen_at,
  drop column margin_ratio,
  drop column max_margin_ratio;
drop table botbox.foreign_positions, botbox.foreign_orders;
