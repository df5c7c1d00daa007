create function botbox.cancel_unsent_trade(
  p_trade_id uuid,
  p_reason_code text default 'CANCELLED_BY_PERSON',
  p_now timestamptz default now()
)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  -- The order before its trade, as where results of sendings are recorded; a sender commits its order under the trade's lock.
  perform from orders o where o.trade_id = p_trade_id for update;
  perform from trade_queue t where t.id = p_trade_id and t.finished_at is null for update;
  if not found or exists (select from orders o where o.trade_id = p_trade_id and o.not_accepted_at is null) then
    return false;
  end if;
  update orders o
     set status = 'REJECTED', reject_code = p_reason_code, finished_at = p_now, updated_at = p_now
   where o.trade_id = p_trade_id
     and o.finished_at is null;
  perform finish_trade(p_trade_id => p_trade_id, p_reason_code => p_reason_code, p_now => p_now);
  return true;
end
$$;
comment on function botbox.cancel_unsent_trade is
  'Cancels a trade of which certainly nothing stands at the exchange, also while a worker holds it: that worker then gets no order to send. False: finished, or it may have been sent.';
