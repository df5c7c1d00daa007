create function botbox.decide_signal(
  p_signal botbox.signal_input,
  p_refusal botbox.verdict default null,
  p_now timestamptz default now()
)
returns botbox.decision
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_bot bots;
  v_instrument instruments;
  v_position positions;
  v_hash text;
  v_known signals;
  v_verdict verdict;
  v_close close_size;
  v_lots integer;
  v_lot numeric;
  v_quantity numeric;
  v_stops signal_input := p_signal;
  v_stop numeric;
  v_liquidation numeric;
  v_signal signals;
  v_trade_id uuid;
begin
  -- The caller holds the account's row lock: decisions of one account happen one after the other.
  select * into strict v_bot from bots where id = p_signal.bot_id;
  select * into strict v_instrument from instruments where id = p_signal.instrument_id;
  select *
    into v_position
    from positions
   where bot_id = v_bot.id
     and instrument_id = v_instrument.id
     and status = 'OPEN';

  v_hash := signal_hash(p_signal, v_position.id);
  select * into v_known from signals where hash = v_hash order by created_at limit 1;

  if v_known.status = 'QUEUED' then
    update signals
       set repeat_count = repeat_count + 1
     where id = v_known.id
       and candle_at = v_known.candle_at;
    return row('REPEATED', v_known.reason_code, v_known.id, v_known.trade_id)::decision;
  end if;

  if p_signal.direction = 'CLOSE' then
    v_close := size_close(p_position => v_position, p_instrument => v_instrument, p_signal => p_signal);
    v_quantity := v_close.quantity;
    v_lots := v_close.lots;
    v_verdict := validate_close(p_bot => v_bot, p_position_id => v_position.id, p_trigger_reason => p_signal.trigger_reason);
    if v_verdict.reason_code is null and (v_quantity = 0 or v_quantity < v_instrument.minimum_quantity) then
      v_verdict := case
        -- Only a position that is too small as a whole is dust; a part that is too small cannot be closed by itself.
        when v_position.quantity < greatest(v_instrument.lot_size, v_instrument.minimum_quantity)
          then write_off_dust(p_position_id => v_position.id, p_now => p_now)
        else row('BELOW_MINIMUM', jsonb_build_object('quantity', v_quantity, 'minimum_quantity', v_instrument.minimum_quantity))::verdict
      end;
    end if;
  else
    -- A pair's leg comes with its quantity, and with its refusal where the pair does not come about.
    v_lot := coalesce(
      p_signal.quantity,
      size_entry(p_bot => v_bot, p_instrument => v_instrument, p_price => p_signal.price, p_atr => p_signal.atr)
    );
    -- One order holds at most what the exchange takes: lots beyond it are entered when they are asked for again.
    v_lots := coalesce(p_signal.lots, 1);
    if fit_order(p_quantity => v_lots * v_lot, p_price => p_signal.price, p_instrument => v_instrument) < v_lots * v_lot then
      v_lots := greatest(floor(fit_order(p_quantity => v_lots * v_lot, p_price => p_signal.price, p_instrument => v_instrument) / v_lot), 1);
    end if;
    v_quantity := v_lot * v_lots;
    v_verdict := case
      when p_refusal.reason_code is not null then p_refusal
      else validate_entry(p_bot => v_bot, p_instrument => v_instrument, p_signal => p_signal, p_now => p_now)
    end;
    if v_verdict.reason_code is null and v_quantity is null then
      v_verdict := row('VOLATILITY_UNKNOWN', jsonb_build_object('sizing', v_bot.sizing))::verdict;
    end if;
    if v_verdict.reason_code is null then
      v_verdict := assess_risk(
        p_bot => v_bot,
        p_instrument => v_instrument,
        p_direction => p_signal.direction::text::direction,
        p_quantity => v_quantity,
        p_price => p_signal.price,
        p_now => p_now
      );
    end if;
    if v_verdict.reason_code in ('DAILY_LOSS_LIMIT', 'MAX_DRAWDOWN') then
      perform reduce_account(p_account_id => v_bot.account_id, p_breach => v_verdict, p_now => p_now);
    end if;
  end if;

  -- Stops guard the whole position, so a lot that is added moves them to their distance from the average that it will have.
  if v_position.direction::text = p_signal.direction::text and v_quantity > 0 then
    v_stops.price := (v_position.average_entry_price * v_position.quantity + p_signal.price * v_quantity)
                     / (v_position.quantity + v_quantity);
  end if;
  v_stop := exit_price(v_stops, v_instrument.tick_size, -p_signal.stop_loss_fraction);
  -- A stop that lies where the exchange has liquidated the position already guards nothing.
  if v_verdict.reason_code is null and v_stop is not null and v_instrument.market_type = 'LINEAR' then
    v_liquidation := liquidation_price(p_signal.direction::text::direction, v_stops.price, v_bot.leverage);
    if p_signal.direction = 'LONG' and v_stop <= v_liquidation or p_signal.direction = 'SHORT' and v_stop >= v_liquidation then
      v_verdict := row(
        'STOP_BEYOND_LIQUIDATION',
        jsonb_build_object(
          'stop_loss_price', v_stop, 'liquidation_price', trim_scale(round(v_liquidation, 8)), 'entry_price', trim_scale(round(v_stops.price, 8)),
          'leverage', v_bot.leverage
        )
      )::verdict;
    end if;
  end if;

  -- Known before the trade is queued, which names it: updating the trade afterwards would check all of its references again.
  v_signal.id := coalesce(v_known.id, nextval('signals_id_seq'));
  v_signal.hash := v_hash;
  v_signal.bot_id := v_bot.id;
  v_signal.account_id := v_bot.account_id;
  v_signal.instrument_id := v_instrument.id;
  v_signal.strategy_version_id := coalesce(p_signal.strategy_version_id, v_bot.strategy_version_id);
  v_signal.direction := p_signal.direction;
  v_signal.trigger_reason := p_signal.trigger_reason;
  v_signal.candle_at := coalesce(v_known.candle_at, p_signal.candle_at);
  v_signal.score := p_signal.score;
  v_signal.factors := p_signal.factors;
  v_signal.regime_direction := p_signal.regime_direction;
  v_signal.regime_volatility := p_signal.regime_volatility;
  v_signal.data_age_ms := p_signal.data_age_ms;
  v_signal.price := p_signal.price;
  v_signal.quantity := v_quantity;
  v_signal.notional := v_quantity * p_signal.price * v_instrument.contract_size;
  v_signal.lots := v_lots;
  v_signal.trailing_stop_fraction := case when p_signal.direction <> 'CLOSE' then p_signal.trailing_stop_fraction end;
  v_signal.position_id := v_position.id;
  v_signal.group_id := p_signal.group_id;
  v_signal.stop_loss_price := v_stop;
  v_signal.take_profit_price := exit_price(v_stops, v_instrument.tick_size, p_signal.take_profit_fraction);
  v_signal.reason_code := coalesce(v_verdict.reason_code, 'ACCEPTED');
  v_signal.details := coalesce(v_verdict.details, '{}');
  v_signal.decided_at := p_now;

  if v_verdict.reason_code is null then
    v_trade_id := queue_trade(p_signal => v_signal, p_bot => v_bot, p_instrument => v_instrument, p_now => p_now);
  end if;
  v_signal.trade_id := v_trade_id;
  v_signal.status := case when v_trade_id is null then 'REJECTED' else 'QUEUED' end::signal_status;
  perform record_signal(p_signal => v_signal, p_is_known => v_known.id is not null, p_now => p_now);

  return row(v_signal.status::text::check_outcome, v_signal.reason_code, v_signal.id, v_trade_id)::decision;
end
$$;
comment on function botbox.decide_signal is
  'The decision about one signal: deduplicate, validate, assess risk, then queue or reject with the reason. The caller must hold the lock of the bot''s account row.';
