create function botbox.check_ledger()
returns table (account_id bigint, asset text, booked numeric, entries numeric)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select coalesce(b.account_id, e.account_id), coalesce(b.asset, e.asset), b.booked, e.total
    from account_balances b
    full join (
           select l.account_id, l.asset, sum(l.amount) as total
             from ledger_entries l
            group by l.account_id, l.asset
         ) e on e.account_id = b.account_id and e.asset = b.asset
   where coalesce(b.booked, 0) <> coalesce(e.total, 0);
$$;
comment on function botbox.check_ledger is 'Accounts and assets whose booked balance is not the sum of their ledger entries: always empty, or something is broken.';
