-- migrate:up
-- Isolated or cross margin per account, what stands at the exchange per account and instrument, and late fills of trades that had ended.
alter table botbox.accounts
  add column margin_mode text constraint margin_mode_is_known check (margin_mode in ('ISOLATED', 'CROSS'));
comment on column botbox.accounts.margin_mode is
  'ISOLATED (a position can lose its own margin only) or CROSS, set at the exchange before an entry into a perpetual; null: it stays as it is there. Written by set_margin_mode.';

create table botbox.instrument_settings (
  account_id bigint not null references botbox.accounts (id) on delete cascade,
  instrument_id bigint not null references botbox.instruments (id) on delete cascade,
  leverage numeric not null constraint set_leverage_is_sane check (leverage between 1 and 100),
  margin_mode text constraint set_margin_mode_is_known check (margin_mode in ('ISOLATED', 'CROSS')),
  set_at timestamptz not null,
  primary key (account_id, instrument_id)
);
create index instrument_settings_by_instrument on botbox.instrument_settings (instrument_id);
comment on table botbox.instrument_settings is
  'Leverage and margin mode that botbox has set at the exchange, per account and instrument: what stands there already is not set again. Written by record_instrument_settings.';
comment on column botbox.instrument_settings.account_id is 'On whose credentials it was set.';
comment on column botbox.instrument_settings.instrument_id is 'The perpetual.';
comment on column botbox.instrument_settings.leverage is 'Notional per unit of margin.';
comment on column botbox.instrument_settings.margin_mode is 'ISOLATED or CROSS; null: never set by us.';
comment on column botbox.instrument_settings.set_at is 'When the exchange last took it.';

create or replace view reporting.account_margin as
select a.id as account_id, a.name as account, a.exchange_id, a.status, a.margin_ratio, a.max_margin_ratio, a.margin_ratio_seen_at, a.margin_mode
  from botbox.accounts a;
comment on column reporting.account_margin.margin_mode is
  'ISOLATED (a position can lose its own margin only) or CROSS, set at the exchange before an entry into a perpetual; null: it stays as it is there. Written by set_margin_mode.';

insert into botbox.reason_codes (code, scope, meaning) values
  ('LEVERAGE_IN_USE', 'SIGNAL', 'The account holds or enters this instrument with another leverage');

insert into botbox.alert_rules (code, severity, unit, default_threshold, threshold, quiet_minutes, meaning) values
  ('LATE_FILL', 'WARNING', null, null, null, 1440, 'A trade had ended without a fill when the exchange reported one: it counts as executed');

comment on column botbox.rate_limits.minute_denied is
  'Requests of the present minute whose tokens would have come later than their callers wait: a read for 10 s, an entry until 30 s and a close until 1 s after it was queued.';
comment on column botbox.rate_limits.last_denied is 'The same of the minute before.';

-- migrate:down
comment on column botbox.rate_limits.minute_denied is 'Requests for tokens in the present minute that got none.';
comment on column botbox.rate_limits.last_denied is 'Requests for tokens in the minute before that got none.';
delete from botbox.alerts where code = 'LATE_FILL';
delete from botbox.alert_rules where code = 'LATE_FILL';
delete from botbox.reason_codes where code = 'LEVERAGE_IN_USE';
drop view reporting.account_margin;
create view reporting.account_margin as
select a.id as account_id, a.name as account, a.exchange_id, a.status, a.margin_ratio, a.max_margin_ratio, a.margin_ratio_seen_at
  from botbox.accounts a;
comment on view reporting.account_margin is 'How near each account is to liquidation, and how near it may come; one row per account. PAPER ones have no ratio.';
drop table botbox.instrument_settings;
alter table botbox.accounts drop column margin_mode;
