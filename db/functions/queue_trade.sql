create function botbox.queue_trade(
  p_signal botbox.signals,
  p_bot botbox.bots,
  p_instrument botbox.instruments,
  p_now timestamptz default now()
)
returns uuid
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_id uuid;
  v_is_close boolean := p_signal.direction = 'CLOSE';
  v_position positions;
  v_protection protection := 'NONE';
begin
  if v_is_close then
    select * into strict v_position from positions where id = p_signal.position_id;
  elsif p_signal.stop_loss_price is not null or p_signal.take_profit_price is not null then
    -- A lot that is added is guarded by whoever guards the position: stops that stand at the exchange are replaced there.
    select * into v_position from positions where id = p_signal.position_id and protection <> 'NONE';
    -- An exchange's stop acts on the account's net position, so it serves only a bot that is alone in its instrument.
    v_protection := case
      when v_position.id is not null then v_position.protection
      when p_instrument.market_type = 'SPOT'
        -- One leg's stop must be followed by the other leg's close: the guard looks after both.
        or p_signal.group_id is not null
        -- Only Bybit takes stops along with a market order.
        or (select ccxt_id from exchanges where id = p_instrument.exchange_id) <> 'bybit'
        or (select mode from accounts where id = p_bot.account_id) = 'PAPER'
        or exists (
             select
               from bots b
              where b.account_id = p_bot.account_id
                and b.instrument_id = p_instrument.id
                and b.id <> p_bot.id
                and b.status <> 'DELETED'
           )
        or exists (
             select
               from bot_legs l
               join bots b on b.id = l.bot_id
              where l.account_id = p_bot.account_id
                and l.instrument_id = p_instrument.id
                and b.status <> 'DELETED'
           )
        then 'GUARD'
      else 'EXCHANGE'
    end;
  end if;

  insert into trade_queue (
    signal_id, signal_hash, bot_id, account_id, instrument_id, strategy_version_id, position_id, direction, side, quantity, price,
    reserved_capital, leverage, lots, stop_loss_price, take_profit_price, trailing_stop_fraction, group_id, protection, trigger_reason,
    queued_at, next_attempt_at, expires_at
  )
  values (
    p_signal.id, p_signal.hash, p_bot.id, p_bot.account_id, p_instrument.id, p_signal.strategy_version_id,
    case when v_is_close then v_position.id end,
    p_signal.direction,
    case when p_signal.direction = 'LONG' or (v_is_close and v_position.direction = 'SHORT') then 'BUY' else 'SELL' end::side,
    p_signal.quantity, p_signal.price,
    case
      when v_is_close then 0
      else entry_capital(p_notional => p_signal.notional, p_leverage => p_bot.leverage, p_taker_fee_rate => p_instrument.taker_fee_rate)
    end,
    case when v_is_close then v_position.leverage else p_bot.leverage end,
    p_signal.lots, p_signal.stop_loss_price, p_signal.take_profit_price, p_signal.trailing_stop_fraction, p_signal.group_id, v_protection, p_signal.trigger_reason,
    p_now, p_now,
    case when not v_is_close then p_now + interval '5 minutes' end
  )
  returning id into strict v_id;

  -- How the bot trades now counts, not how it does when somebody comes to send.
  if not v_is_close and p_bot.execution = 'CONFIRM' then
    insert into trade_approvals (trade_id, requested_at) values (v_id, p_now);
  end if;
  perform pg_notify('botbox_trades', v_id::text);
  return v_id;
end
$$;
comment on function botbox.queue_trade is
  'Puts an accepted signal into the queue, reserves its capital and wakes the executors; an entry lives 5 minutes, a close until it is done. An entry of a CONFIRM bot waits for approve_trade in that time.';
