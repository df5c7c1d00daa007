create function botbox.book_adjustment(
  p_account_id bigint,
  p_kind text,
  p_asset text,
  p_amount numeric,
  p_reference text,
  p_reason text,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_id bigint;
begin
  perform from accounts where id = p_account_id for no key update;
  if not found then
    return null;
  end if;
  if p_kind not in ('TRANSFER', 'CORRECTION') or p_amount = 0 or p_amount in ('NaN', 'Infinity', '-Infinity') then
    raise exception 'a person books a TRANSFER or a CORRECTION of an amount other than 0, not % of %', p_kind, p_amount
      using errcode = 'check_violation';
  end if;
  insert into ledger_entries (account_id, asset, kind, amount, reference, occurred_at, recorded_at)
  values (p_account_id, p_asset, p_kind::ledger_kind, p_amount, p_reference, p_now, p_now)
  on conflict (account_id, kind, reference) do nothing
  returning id into v_id;
  if v_id is null then
    return false;
  end if;
  insert into account_balances as b (account_id, asset, booked)
  values (p_account_id, p_asset, p_amount)
  on conflict (account_id, asset) do update
     set booked = b.booked + excluded.booked;
  perform record_audit(
    p_actor => p_actor, p_action => 'account.book', p_subject => 'account ' || p_account_id,
    p_before => null,
    p_after => jsonb_build_object('kind', p_kind, 'asset', p_asset, 'amount', p_amount, 'reference', p_reference, 'reason', p_reason),
    p_now => p_now
  );
  return true;
end
$$;
comment on function botbox.book_adjustment is
  'Books by a person''s word what no fill or funding explains: a TRANSFER in (above 0) or out of the account, or a CORRECTION. Once by its reference: false says that it was booked before; null: there is no such account.';
