create function botbox.resolve_trade(
  p_trade_id uuid,
  p_is_filled boolean,
  p_reason text,
  p_quantity numeric default null,
  p_price numeric default null,
  p_fee numeric default 0,
  p_fee_asset text default null,
  p_exchange_order_id text default null,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns botbox.trade_status
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account_id bigint;
  v_order orders;
  v_trade trade_queue;
  v_settle_asset text;
  v_after trade_status;
begin
  select account_id into v_account_id from trade_queue where id = p_trade_id;
  if v_account_id is null then
    return null;
  end if;
  -- The order of locks of apply_fills: the account, then the order, then the trade.
  perform from accounts where id = v_account_id for no key update;
  select * into v_order from orders where trade_id = p_trade_id for update;
  select * into strict v_trade from trade_queue where id = p_trade_id for update;
  if v_trade.status <> 'PARKED' or v_order.status is distinct from 'UNKNOWN' then
    raise exception 'trade % is %, its order %: only a PARKED trade with an UNKNOWN order is for a person to resolve',
      p_trade_id, v_trade.status, coalesce(v_order.status::text, 'not made') using errcode = 'object_not_in_prerequisite_state';
  end if;

  if p_is_filled then
    if p_quantity is null or p_price is null or p_quantity <= 0 or p_price <= 0 or p_fee < 0 or p_quantity > v_order.quantity then
      raise exception 'a fill of trade % needs a price and a quantity above 0 and up to %, and no negative fee', p_trade_id, v_order.quantity
        using errcode = 'check_violation';
    end if;
    if exists (
      select
        from orders o
       where o.account_id = v_account_id
         and o.instrument_id = v_order.instrument_id
         and o.exchange_order_id = p_exchange_order_id
         and o.id <> v_order.id
    ) then
      raise exception 'order % of the exchange is another order of ours', p_exchange_order_id using errcode = 'check_violation';
    end if;
    if v_order.purpose = 'EXIT' and p_quantity > (select p.quantity from positions p where p.id = v_order.position_id) then
      raise exception 'position % does not hold that much any more: what of the order was filled is already booked otherwise', v_order.position_id
        using errcode = 'check_violation';
    end if;
    select settle_asset into strict v_settle_asset from instruments where id = v_order.instrument_id;
    update orders
       set status = 'OPEN',
           exchange_order_id = coalesce(p_exchange_order_id, exchange_order_id, 'person-' || id),
           acknowledged_at = coalesce(acknowledged_at, p_now),
           unknown_since = null,
           updated_at = p_now
     where id = v_order.id
    returning * into v_order;
    -- No exchange gives such an id, and by it apply_fills knows that the exchange's own report of this order is not booked again.
    perform book_fill(
      p_order => v_order,
      p_fill => row(
        v_order.instrument_id, v_order.exchange_order_id, 'person-' || v_order.id, v_order.client_order_id, v_order.side,
        p_quantity, p_price, coalesce(p_fee, 0), coalesce(p_fee_asset, v_settle_asset), null, p_now
      )::fill_input,
      p_now => p_now
    );
    perform settle_order(p_order_id => v_order.id, p_status => 'CANCELLED', p_filled_quantity => p_quantity, p_now => p_now);
  else
    update orders
       set status = 'REJECTED', reject_code = 'RESOLVED_BY_PERSON', reject_message = p_reason, unknown_since = null, finished_at = p_now, updated_at = p_now
     where id = v_order.id;
    perform finish_trade(p_trade_id => p_trade_id, p_reason_code => 'RESOLVED_BY_PERSON', p_error => p_reason, p_now => p_now);
  end if;
  select status into strict v_after from trade_queue where id = p_trade_id;
  perform resolve_alert(p_code => 'ORDER_UNKNOWN', p_subject => 'order ' || v_order.id, p_now => p_now);
  perform record_audit(
    p_actor => p_actor, p_action => 'trade.resolve', p_subject => 'trade ' || p_trade_id,
    p_before => jsonb_build_object('status', v_trade.status, 'order_id', v_order.id),
    p_after => jsonb_build_object(
      'status', v_after, 'is_filled', p_is_filled, 'quantity', p_quantity, 'price', p_price, 'fee', p_fee, 'fee_asset', p_fee_asset,
      'exchange_order_id', p_exchange_order_id, 'reason', p_reason
    ),
    p_now => p_now
  );
  return v_after;
end
$$;
comment on function botbox.resolve_trade is
  'Settles a PARKED trade and its UNKNOWN order by a person''s word: not filled ends both, filled books one fill under an id of our own, so that the exchange''s later report of the order is told and not booked twice. Null: there is no such trade.';
