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
    select t.id, t.status, b.status as bot_status, t.expires_at
      from trade_queue t
      join bots b on b.id = t.bot_id
     where t.status = 'PENDING'
       and t.direction <> 'CLOSE'
       and (t.expires_at <= p_now or b.status in ('STOPPED', 'DELETED'))
     order by t.id
       for update of t skip locked
  loop
    update orders o
       set status = 'REJECTED', reject_code = 'EXPIRED', finished_at = p_now, updated_at = p_now
     where o.trade_id = v_trade.id
       and o.finished_at is null
       and o.not_accepted_at is not null;
    perform finish_trade(
      p_trade_id => v_trade.id,
      p_reason_code => case when v_trade.expires_at <= p_now then 'TTL_EXPIRED' else 'BOT_NOT_ACTIVE' end,
      p_now => p_now
    );
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
comment on function botbox.expire_trades is
  'Ends waiting entries past their 5 minutes, and those of stopped or deleted bots; closes never expire.';
