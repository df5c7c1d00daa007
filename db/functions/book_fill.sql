create function botbox.book_fill(p_order botbox.orders, p_fill botbox.fill_input, p_now timestamptz default now())
returns bigint
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_order orders := p_order;
  v_trade trade_queue;
  v_instrument instruments;
  v_position positions;
  v_fill_id bigint;
  v_realised numeric := 0;
  v_is_entry boolean := p_order.purpose = 'ENTRY';
  v_fee_quote numeric;
begin
  select * into strict v_instrument from instruments where id = v_order.instrument_id;
  if v_order.trade_id is not null then
    select * into strict v_trade from trade_queue where id = v_order.trade_id for update;
  end if;
  -- Fees in the base asset are valued at the fill's price; a third asset stays in the ledger only.
  v_fee_quote := case p_fill.fee_asset
    when v_instrument.settle_asset then p_fill.fee
    when v_instrument.base_asset then p_fill.fee * p_fill.price
    else 0
  end;

  -- An entry whose fill comes so late that its bot has turned round meanwhile reduces what the bot holds, as it does at the exchange.
  if v_is_entry then
    select p.id, p.realised_pnl
      into v_position.id, v_position.realised_pnl
      from positions p
     where p.bot_id = v_order.bot_id
       and p.instrument_id = v_order.instrument_id
       and p.status = 'OPEN'
       and p.direction::text <> v_trade.direction::text;
    if found then
      v_is_entry := false;
      v_order.position_id := v_position.id;
      v_trade.lots := null;
      perform raise_alert(
        p_code => 'LATE_ENTRY_FILL',
        p_severity => 'WARNING',
        p_subject => 'order ' || v_order.id,
        p_message => format('A late fill of order %s reduces position %s of the other direction', v_order.client_order_id, v_position.id),
        p_details => to_jsonb(p_fill),
        p_now => p_now
      );
    end if;
  else
    select p.realised_pnl into strict v_position.realised_pnl from positions p where p.id = v_order.position_id;
  end if;

  if v_is_entry then
    v_position := book_entry(p_order => v_order, p_trade => v_trade, p_instrument => v_instrument, p_fill => p_fill, p_fee_quote => v_fee_quote, p_now => p_now);
  else
    v_realised := -v_position.realised_pnl;
    v_position := book_exit(p_order => v_order, p_instrument => v_instrument, p_fill => p_fill, p_fee_quote => v_fee_quote, p_lots => v_trade.lots, p_now => p_now);
    v_realised := v_realised + v_position.realised_pnl;
  end if;

  insert into fills (
    account_id, instrument_id, order_id, position_id, exchange_order_id, exchange_fill_id, side, quantity, price, fee, fee_asset,
    realised_pnl, filled_at, recorded_at
  )
  values (
    v_order.account_id, v_order.instrument_id, v_order.id, v_position.id, p_fill.exchange_order_id, p_fill.exchange_fill_id, p_fill.side,
    p_fill.quantity, p_fill.price, p_fill.fee, p_fill.fee_asset, v_realised, p_fill.filled_at, p_now
  )
  returning id into strict v_fill_id;

  perform post_fill(p_fill_id => v_fill_id, p_market_type => v_instrument.market_type, p_now => p_now);

  update orders o
     set filled_quantity = o.filled_quantity + p_fill.quantity,
         -- An order that the exchange made from a stop may be larger than we took it for.
         quantity = case when o.trade_id is null then greatest(o.quantity, o.filled_quantity + p_fill.quantity) else o.quantity end,
         average_price = (coalesce(o.average_price, 0) * o.filled_quantity + p_fill.price * p_fill.quantity)
                         / (o.filled_quantity + p_fill.quantity),
         status = case when o.filled_quantity + p_fill.quantity >= o.quantity then 'FILLED' else 'PARTIALLY_FILLED' end::order_status,
         finished_at = case when o.filled_quantity + p_fill.quantity >= o.quantity then p_now end,
         position_id = v_position.id,
         exchange_updated_at = greatest(o.exchange_updated_at, p_fill.filled_at),
         updated_at = p_now
   where o.id = v_order.id
  returning * into v_order;

  if v_trade.id is not null then
    update trade_queue t
       set reserved_capital = case
             when t.finished_at is null then greatest(t.reserved_capital * (1 - p_fill.quantity / (v_order.quantity - v_order.filled_quantity + p_fill.quantity)), 0)
             else 0
           end
     where t.id = v_trade.id;
    if v_trade.finished_at is not null and v_trade.status <> 'EXECUTED' then
      -- Whatever ended it said that nothing was filled; the exchange says that something was, and its word counts.
      update trade_queue set status = 'EXECUTED', reason_code = null, error = null where id = v_trade.id;
      -- Of what a person had settled apply_fills tells in words of its own.
      if v_trade.reason_code is distinct from 'RESOLVED_BY_PERSON' then
        perform raise_alert(
          p_code => 'LATE_FILL',
          p_severity => 'WARNING',
          p_subject => 'trade ' || v_trade.id,
          p_message => format('Trade %s had ended as %s (%s) when the exchange reported a fill of %s at %s: it is EXECUTED', v_trade.id, v_trade.status,
                              v_trade.reason_code, p_fill.quantity, p_fill.price),
          p_details => jsonb_build_object('status', v_trade.status, 'reason_code', v_trade.reason_code, 'error', v_trade.error, 'fill', to_jsonb(p_fill)),
          p_now => p_now
        );
      end if;
      if v_trade.direction = 'CLOSE' then
        perform resolve_alert(p_code => 'CLOSE_FAILED', p_subject => 'position ' || v_trade.position_id, p_now => p_now);
      end if;
    elsif v_order.status = 'FILLED' then
      perform finish_trade(p_trade_id => v_trade.id, p_now => p_now);
    end if;
  end if;
  if v_position.status = 'CLOSED' then
    perform resolve_alert(p_code => 'CLOSE_FAILED', p_subject => 'position ' || v_position.id, p_now => p_now);
    -- A close that was still waiting has nothing left to close.
    update orders o
       set status = 'REJECTED', reject_code = 'POSITION_CLOSED', finished_at = p_now, updated_at = p_now
      from trade_queue t
     where t.position_id = v_position.id
       and t.status = 'PENDING'
       and o.trade_id = t.id
       and o.finished_at is null
       and o.not_accepted_at is not null;
    perform finish_trade(p_trade_id => t.id, p_reason_code => 'POSITION_CLOSED', p_now => p_now)
       from trade_queue t
      where t.position_id = v_position.id
        and t.status = 'PENDING'
        and not exists (select from orders o where o.trade_id = t.id and o.not_accepted_at is null);
  end if;
  return v_fill_id;
end
$$;
comment on function botbox.book_fill is
  'Books one fill of a known order: position, fill, ledger, order and trade together. The caller holds the account''s lock and has checked that the fill is new.';
