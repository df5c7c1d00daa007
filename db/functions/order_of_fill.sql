create function botbox.order_of_fill(p_account_id bigint, p_fill botbox.fill_input, p_now timestamptz default now())
returns botbox.orders
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_order orders;
  v_position positions;
begin
  select *
    into v_order
    from orders o
   where o.account_id = p_account_id
     and o.instrument_id = p_fill.instrument_id
     and (o.exchange_order_id = p_fill.exchange_order_id or o.client_order_id = p_fill.client_order_id)
   order by o.exchange_order_id = p_fill.exchange_order_id desc nulls last
   limit 1
     for update;
  if v_order.id is not null then
    -- A fill proves that the order stands: it is as good as an acknowledgement.
    update orders
       set exchange_order_id = coalesce(exchange_order_id, p_fill.exchange_order_id),
           acknowledged_at = coalesce(acknowledged_at, p_now),
           status = case when status in ('SUBMITTING', 'UNKNOWN') then 'OPEN' else status end,
           unknown_since = null
     where id = v_order.id
    returning * into v_order;
    return v_order;
  end if;

  if p_fill.stop_kind is null then
    return null;
  end if;
  -- The exchange made this order from the stop that went with our entry.
  select *
    into v_position
    from positions p
   where p.account_id = p_account_id
     and p.instrument_id = p_fill.instrument_id
     and p.status = 'OPEN'
     and p.protection = 'EXCHANGE'
     and (p.direction = 'LONG') = (p_fill.side = 'SELL')
   order by p.id
   limit 1;
  if v_position.id is null then
    return null;
  end if;
  insert into orders (
    account_id, instrument_id, bot_id, position_id, purpose, exchange_order_id, side, quantity, expected_price, reduce_only, status,
    acknowledged_at, created_at, updated_at
  )
  values (
    p_account_id, p_fill.instrument_id, v_position.bot_id, v_position.id, p_fill.stop_kind, p_fill.exchange_order_id,
    p_fill.side, v_position.quantity,
    case p_fill.stop_kind when 'STOP_LOSS' then v_position.stop_loss_price when 'TAKE_PROFIT' then v_position.take_profit_price end, true, 'OPEN', p_now, p_now, p_now
  )
  returning * into v_order;
  return v_order;
end
$$;
comment on function botbox.order_of_fill is
  'The order a fill belongs to, by the exchange''s or our id; an order that the exchange made from a stop of ours is written down here. Null: not ours.';
