create function botbox.record_signal(p_signal botbox.signals, p_is_known boolean, p_now timestamptz default now())
returns void
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  if p_is_known then
    update signals
       set status = p_signal.status,
           strategy_version_id = p_signal.strategy_version_id,
           reason_code = p_signal.reason_code,
           details = p_signal.details,
           score = p_signal.score,
           factors = p_signal.factors,
           regime_direction = p_signal.regime_direction,
           regime_volatility = p_signal.regime_volatility,
           data_age_ms = p_signal.data_age_ms,
           price = p_signal.price,
           quantity = p_signal.quantity,
           notional = p_signal.notional,
           lots = p_signal.lots,
           trailing_stop_fraction = p_signal.trailing_stop_fraction,
           stop_loss_price = p_signal.stop_loss_price,
           take_profit_price = p_signal.take_profit_price,
           group_id = p_signal.group_id,
           position_id = p_signal.position_id,
           trade_id = p_signal.trade_id,
           repeat_count = repeat_count + 1,
           decided_at = p_now
     where id = p_signal.id
       and candle_at = p_signal.candle_at;
    if not found then
      raise exception 'signal % is gone', p_signal.id;
    end if;
  else
    insert into signals (
      id, hash, bot_id, account_id, instrument_id, strategy_version_id, direction, trigger_reason, candle_at, score, factors,
      regime_direction, regime_volatility, data_age_ms, price, quantity, notional, lots, stop_loss_price, take_profit_price,
      trailing_stop_fraction, group_id, position_id, status, reason_code, details, trade_id, created_at, decided_at
    )
    overriding system value
    values (
      p_signal.id, p_signal.hash, p_signal.bot_id, p_signal.account_id, p_signal.instrument_id, p_signal.strategy_version_id,
      p_signal.direction, p_signal.trigger_reason, p_signal.candle_at, p_signal.score, p_signal.factors,
      p_signal.regime_direction, p_signal.regime_volatility, p_signal.data_age_ms, p_signal.price, p_signal.quantity,
      p_signal.notional, p_signal.lots, p_signal.stop_loss_price, p_signal.take_profit_price,
      p_signal.trailing_stop_fraction, p_signal.group_id, p_signal.position_id,
      p_signal.status, p_signal.reason_code, p_signal.details, p_signal.trade_id, p_now, p_now
    );
  end if;
  insert into events (topic, keys) values ('signals', array[p_signal.id::text]);
end
$$;
comment on function botbox.record_signal is
  'Writes the decided signal: a new row, or the new verdict on the row of the same signal rejected before.';
