create function botbox.create_account(
  p_name text,
  p_exchange_id text,
  p_mode botbox.account_mode,
  p_settle_asset text,
  p_capital numeric,
  p_credentials bytea default null,
  p_balances jsonb default null,
  p_limits jsonb default '{}',
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns bigint
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_id bigint;
begin
  insert into accounts (
    name, exchange_id, mode, settle_asset, capital, credentials, fills_synced_to, funding_synced_to, created_at, updated_at
  )
  values (
    p_name, p_exchange_id, p_mode, p_settle_asset, p_capital, p_credentials, p_now, p_now, p_now, p_now
  )
  returning id into strict v_id;

  -- A PAPER account starts with its capital; what a LIVE one holds is read from its exchange afterwards.
  perform record_opening_balances(
    p_account_id => v_id,
    p_balances => coalesce(p_balances, case when p_mode = 'PAPER' then jsonb_build_object(p_settle_asset, p_capital) else '{}' end),
    p_now => p_now
  );

  -- Limits that are not given keep the defaults of the table.
  if jsonb_strip_nulls(p_limits) <> '{}' then
    perform set_account_limits(p_account_id => v_id, p_limits => jsonb_strip_nulls(p_limits), p_actor => p_actor, p_now => p_now);
  end if;
  -- The first row of its equity: what it lost counts from here.
  perform record_equity(p_account_id => v_id, p_now => p_now);

  perform record_audit(
    p_actor => p_actor, p_action => 'account.create', p_subject => 'account ' || v_id,
    p_after => jsonb_build_object('name', p_name, 'exchange', p_exchange_id, 'mode', p_mode, 'capital', p_capital, 'limits', p_limits),
    p_now => p_now
  );
  return v_id;
end
$$;
comment on function botbox.create_account is
  'Opens an account with its limits; a PAPER account begins with its capital. Credentials arrive encrypted.';
