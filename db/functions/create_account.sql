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
    name, exchange_id, mode, settle_asset, capital, credentials, max_positions, max_correlated_positions, correlation_threshold,
    paper_slippage_bps, fills_synced_to, created_at, updated_at
  )
  values (
    p_name, p_exchange_id, p_mode, p_settle_asset, p_capital, p_credentials,
    coalesce((p_limits ->> 'max_positions')::integer, 10),
    coalesce((p_limits ->> 'max_correlated_positions')::integer, 4),
    coalesce((p_limits ->> 'correlation_threshold')::numeric, 0.8),
    coalesce((p_limits ->> 'paper_slippage_bps')::numeric, 2),
    p_now, p_now, p_now
  )
  returning id into strict v_id;

  -- A PAPER account starts with its capital; what a LIVE one holds is read from its exchange afterwards.
  perform record_opening_balances(
    p_account_id => v_id,
    p_balances => coalesce(p_balances, case when p_mode = 'PAPER' then jsonb_build_object(p_settle_asset, p_capital) else '{}' end),
    p_now => p_now
  );

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
