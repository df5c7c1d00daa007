create function botbox.queue_exits(p_max_age_ms integer default 15000, p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_exit record;
  v_decision decision;
  v_count integer := 0;
begin
  for v_exit in
    select p.id, p.bot_id, p.account_id, p.instrument_id, e.price,
           -- Where both are touched the stop counts: the worse one for us.
           case
             when p.direction = 'LONG' and e.price <= p.stop_loss_price or p.direction = 'SHORT' and e.price >= p.stop_loss_price
               then 'STOP_LOSS'
             else 'TAKE_PROFIT'
           end as trigger_reason
      from positions p
      join tickers k on k.instrument_id = p.instrument_id
      cross join lateral (
        -- What we would get: the bid when selling, the ask when buying; a spread beyond 5% is not believed.
        select case
                 when k.bid is null or k.ask is null then k.last
                 when p.direction = 'LONG' then k.bid
                 else k.ask
               end as price
      ) e
     where p.status = 'OPEN'
       and p.protection = 'GUARD'
       and k.quoted_at > p_now - make_interval(secs => p_max_age_ms / 1000.0)
       and (k.bid is null or k.ask is null or k.ask <= k.bid * 1.05)
       and case p.direction
             when 'LONG' then e.price <= p.stop_loss_price or e.price >= p.take_profit_price
             else e.price >= p.stop_loss_price or e.price <= p.take_profit_price
           end
       and not exists (select from trade_queue t where t.position_id = p.id and t.finished_at is null)
       and not exists (select from trade_queue t where t.position_id = p.id and t.finished_at > p_now - interval '1 minute')
     order by p.account_id, p.id
  loop
    perform from accounts where id = v_exit.account_id for no key update;
    v_decision := decide_signal(
      p_signal => row(
        v_exit.bot_id, v_exit.instrument_id, 'CLOSE', v_exit.trigger_reason, date_trunc('minute', p_now),
        v_exit.price, null, null, null, null, null, null, null, null,
        null, null, null, null, null
      )::signal_input,
      p_now => p_now
    );
    v_count := v_count + (v_decision.outcome = 'QUEUED')::integer;
  end loop;
  return v_count;
end
$$;
comment on function botbox.queue_exits is
  'Queues a close for every guarded position whose stop-loss or take-profit the fresh price has reached; prices older than p_max_age_ms trigger nothing.';
