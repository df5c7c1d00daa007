create function botbox.retry_closes(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_position record;
  v_decision decision;
  v_count integer := 0;
begin
  for v_position in
    select p.id, p.bot_id, p.account_id, p.instrument_id, t.trigger_reason, coalesce(k.last, t.price) as price,
           -- A close of some lots goes on with what was not filled of them, one of everything with what is held.
           case when t.lots is not null then t.quantity - t.filled end as quantity,
           t.lots - ceil(t.lots * least(t.filled, t.quantity) / t.quantity) as lots
      from positions p
      join lateral (
             select t.*,
                    coalesce((select sum(o.filled_quantity) from orders o where o.trade_id = t.id), 0) as filled
               from trade_queue t
              where t.position_id = p.id
              order by t.queued_at desc
              limit 1
           ) t on t.status in ('FAILED', 'EXECUTED') and t.finished_at <= p_now - interval '1 minute'
      join instruments i
        on i.id = p.instrument_id
       and (t.lots is null or t.quantity - t.filled >= greatest(i.minimum_quantity, i.lot_size))
      join accounts a on a.id = p.account_id and (a.status <> 'HALTED' or t.trigger_reason = 'FLATTEN')
      left join tickers k on k.instrument_id = p.instrument_id
     where p.status = 'OPEN'
       -- What remains of a pair's leg may be what the other leg matches: balance_pairs tells.
       and t.trigger_reason <> 'LEG_IMBALANCE'
     order by p.account_id, p.id
  loop
    perform from accounts where id = v_position.account_id for no key update;
    v_decision := decide_signal(
      p_signal => row(
        v_position.bot_id, v_position.instrument_id, 'CLOSE', v_position.trigger_reason, date_trunc('minute', p_now),
        v_position.price, v_position.quantity, null, null, null, null, null, null, null,
        null, v_position.lots, null, null, null
      )::signal_input,
      p_now => p_now
    );
    v_count := v_count + (v_decision.outcome = 'QUEUED')::integer;
  end loop;
  return v_count;
end
$$;
comment on function botbox.retry_closes is
  'Takes up closes that failed or closed only a part, a close of everything from what the position still holds, a close of lots from what was not filled of them; at most once a minute each.';
