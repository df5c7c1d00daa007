create function botbox.book_entry(
  p_order botbox.orders,
  p_trade botbox.trade_queue,
  p_instrument botbox.instruments,
  p_fill botbox.fill_input,
  p_fee_quote numeric,
  p_now timestamptz default now()
)
returns botbox.positions
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_position positions;
  -- A spot fee taken in the base asset reduces what is held and can be sold.
  v_received numeric := p_fill.quantity
    - case when p_instrument.market_type = 'SPOT' and p_fill.fee_asset = p_instrument.base_asset then p_fill.fee else 0 end;
  -- Lots that this fill begins: an order of several that is filled in part adds as many as it takes to hold what was filled,
  -- so that all its fills together add what was asked for, and never is more held than lots say.
  v_lots integer := ceil(coalesce(p_trade.lots, 1) * least(p_order.filled_quantity + p_fill.quantity, p_order.quantity) / p_order.quantity)
    - ceil(coalesce(p_trade.lots, 1) * p_order.filled_quantity / p_order.quantity);
begin
  insert into positions as p (
    bot_id, account_id, instrument_id, strategy_version_id, direction, quantity, entered_quantity, average_entry_price, leverage, lots, fees,
    stop_loss_price, take_profit_price, trailing_stop_fraction, best_price, protection, opened_at, updated_at
  )
  values (
    p_order.bot_id, p_order.account_id, p_order.instrument_id, p_trade.strategy_version_id, p_trade.direction::text::direction, v_received, p_fill.quantity,
    p_fill.price, p_trade.leverage, greatest(v_lots, 1), p_fee_quote, p_trade.stop_loss_price, p_trade.take_profit_price,
    p_trade.trailing_stop_fraction, p_fill.price, p_trade.protection, p_fill.filled_at, p_now
  )
  on conflict (bot_id, instrument_id) where status = 'OPEN' do update
     set quantity = p.quantity + v_received,
         entered_quantity = p.entered_quantity + p_fill.quantity,
         average_entry_price = (p.average_entry_price * p.quantity + p_fill.price * v_received) / (p.quantity + v_received),
         lots = p.lots + v_lots,
         fees = p.fees + p_fee_quote,
         stop_loss_price = coalesce(excluded.stop_loss_price, p.stop_loss_price),
         take_profit_price = coalesce(excluded.take_profit_price, p.take_profit_price),
         trailing_stop_fraction = coalesce(excluded.trailing_stop_fraction, p.trailing_stop_fraction),
         best_price = case p.direction
           when 'LONG' then greatest(p.best_price, excluded.best_price)
           else least(p.best_price, excluded.best_price)
         end,
         protection = case when excluded.protection = 'NONE' then p.protection else excluded.protection end,
         opened_at = least(p.opened_at, excluded.opened_at),
         updated_at = p_now
  returning p.* into strict v_position;
  return v_position;
end
$$;
comment on function botbox.book_entry is 'Opens the bot''s position or adds to it; average entry price is weighted by the quantity held, lots by the part of the order that is filled.';
