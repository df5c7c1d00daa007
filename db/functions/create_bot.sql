create function botbox.create_bot(
  p_name text,
  p_strategy_version_id bigint,
  p_account_id bigint,
  p_instrument_id bigint,
  p_interval_minutes integer,
  p_sizing botbox.sizing_kind,
  p_sizing_value numeric,
  p_leverage numeric default 1,
  p_actor text default 'system',
  p_is_due_at_once boolean default false,
  p_now timestamptz default now()
)
returns bigint
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_id bigint;
  v_account accounts;
  v_instrument instruments;
begin
  select * into strict v_account from accounts where id = p_account_id;
  select * into strict v_instrument from instruments where id = p_instrument_id;
  if v_instrument.exchange_id <> v_account.exchange_id then
    raise exception 'instrument % is on %, account % on %', v_instrument.symbol, v_instrument.exchange_id, v_account.name, v_account.exchange_id
      using errcode = 'check_violation', constraint = 'bot_trades_on_its_accounts_exchange';
  end if;
  if v_instrument.settle_asset <> v_account.settle_asset then
    raise exception 'instrument % settles in %, account % in %', v_instrument.symbol, v_instrument.settle_asset, v_account.name, v_account.settle_asset
      using errcode = 'check_violation', constraint = 'bot_settles_in_its_accounts_asset';
  end if;
  if v_instrument.market_type = 'SPOT' and p_leverage <> 1 then
    raise exception 'spot market % has no leverage', v_instrument.symbol
      using errcode = 'check_violation', constraint = 'spot_bot_has_no_leverage';
  end if;

  insert into bots (
    name, strategy_version_id, account_id, instrument_id, interval_minutes, sizing, sizing_value, leverage, next_check_at, created_at, updated_at
  )
  values (
    p_name, p_strategy_version_id, p_account_id, p_instrument_id, p_interval_minutes, p_sizing, p_sizing_value, p_leverage,
    next_grid_point(p_now, p_interval_minutes) - case when p_is_due_at_once then make_interval(mins => p_interval_minutes) else interval '0' end,
    p_now, p_now
  )
  returning id into strict v_id;
  insert into feeds (instrument_id, next_fetch_at) values (p_instrument_id, p_now) on conflict do nothing;

  perform record_audit(
    p_actor => p_actor, p_action => 'bot.create', p_subject => 'bot ' || v_id,
    p_after => jsonb_build_object('name', p_name, 'strategy_version_id', p_strategy_version_id, 'instrument', v_instrument.symbol, 'account', v_account.name),
    p_now => p_now
  );
  return v_id;
end
$$;
comment on function botbox.create_bot is
  'Creates an ACTIVE bot on the grid of its interval, due at the next grid point or, if asked, at once; its instrument gets a feed.';
