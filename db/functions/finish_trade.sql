create function botbox.finish_trade(
  p_trade_id uuid,
  p_reason_code text default null,
  p_error text default null,
  p_now timestamptz default now()
)
returns botbox.trade_status
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_trade trade_queue;
  v_filled numeric;
  v_reason_code text := p_reason_code;
  v_status trade_status;
begin
  select * into strict v_trade from trade_queue where id = p_trade_id for update;
  if v_trade.finished_at is not null then
    return v_trade.status;
  end if;
  select coalesce(sum(o.filled_quantity), 0) into v_filled from orders o where o.trade_id = p_trade_id;
  -- A close that came to nothing because something else, such as the exchange's stop, had closed the position, did not fail.
  if v_trade.direction = 'CLOSE' and exists (select from positions p where p.id = v_trade.position_id and p.status = 'CLOSED') then
    v_reason_code := 'POSITION_CLOSED';
  end if;
  v_status := case
    when v_filled > 0 then 'EXECUTED'
    when v_reason_code in ('TTL_EXPIRED', 'NOT_APPROVED') then 'EXPIRED'
    when v_reason_code in ('CANCELLED_BY_PERSON', 'BOT_NOT_ACTIVE', 'POSITION_CLOSED', 'OTHER_LEG_FAILED', 'PRICE_DEVIATION', 'REJECTED_BY_PERSON') then 'CANCELLED'
    else 'FAILED'
  end;
  update trade_queue
     set status = v_status,
         reason_code = case when v_status <> 'EXECUTED' then coalesce(v_reason_code, 'NOT_FILLED') end,
         error = coalesce(p_error, case when v_status <> 'EXECUTED' then error end),
         reserved_capital = 0,
         claimed_by = null,
         claimed_until = null,
         finished_at = p_now
   where id = p_trade_id;

  -- What became of one leg may mean something for the other.
  if exists (select from bot_legs l where l.bot_id = v_trade.bot_id) then
    perform pg_notify('botbox_pairs', v_trade.bot_id::text);
  end if;

  if v_trade.direction = 'CLOSE' and v_status = 'FAILED' then
    perform raise_alert(
      p_code => 'CLOSE_FAILED',
      p_severity => 'CRITICAL',
      p_subject => 'position ' || v_trade.position_id,
      p_message => format('Closing position %s failed: %s', v_trade.position_id, coalesce(p_error, v_reason_code, 'no fill')),
      p_details => jsonb_build_object('trade_id', p_trade_id, 'bot_id', v_trade.bot_id),
      p_now => p_now
    );
  elsif v_trade.direction = 'CLOSE' and v_status = 'EXECUTED' then
    perform resolve_alert(p_code => 'CLOSE_FAILED', p_subject => 'position ' || v_trade.position_id, p_now => p_now);
  end if;
  return v_status;
end
$$;
comment on function botbox.finish_trade is
  'Ends a trade: EXECUTED if anything was filled, otherwise EXPIRED, CANCELLED or FAILED by the reason; frees its capital. A failed close alerts; retry_closes takes it up again.';
