create or replace function botbox.add_to_ledger_totals()
returns trigger
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  insert into ledger_totals as t (account_id, asset, total, entries)
  select a.account_id, a.asset, sum(a.amount), count(*)
    from added a
   group by a.account_id, a.asset
   -- Two writers of one account meet its totals in one order.
   order by a.account_id, a.asset
  on conflict (account_id, asset) do update
     set total = t.total + excluded.total,
         entries = t.entries + excluded.entries;
  return null;
end
$$;
comment on function botbox.add_to_ledger_totals is
  'Trigger of ledger_entries: adds what a statement inserts to ledger_totals, apart from the booked balances that the writer moves itself, so that each tells on the other.';

create or replace trigger ledger_entries_are_totalled
  after insert on botbox.ledger_entries
  referencing new table as added
  for each statement execute function botbox.add_to_ledger_totals();
