create function botbox.expire_trades(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_trade record;
  v_count integer := 0;
begin
  for v_trade in
    select t.id, t.position_id, t.expires_at, i.is_trading, format('%s does not trade %s any more', i.exchange_id, i.symbol) as delisted
      from trade_queue t
      join bots b on b.id = t.bot_id
      join instruments i on i.id = t.instrument_id
      left join positions p on p.id = t.position_id
     where t.status = 'PENDING'
       and case
             when t.direction = 'CLOSE' then p.status = 'CLOSED'
             else t.expires_at <= p_now or b.status in ('STOPPED', 'DELETED') or not i.is_trading
           end
     order by t.id
  loop
    -- The order before its trade, as where fills and results are booked. Whoever holds either is not waited for: the trade is
    -- looked at again in five seconds.
    if exists (select from orders o where o.trade_id = v_trade.id) then
      perform from orders o where o.trade_id = v_trade.id for update skip locked;
      continue when not found;
    end if;
    perform from trade_queue t where t.id = v_trade.id and t.status = 'PENDING' for update skip locked;
    continue when not found;
    update orders o
       set status = 'REJECTED', reject_code = case when v_trade.position_id is not null then 'POSITION_CLOSED' when v_trade.is_trading then 'EXPIRED' else 'INSTRUMENT_NOT_TRADING' end, finished_at = p_now, updated_at = p_now
     where o.trade_id = v_trade.id
       and o.finished_at is null
       and o.not_accepted_at is not null;
    perform finish_trade(
      p_trade_id => v_trade.id,
      p_reason_code => case
        when v_trade.position_id is not null then 'POSITION_CLOSED'
        when v_trade.expires_at <= p_now and exists (
          select from trade_approvals a where a.trade_id = v_trade.id and a.decision is null
        ) then 'NOT_APPROVED'
        when v_trade.expires_at <= p_now then 'TTL_EXPIRED'
        when not v_trade.is_trading then 'INSTRUMENT_NOT_TRADING'
        else 'BOT_NOT_ACTIVE'
      end,
      p_error => case when v_trade.position_id is null and v_trade.expires_at > p_now and not v_trade.is_trading then v_trade.delisted end,
      p_now => p_now
    );
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
comment on function botbox.expire_trades is
  'Ends waiting entries past their 5 minutes, and those of stopped or deleted bots and of markets that are no longer traded; a close never expires, but ends when its position was closed by something else.';
