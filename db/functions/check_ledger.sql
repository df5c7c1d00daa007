create function botbox.check_ledger()
returns table (account_id bigint, asset text, booked numeric, entries numeric, total numeric)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select account_id, asset, b.booked, e.sum, t.total
    from account_balances b
    full join (
           select l.account_id, l.asset, sum(l.amount) as sum, count(*) as count
             from ledger_entries l
            group by l.account_id, l.asset
         ) e using (account_id, asset)
    full join ledger_totals t using (account_id, asset)
   where coalesce(b.booked, 0) <> coalesce(e.sum, 0)
      or coalesce(t.total, 0) <> coalesce(e.sum, 0)
      or coalesce(t.entries, 0) <> coalesce(e.count, 0);
$$;
comment on function botbox.check_ledger is
  'Accounts and assets whose booked balance or running total is not the sum of their ledger entries, or where entries are missing: always empty, or something is broken. Reads the whole ledger.';
