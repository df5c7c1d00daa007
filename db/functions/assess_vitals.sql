create function botbox.assess_vitals(p_now timestamptz default now())
returns table (part text, is_working boolean, finding text)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select 'ticks', coalesce(x.tick_at >= p_now - make_interval(secs => alert_threshold('NO_TICK')::double precision), false),
         coalesce('the last tick was at ' || to_char(x.tick_at at time zone 'UTC', 'HH24:MI "UTC"'), 'there was no tick yet')
    from (select max(tick_at) as tick_at from ticks) x
  union all
  -- Bots of an exchange whose breaker is not CLOSED rest, and that has an alert of its own.
  select 'checks', x.overdue = 0, format('%s bots have been due for more than three minutes', x.overdue)
    from (
           select count(*) as overdue
             from bots b
             join instruments i on i.id = b.instrument_id
             join circuit_breakers k on k.exchange_id = i.exchange_id
            where b.status = 'ACTIVE'
              and b.next_check_at < p_now - interval '3 minutes'
              and k.state = 'CLOSED'
         ) x
  union all
  -- Rules are looked at, messages leave, and where there are channels one of them takes them.
  select 'alerts', x.is_looking and x.waiting = 0 and (x.channels = 0 or x.alive > 0),
         case
           when not x.is_looking then 'nobody has looked at the rules for two minutes'
           when x.waiting > 0 then format('%s messages have waited for more than three minutes for their first attempt', x.waiting)
           when x.channels > 0 and x.alive = 0 then 'no channel takes alerts'
           else format('%s of %s channels take alerts', x.alive, x.channels)
         end
    from (
           select exists (select from duties d where d.name = 'health' and d.claimed_at > p_now - interval '2 minutes') as is_looking,
                  (select count(*)
                     from alert_deliveries v
                    where v.delivered_at is null
                      and v.given_up_at is null
                      and v.attempts = 0
                      and v.queued_at < p_now - interval '3 minutes') as waiting,
                  count(c.id) as channels, count(c.id) filter (where c.consecutive_failures < alert_threshold('CHANNEL_DEAD')) as alive
             from (select) one
             left join alert_channels c on true
         ) x;
$$;
comment on function botbox.assess_vitals is
  'Whether ticks, checks and alerts work, one row each, in words: the dead-man''s switch is fed only while all three do.';
