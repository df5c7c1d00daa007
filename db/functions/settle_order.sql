create function botbox.settle_order(
  p_order_id bigint,
  p_status botbox.order_status,
  p_filled_quantity numeric,
  p_now timestamptz default now()
)
returns botbox.order_status
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_order orders;
begin
  select * into strict v_order from orders where id = p_order_id for update;
  if v_order.finished_at is not null then
    return v_order.status;
  end if;
  -- The exchange's word ends an order only once every fill that it counts is booked.
  if p_status not in ('FILLED', 'CANCELLED', 'REJECTED') or v_order.filled_quantity < p_filled_quantity then
    return v_order.status;
  end if;
  update orders
     set status = case
           when filled_quantity = quantity then 'FILLED'
           when p_status = 'REJECTED' and filled_quantity = 0 then 'REJECTED'
           else 'CANCELLED'
         end::order_status,
         unknown_since = null,
         finished_at = p_now,
         updated_at = p_now
   where id = p_order_id
  returning * into v_order;
  if v_order.trade_id is not null then
    perform finish_trade(p_trade_id => v_order.trade_id, p_reason_code => 'NOT_FILLED', p_now => p_now);
  end if;
  return v_order.status;
end
$$;
comment on function botbox.settle_order is
  'Takes the exchange''s word that an order has ended; believed only when all its fills are booked, so that nothing is lost.';
