create function botbox.record_opening_balances(p_account_id bigint, p_balances jsonb, p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_count integer;
begin
  perform from accounts where id = p_account_id for no key update;
  if exists (select from ledger_entries where account_id = p_account_id) then
    return 0;
  end if;
  with opened as (
    insert into ledger_entries (account_id, asset, kind, amount, reference, occurred_at, recorded_at)
    select p_account_id, b.key, 'TRANSFER', b.value::numeric, 'opening ' || b.key, p_now, p_now
      from jsonb_each_text(p_balances) b
     where b.value::numeric <> 0
    returning asset, amount
  )
  insert into account_balances (account_id, asset, booked)
  select p_account_id, o.asset, o.amount from opened o;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function botbox.record_opening_balances is
  'Opens the ledger of an account with what it holds now, as transfers; does nothing once the ledger has entries.';
