create function botbox.record_order_result(
  p_order_id bigint,
  p_worker_id text,
  p_result text,
  p_exchange_order_id text default null,
  p_code text default null,
  p_message text default null,
  p_now timestamptz default now()
)
returns text
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_order orders;
  v_trade trade_queue;
  v_delay interval;
  v_result text := p_result;
begin
  select o.* into v_order from orders o where o.id = p_order_id for update;
  select t.* into v_trade from trade_queue t where t.id = v_order.trade_id for update;
  if v_order.id is null or v_order.finished_at is not null then
    return coalesce(v_order.status::text, 'GONE');
  end if;
  -- A refusal speaks of one sending: it does not end what another worker, who holds the trade now, has sent since.
  -- Nor does it end what the exchange has shown to stand meanwhile.
  if p_result in ('REFUSED', 'NOT_ACCEPTED') and (v_trade.claimed_by <> p_worker_id or v_order.status not in ('SUBMITTING', 'UNKNOWN')) then
    return v_order.status;
  end if;

  -- The market's figures have changed since the order was made, which is why it was refused: the claim cuts it to the new ones, and it goes
  -- once more. A second refusal finds nothing changed since.
  if p_result = 'REFUSED' and exists (
       select from instruments i where i.id = v_order.instrument_id and i.is_trading and i.figures_changed_at >= v_order.sent_at
     ) then
    v_result := 'NOT_ACCEPTED';
  end if;

  case v_result
    when 'ACKNOWLEDGED' then
      update orders o
         set status = case when o.status in ('SUBMITTING', 'UNKNOWN') then 'OPEN' else o.status end,
             exchange_order_id = coalesce(o.exchange_order_id, p_exchange_order_id),
             acknowledged_at = coalesce(o.acknowledged_at, p_now),
             unknown_since = null,
             -- The executor that sent it looks at its fills now; should it die, another asks from here on.
             next_query_at = p_now + interval '3 seconds',
             query_count = 0,
             updated_at = p_now
       where o.id = p_order_id;
      update trade_queue t set acknowledged_at = coalesce(t.acknowledged_at, p_now) where t.id = v_trade.id;
      return 'OPEN';

    when 'UNKNOWN' then
      update orders o
         set status = 'UNKNOWN',
             unknown_since = coalesce(o.unknown_since, p_now),
             reject_message = p_message,
             next_query_at = p_now + interval '1 second',
             updated_at = p_now
       where o.id = p_order_id
         and o.status in ('SUBMITTING', 'UNKNOWN');
      if p_code = 'DUPLICATE_CLIENT_ID' then
        perform raise_alert(
          p_code => 'DUPLICATE_CLIENT_ID',
          p_severity => 'CRITICAL',
          p_subject => 'order ' || p_order_id,
          p_message => format('The exchange knows the client order id %s already: %s', v_order.client_order_id, p_message),
          p_details => jsonb_build_object('order_id', p_order_id, 'trade_id', v_order.trade_id, 'send_count', v_order.send_count),
          p_now => p_now
        );
      end if;
      return 'UNKNOWN';

    when 'REFUSED' then
      update orders o
         set status = 'REJECTED', reject_code = p_code, reject_message = p_message, unknown_since = null, finished_at = p_now, updated_at = p_now
       where o.id = p_order_id;
      perform finish_trade(p_trade_id => v_trade.id, p_reason_code => 'EXCHANGE_REFUSED', p_error => concat_ws(' ', p_code, p_message), p_now => p_now);
      return 'REJECTED';

    when 'NOT_ACCEPTED' then
      -- Retries after 1, 5 and 15 s with the same client order id; a fourth failure ends an entry, a close goes on each minute.
      v_delay := (array[interval '1 second', interval '5 seconds', interval '15 seconds'])[v_trade.attempts];
      if v_delay is null and v_trade.direction = 'CLOSE' then
        v_delay := interval '1 minute';
      end if;
      if v_delay is null then
        update orders o
           set status = 'REJECTED', reject_code = coalesce(p_code, 'NOT_ACCEPTED'), reject_message = p_message, unknown_since = null,
               not_accepted_at = p_now, finished_at = p_now, updated_at = p_now
         where o.id = p_order_id;
        perform finish_trade(p_trade_id => v_trade.id, p_reason_code => 'ATTEMPTS_EXHAUSTED', p_error => concat_ws(' ', p_code, p_message), p_now => p_now);
        return 'REJECTED';
      end if;
      update orders o
         set status = 'SUBMITTING', not_accepted_at = p_now, unknown_since = null, reject_code = p_code, reject_message = p_message, updated_at = p_now
       where o.id = p_order_id;
      update trade_queue t
         set status = 'PENDING', claimed_by = null, claimed_until = null, next_attempt_at = p_now + v_delay, error = p_message
       where t.id = v_trade.id
         and t.status = 'EXECUTING';
      return 'RETRY';
    else
      raise exception 'unknown order result %', p_result using errcode = 'invalid_parameter_value';
  end case;
end
$$;
comment on function botbox.record_order_result is
  'Records what the exchange said of a sending: ACKNOWLEDGED, REFUSED, NOT_ACCEPTED (definitely not standing, may be sent again) or UNKNOWN (must be asked for; with code DUPLICATE_CLIENT_ID under an alert). An order refused after figures of its market have changed is sent once more, as one not accepted. Answers the order''s new state.';
