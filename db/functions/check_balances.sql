create function botbox.check_balances()
returns table (account_id bigint, asset text, booked numeric, total numeric)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select coalesce(b.account_id, t.account_id), coalesce(b.asset, t.asset), b.booked, t.total
    from account_balances b
    full join ledger_totals t
      on t.account_id = b.account_id
     and t.asset = b.asset
   where coalesce(b.booked, 0) <> coalesce(t.total, 0);
$$;
comment on function botbox.check_balances is
  'Accounts and assets whose booked balance is not the running total of their ledger entries: always empty, or something is broken. Cheap, a row per balance; check_ledger adds up the entries themselves.';
