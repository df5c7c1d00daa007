create function botbox.monitor_health(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_open integer := 0;
  v_rule record;
begin
  -- Each rule: is it true now? Alerts open and resolve by themselves.
  for v_rule in
    select 'NO_TICK' as code, 'CRITICAL'::severity as severity, 'scheduler' as subject,
           coalesce((select max(tick_at) from ticks) < p_now - interval '2 minutes', false) as is_true,
           'No tick for more than two minutes' as message
    union all
    select 'QUEUE_DEPTH', 'WARNING', 'trade_queue',
           (select count(*) from trade_queue where status = 'PENDING') > 100, 'More than 100 trades wait in the queue'
    union all
    -- Of every feed, so that the alert also ends when the last bot that needed it does.
    select 'DATA_LAG', 'WARNING', i.exchange_id || ' ' || i.symbol,
           coalesce(f.fetched_at, f.created_at) < p_now - interval '5 minutes'
             and (
               exists (select from bots b where b.instrument_id = f.instrument_id and b.status = 'ACTIVE')
               or exists (select from bot_legs g join bots b on b.id = g.bot_id where g.instrument_id = f.instrument_id and b.status = 'ACTIVE')
             ),
           format('Market data of %s is older than five minutes', i.symbol)
      from feeds f
      join instruments i on i.id = f.instrument_id
    union all
    select 'WORKER_LOST', 'WARNING', w.id, w.heartbeat_at < p_now - interval '30 seconds',
           format('Worker %s on %s was last heard at %s', w.id, w.host, w.heartbeat_at)
      from workers w
     where w.stopped_at is null
       and w.heartbeat_at > p_now - interval '1 hour'
    union all
    select 'TRADE_FAILURES', 'CRITICAL', 'execution',
           count(*) filter (where t.status = 'FAILED') > 0.1 * greatest(count(*), 10), 'More than 10% of the last hour''s trades failed'
      from trade_queue t
     where t.finished_at > p_now - interval '1 hour'
       -- For the index: the queue is kept for ever, and what waited longer than that has an alert of its own.
       and t.queued_at > p_now - interval '3 hours'
    union all
    -- Of the present minute and the one before; where nobody asks any more, nobody is denied.
    select 'LIMIT_DENIALS', 'WARNING', concat_ws(' ', r.exchange_id, r.scope, r.bucket),
           bool_or(
             r.minute_at > p_now - interval '2 minutes'
             and r.minute_denied + r.last_denied > 0.2 * greatest(r.minute_granted + r.last_granted + r.minute_denied + r.last_denied, 20)
           ),
           format('More than 20%% of the requests for tokens of %s %s %s are denied', r.exchange_id, r.scope, r.bucket)
      from rate_limits r
     group by r.exchange_id, r.scope, r.bucket
  loop
    if v_rule.is_true then
      perform raise_alert(p_code => v_rule.code, p_severity => v_rule.severity, p_subject => v_rule.subject, p_message => v_rule.message, p_now => p_now);
      v_open := v_open + 1;
    else
      perform resolve_alert(p_code => v_rule.code, p_subject => v_rule.subject, p_now => p_now);
    end if;
  end loop;
  -- A lost worker is news for an hour; after that its alert has nothing left to resolve it.
  update alerts a
     set resolved_at = p_now
   where a.code = 'WORKER_LOST'
     and a.resolved_at is null
     and not exists (select from workers w where w.id = a.subject and w.stopped_at is null and w.heartbeat_at > p_now - interval '1 hour');
  -- An order that was unknown for long is known by now: asked for, refused or expired.
  update alerts a
     set resolved_at = p_now
   where a.code = 'ORDER_UNKNOWN'
     and a.resolved_at is null
     and not exists (select from orders o where a.subject = 'order ' || o.id and o.status = 'UNKNOWN' and o.finished_at is null);
  -- Use that no header tells of is counted from our own grants.
  for v_rule in
    select concat_ws(' ', r.exchange_id, r.scope, r.bucket) as subject,
           format('%s of %s of the published limit granted within one window', max(greatest(r.minute_used, r.last_used)), max(r.published_limit)) as message
      from rate_limits r
     where r.minute_at > p_now - interval '2 minutes'
       and greatest(r.minute_used, r.last_used) > 0.6 * r.published_limit
     group by r.exchange_id, r.scope, r.bucket
  loop
    perform raise_alert(p_code => 'LIMIT_HIGH_USE', p_severity => 'WARNING', p_subject => v_rule.subject, p_message => v_rule.message, p_now => p_now);
    v_open := v_open + 1;
  end loop;
  -- Limit alerts end when the block or the use that raised them has passed; a worker on its local limiter repeats its alert.
  update alerts a
     set resolved_at = p_now
   where a.code in ('LIMIT_EXCEEDED', 'LIMIT_HIGH_USE', 'LIMITER_FALLBACK')
     and a.resolved_at is null
     and a.last_seen_at < p_now - interval '2 minutes';
  return v_open;
end
$$;
comment on function botbox.monitor_health is 'Looks at the rules of what an operator must know, opens alerts for those that hold and resolves the others; answers how many hold.';
