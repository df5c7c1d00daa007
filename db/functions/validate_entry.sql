create function botbox.validate_entry(
  p_bot botbox.bots,
  p_instrument botbox.instruments,
  p_signal botbox.signal_input,
  p_now timestamptz default now()
)
returns botbox.verdict
language plpgsql
stable
set search_path = botbox, pg_temp
as $$
declare
  v_account accounts;
  v_version strategy_versions;
  v_position positions;
  v_pause_id bigint;
  v_trade_id uuid;
  v_leverage numeric;
begin
  if p_bot.status <> 'ACTIVE' then
    return row('BOT_NOT_ACTIVE', jsonb_build_object('status', p_bot.status))::verdict;
  end if;

  select * into strict v_account from accounts where id = p_bot.account_id;
  if v_account.status <> 'ACTIVE' then
    return row('ACCOUNT_' || v_account.status::text, jsonb_build_object('account', v_account.name, 'why', v_account.status_reason))::verdict;
  end if;

  v_pause_id := pause_in_force(p_bot.id, p_bot.account_id, p_instrument.exchange_id, p_now);
  if v_pause_id is not null then
    return row('PAUSED', jsonb_build_object('pause_id', v_pause_id))::verdict;
  end if;

  if exists (select from circuit_breakers where exchange_id = p_instrument.exchange_id and state <> 'CLOSED') then
    return row('EXCHANGE_UNAVAILABLE', jsonb_build_object('exchange', p_instrument.exchange_id))::verdict;
  end if;

  if not p_instrument.is_trading then
    return row('INSTRUMENT_NOT_TRADING', jsonb_build_object('symbol', p_instrument.symbol))::verdict;
  end if;

  if p_signal.direction = 'SHORT' and p_instrument.market_type = 'SPOT' then
    return row('SHORT_ON_SPOT', jsonb_build_object('symbol', p_instrument.symbol))::verdict;
  end if;

  select * into strict v_version from strategy_versions where id = coalesce(p_signal.strategy_version_id, p_bot.strategy_version_id);
  if p_signal.regime_direction is null then
    return row('REGIME_UNKNOWN', '{}'::jsonb)::verdict;
  end if;
  if p_signal.regime_direction <> all (v_version.favourable_regimes) then
    return row(
      'REGIME_UNFAVOURABLE',
      jsonb_build_object('regime', p_signal.regime_direction, 'favourable', to_jsonb(v_version.favourable_regimes))
    )::verdict;
  end if;

  select t.id
    into v_trade_id
    from trade_queue t
   where t.bot_id = p_bot.id
     and t.instrument_id = p_instrument.id
     and t.finished_at is null
   limit 1;
  if v_trade_id is not null then
    return row('TRADE_PENDING', jsonb_build_object('trade_id', v_trade_id))::verdict;
  end if;

  select *
    into v_position
    from positions
   where bot_id = p_bot.id
     and instrument_id = p_instrument.id
     and status = 'OPEN';
  if v_position.direction::text <> p_signal.direction::text then
    return row('OPPOSITE_POSITION', jsonb_build_object('position_id', v_position.id, 'direction', v_position.direction))::verdict;
  end if;
  if coalesce(v_position.lots, 0) + coalesce(p_signal.lots, 1) > v_version.max_lots then
    return row(
      'DUPLICATE_POSITION',
      jsonb_build_object(
        'position_id', v_position.id, 'lots', coalesce(v_position.lots, 0), 'asked', coalesce(p_signal.lots, 1),
        'max_lots', v_version.max_lots
      )
    )::verdict;
  end if;

  -- The exchange keeps one leverage per account and instrument: another one would be set for what is held already.
  if p_instrument.market_type = 'LINEAR' then
    select used.leverage
      into v_leverage
      from (
             select p.leverage
               from positions p
              where p.account_id = p_bot.account_id
                and p.instrument_id = p_instrument.id
                and p.status = 'OPEN'
             union all
             select t.leverage
               from trade_queue t
              where t.account_id = p_bot.account_id
                and t.instrument_id = p_instrument.id
                and t.direction <> 'CLOSE'
                and t.status in ('PENDING', 'EXECUTING', 'PARKED')
           ) used
     where used.leverage <> p_bot.leverage
     limit 1;
    if v_leverage is not null then
      return row('LEVERAGE_IN_USE', jsonb_build_object('leverage', p_bot.leverage, 'in_use', v_leverage))::verdict;
    end if;
  end if;

  return null;
end
$$;
comment on function botbox.validate_entry is
  'What stands against an entry apart from money: bot, account, pauses, exchange, regime, duplicate position, another leverage in use. Null reason_code: nothing.';
