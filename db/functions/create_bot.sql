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
  p_is_adaptive boolean default false,
  p_further_instrument_ids bigint[] default '{}',
  p_max_position_notional numeric default null,
  p_execution botbox.execution_mode default 'AUTO',
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
  v_leg instruments;
  v_legs integer;
  v_is_waiting boolean := false;
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

  select legs into strict v_legs from strategy_versions where id = p_strategy_version_id;
  if v_legs <> 1 + cardinality(p_further_instrument_ids) then
    raise exception 'the strategy trades % instruments together, % were given', v_legs, 1 + cardinality(p_further_instrument_ids)
      using errcode = 'check_violation', constraint = 'bot_has_the_legs_of_its_strategy';
  end if;
  for v_leg in
    select i.* from instruments i where i.id = any (p_further_instrument_ids)
  loop
    -- A pair holds the same thing twice, once each way; the leg that is held short must be a perpetual.
    if v_leg.exchange_id <> v_account.exchange_id or v_leg.settle_asset <> v_account.settle_asset
      or v_leg.base_asset <> v_instrument.base_asset or v_leg.market_type <> 'LINEAR' or v_leg.id = p_instrument_id then
      raise exception 'the second leg must be another market of %, a perpetual on % that settles in %; % is not',
        v_instrument.base_asset, v_account.exchange_id, v_account.settle_asset, v_leg.symbol
        using errcode = 'check_violation', constraint = 'second_leg_mirrors_the_first';
    end if;
  end loop;

  if v_account.max_active_bots is not null then
    perform from accounts where id = p_account_id for no key update;
    v_is_waiting := coalesce(free_places(p_account_id => p_account_id) <= 0, false);
  end if;

  insert into bots (
    name, strategy_version_id, account_id, instrument_id, interval_minutes, adaptive_base_minutes, sizing, sizing_value, leverage, max_position_notional,
    execution, status, status_reason, is_waiting, next_check_at, created_at, updated_at
  )
  values (
    p_name, p_strategy_version_id, p_account_id, p_instrument_id, p_interval_minutes, case when p_is_adaptive then p_interval_minutes end,
    p_sizing, p_sizing_value, p_leverage, p_max_position_notional, p_execution,
    case when v_is_waiting then 'PAUSED' else 'ACTIVE' end::bot_status,
    case when v_is_waiting then format('waits for its turn: account %s may have %s active bots', v_account.name, v_account.max_active_bots) end, v_is_waiting,
    case when not v_is_waiting then next_grid_point(p_now, p_interval_minutes) - case when p_is_due_at_once then make_interval(mins => p_interval_minutes) else interval '0' end end,
    p_now, p_now
  )
  returning id into strict v_id;
  insert into bot_legs (bot_id, leg, account_id, instrument_id)
  select v_id, l.position + 1, p_account_id, l.instrument_id
    from unnest(p_further_instrument_ids) with ordinality as l (instrument_id, position);
  insert into feeds (instrument_id, next_fetch_at)
  select n.id, p_now
    from unnest(p_instrument_id || p_further_instrument_ids) as n (id)
   order by n.id
  on conflict do nothing;

  perform record_audit(
    p_actor => p_actor, p_action => 'bot.create', p_subject => 'bot ' || v_id,
    p_after => jsonb_build_object('name', p_name, 'strategy_version_id', p_strategy_version_id, 'instrument', v_instrument.symbol, 'account', v_account.name, 'execution', p_execution),
    p_now => p_now
  );
  return v_id;
end
$$;
comment on function botbox.create_bot is
  'Creates an ACTIVE bot on the grid of its interval, due at the next grid point or, if asked, at once; its instrument gets a feed. Where its account has no place for one more (max_active_bots) it waits, PAUSED.';
