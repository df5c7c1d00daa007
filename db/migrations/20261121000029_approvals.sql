-- migrate:up
create type botbox.approval_state as enum ('WAITING', 'APPROVED', 'REJECTED', 'EXPIRED', 'CANCELLED');
comment on type botbox.approval_state is
  'What became of an entry that a person is asked about: WAITING for the word, APPROVED or REJECTED by it, EXPIRED without it, CANCELLED by something else before it.';

create table botbox.trade_approvals (
  trade_id uuid primary key references botbox.trade_queue (id) on delete cascade,
  requested_at timestamptz not null,
  decision botbox.approval_state constraint decision_is_a_persons check (decision in ('APPROVED', 'REJECTED')),
  decided_at timestamptz,
  decided_by text,
  reason text,
  constraint decided_approval_has_its_time check ((decision is null) = (decided_at is null)),
  constraint decided_approval_names_who check ((decision is null) = (decided_by is null)),
  constraint rejected_entry_has_its_reason check (decision is distinct from 'REJECTED' or reason is not null)
);
create index trade_approvals_by_request on botbox.trade_approvals (requested_at desc, trade_id desc);
comment on table botbox.trade_approvals is
  'Entries that are sent only after a person has said so: one row per trade that a CONFIRM bot queued; closes never have one. Written by queue_trade, approve_trade and reject_trade.';
comment on column botbox.trade_approvals.trade_id is 'The entry.';
comment on column botbox.trade_approvals.requested_at is 'When it began to wait.';
comment on column botbox.trade_approvals.decision is 'APPROVED or REJECTED; null until a person has decided. Another REJECTED may follow an APPROVED as long as nothing was sent.';
comment on column botbox.trade_approvals.decided_at is 'When it was decided.';
comment on column botbox.trade_approvals.decided_by is 'Who decided.';
comment on column botbox.trade_approvals.reason is 'Why; a rejection always says it.';

insert into botbox.reason_codes (code, scope, meaning) values
  ('NOT_APPROVED', 'TRADE', 'The bot asks before it enters, and nobody approved within the trade''s time to live'),
  ('REJECTED_BY_PERSON', 'TRADE', 'The bot asks before it enters, and a person said no');

insert into botbox.alert_rules (code, severity, meaning) values
  ('APPROVAL_NEEDED', 'WARNING', 'An entry of a bot that asks before it enters waits for a person');

create view reporting.approvals as
select p.trade_id, p.requested_at,
       case
         when p.decision is not null then p.decision
         when t.status = 'PENDING' and t.expires_at > now() then 'WAITING'
         when t.status in ('PENDING', 'EXPIRED') then 'EXPIRED'
         else 'CANCELLED'
       end::botbox.approval_state as state,
       t.expires_at, t.bot_id, b.name as bot, t.account_id, a.name as account, a.mode as account_mode, a.settle_asset, i.exchange_id,
       i.symbol, t.instrument_id, t.signal_id, t.group_id, t.direction, t.quantity, t.price as signal_price,
       t.quantity * t.price * i.contract_size as notional, t.leverage, t.stop_loss_price, t.take_profit_price, t.trailing_stop_fraction,
       k.last as last_price, k.last / t.price - 1 as price_change, t.trigger_reason, t.status as trade_status, t.reason_code,
       p.decided_at, p.decided_by, p.reason
  from botbox.trade_approvals p
  join botbox.trade_queue t on t.id = p.trade_id
  join botbox.bots b on b.id = t.bot_id
  join botbox.accounts a on a.id = t.account_id
  join botbox.instruments i on i.id = t.instrument_id
  left join botbox.tickers k on k.instrument_id = t.instrument_id;
comment on view reporting.approvals is
  'Entries of bots that ask before they enter, and what a person said; one row per trade. Closes and stops are never asked about.';
comment on column reporting.approvals.trade_id is 'The entry, a trade of the queue.';
comment on column reporting.approvals.requested_at is 'When it began to wait.';
comment on column reporting.approvals.state is 'WAITING for a person, APPROVED or REJECTED by one, EXPIRED without a word, CANCELLED by something else before it.';
comment on column reporting.approvals.expires_at is 'Until then it can be approved, and sent.';
comment on column reporting.approvals.bot_id is 'Number of the bot.';
comment on column reporting.approvals.bot is 'Name of the bot.';
comment on column reporting.approvals.account_id is 'Number of the account.';
comment on column reporting.approvals.account is 'Name of the account.';
comment on column reporting.approvals.account_mode is 'PAPER or LIVE.';
comment on column reporting.approvals.settle_asset is 'Asset of notional and of the account''s capital.';
comment on column reporting.approvals.exchange_id is 'The exchange.';
comment on column reporting.approvals.symbol is 'The market.';
comment on column reporting.approvals.instrument_id is 'Number of the market.';
comment on column reporting.approvals.signal_id is 'The signal behind it.';
comment on column reporting.approvals.group_id is 'The same for both legs of a pair: one word decides both. Null otherwise.';
comment on column reporting.approvals.direction is 'LONG or SHORT.';
comment on column reporting.approvals.quantity is 'How much, in the base asset or contracts.';
comment on column reporting.approvals.signal_price is 'Price at which it was decided.';
comment on column reporting.approvals.notional is 'What that is worth, in settle_asset.';
comment on column reporting.approvals.leverage is 'Leverage it is entered with.';
comment on column reporting.approvals.stop_loss_price is 'Where its loss is cut; null: no stop.';
comment on column reporting.approvals.take_profit_price is 'Where its profit is taken; null: no target.';
comment on column reporting.approvals.trailing_stop_fraction is 'Share of the best price at which a trailing stop follows; null: none.';
comment on column reporting.approvals.last_price is 'Price now, as far as it is known.';
comment on column reporting.approvals.price_change is 'How far the price has moved since the signal, as a share: 0.01 is 1% up.';
comment on column reporting.approvals.trigger_reason is 'What made the strategy enter.';
comment on column reporting.approvals.trade_status is 'Status of the trade.';
comment on column reporting.approvals.reason_code is 'Why the trade ended without being executed; null otherwise.';
comment on column reporting.approvals.decided_at is 'When a person decided.';
comment on column reporting.approvals.decided_by is 'Who decided.';
comment on column reporting.approvals.reason is 'Why, in that person''s words.';

-- migrate:down
drop view reporting.approvals;
delete from botbox.alert_rules where code = 'APPROVAL_NEEDED';
delete from botbox.reason_codes where code in ('NOT_APPROVED', 'REJECTED_BY_PERSON');
drop table botbox.trade_approvals;
drop type botbox.approval_state;
