create function botbox.recover_orders(p_now timestamptz default now())
returns table (recovered_orders integer, recovered_trades integer, parked_trades integer)
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_orders integer;
  v_trades integer;
  v_parked integer := 0;
  v_order record;
  v_patience_seconds double precision := alert_threshold('ORDER_UNKNOWN');
begin
  -- A sender that died after committing the order may have sent it: only the exchange knows.
  with lapsed as (
    select o.id
      from orders o
      join trade_queue t on t.id = o.trade_id
     where o.status = 'SUBMITTING'
       -- For the index: without it every order that ever was is read, once a second.
       and o.finished_at is null
       and o.not_accepted_at is null
       and t.claimed_until <= p_now
     order by o.id
       for update of o skip locked
  )
  update orders o
     set status = 'UNKNOWN', unknown_since = p_now, next_query_at = p_now, updated_at = p_now
    from lapsed l
   where o.id = l.id;
  get diagnostics v_orders = row_count;

  -- A claim that lapsed before any sending hands the trade back.
  with lapsed as (
    select t.id
      from trade_queue t
     where t.status = 'EXECUTING'
       and t.claimed_until <= p_now
       and not exists (select from orders o where o.trade_id = t.id and o.not_accepted_at is null)
     order by t.id
       for update skip locked
  )
  update trade_queue t
     set status = 'PENDING', claimed_by = null, claimed_until = null
    from lapsed l
   where t.id = l.id;
  get diagnostics v_trades = row_count;

  -- What the exchange has not answered for in all that time, 10 minutes unless told otherwise, waits for a person; asking goes on, guessing never begins.
  for v_order in
    select o.id, o.trade_id, o.client_order_id
      from orders o
      join trade_queue t on t.id = o.trade_id
     where o.status = 'UNKNOWN'
       and o.finished_at is null
       and o.unknown_since <= p_now - make_interval(secs => v_patience_seconds)
       and t.status = 'EXECUTING'
     order by o.id
       for update of t skip locked
  loop
    update trade_queue
       set status = 'PARKED', reason_code = 'UNRESOLVED', claimed_by = null, claimed_until = null
     where id = v_order.trade_id;
    perform raise_alert(
      p_code => 'ORDER_UNKNOWN',
      p_severity => 'CRITICAL',
      p_subject => 'order ' || v_order.id,
      p_message => format('The exchange has not told for %s minutes what became of order %s', round(v_patience_seconds / 60), v_order.client_order_id),
      p_details => jsonb_build_object('order_id', v_order.id, 'trade_id', v_order.trade_id),
      p_now => p_now
    );
    v_parked := v_parked + 1;
  end loop;

  return query select v_orders, v_trades, v_parked;
end
$$;
comment on function botbox.recover_orders is
  'Picks up what a dead executor left: orders still SUBMITTING past their lease become UNKNOWN, claimed trades without an order sent become PENDING again, orders unknown for 10 minutes (the threshold of ORDER_UNKNOWN) are PARKED with an alert.';
