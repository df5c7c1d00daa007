create function botbox.resolve_missing_order(
  p_order_id bigint,
  p_grace_ms integer,
  p_now timestamptz default now()
)
returns text
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_order orders;
  v_trade trade_queue;
begin
  select * into strict v_order from orders where id = p_order_id for update;
  if v_order.status <> 'UNKNOWN' or v_order.trade_id is null then
    return v_order.status::text;
  end if;
  -- Before the grace period is over the request may still be on its way.
  if coalesce(v_order.sent_at, v_order.created_at) + make_interval(secs => p_grace_ms / 1000.0) > p_now then
    return 'UNKNOWN';
  end if;
  select * into strict v_trade from trade_queue where id = v_order.trade_id for update;

  if v_trade.expires_at <= p_now then
    update orders
       set status = 'REJECTED', reject_code = 'NOT_FOUND', unknown_since = null, not_accepted_at = p_now, finished_at = p_now, updated_at = p_now
     where id = p_order_id;
    perform finish_trade(p_trade_id => v_trade.id, p_reason_code => 'TTL_EXPIRED', p_now => p_now);
    return 'EXPIRED';
  end if;
  update orders
     set status = 'SUBMITTING', not_accepted_at = p_now, unknown_since = null, updated_at = p_now
   where id = p_order_id;
  update trade_queue
     set status = 'PENDING', reason_code = null, claimed_by = null, claimed_until = null, next_attempt_at = p_now
   where id = v_trade.id
     and status in ('EXECUTING', 'PARKED');
  return 'RETRY';
end
$$;
comment on function botbox.resolve_missing_order is
  'Takes the exchange''s word that an unknown order does not exist: past the grace period, and only then, the same order may be sent again; an entry past its time expires instead.';
