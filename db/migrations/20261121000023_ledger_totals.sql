-- migrate:up
create table botbox.ledger_totals (
  account_id bigint not null references botbox.accounts (id) on delete cascade,
  asset text not null,
  total botbox.amount not null,
  entries bigint not null constraint ledger_totals_count_something check (entries > 0),
  primary key (account_id, asset)
) with (fillfactor = 70);
comment on table botbox.ledger_totals is
  'Sum of each account''s ledger entries per asset, kept by a trigger on ledger_entries whoever inserts them; check_balances compares booked balances with it, check_ledger it with the entries.';
comment on column botbox.ledger_totals.account_id is 'Account of the entries.';
comment on column botbox.ledger_totals.asset is 'Asset of the entries.';
comment on column botbox.ledger_totals.total is 'Sum of the amounts, in asset.';
comment on column botbox.ledger_totals.entries is 'How many entries there are: one that is removed together with its counterpart is missed too.';

insert into botbox.ledger_totals (account_id, asset, total, entries)
select account_id, asset, sum(amount), count(*)
  from botbox.ledger_entries
 group by account_id, asset;

-- migrate:down
drop table botbox.ledger_totals;
