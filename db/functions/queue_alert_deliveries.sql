create function botbox.queue_alert_deliveries(p_now timestamptz default now())
returns table (channel_id bigint, delivery_ids bigint[])
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
begin
  -- A job that nobody has ended in an hour is lost; the alert itself stays open, and can be seen.
  update alert_deliveries
     set given_up_at = p_now, error = coalesce(error, 'it was not sent within an hour')
   where delivered_at is null
     and given_up_at is null
     and queued_at < p_now - interval '1 hour';

  return query
  with due as (
    -- Also what was over before anybody could be told: short troubles are troubles.
    select a.id as alert_id, c.id as channel_id, 'OPENED' as occasion
      from alerts a
      join alert_channels c on a.severity <= c.minimum_severity
     where (a.resolved_at is null or a.resolved_at > p_now - interval '10 minutes' and a.opened_at >= c.created_at)
       and a.acknowledged_at is null
       -- A dead channel is not told that it is dead.
       and not (a.code = 'CHANNEL_DEAD' and a.subject = 'channel ' || c.name)
       -- One that comes and goes is told again after ten minutes, should it still be there.
       and not exists (
             select
               from alerts o
               join alert_deliveries d on d.alert_id = o.id and d.channel_id = c.id and d.occasion = 'OPENED'
              where o.code = a.code
                and o.subject = a.subject
                and o.id <> a.id
                and o.resolved_at > p_now - interval '10 minutes'
                and d.queued_at > p_now - interval '10 minutes'
           )
    union all
    select a.id, c.id, 'ESCALATED'
      from alerts a
      join alert_channels c on a.opened_at <= p_now - make_interval(mins => c.escalate_after_minutes)
     where a.severity = 'CRITICAL'
       and a.resolved_at is null
       and a.acknowledged_at is null
       and not (a.code = 'CHANNEL_DEAD' and a.subject = 'channel ' || c.name)
    union all
    -- Whoever was told that it began is told that it is over.
    select distinct a.id, d.channel_id, 'RESOLVED'
      from alerts a
      join alert_deliveries d on d.alert_id = a.id and d.occasion in ('OPENED', 'ESCALATED') and d.delivered_at is not null
     where a.resolved_at > p_now - interval '1 day'
       and a.severity <> 'INFO'
  ),
  made as (
    insert into alert_deliveries (alert_id, channel_id, occasion, queued_at)
    select u.alert_id, u.channel_id, u.occasion, p_now
      from due u
      join alerts a on a.id = u.alert_id
      left join alert_rules r on r.code = a.code
     where coalesce(r.is_delivered, true)
     order by u.channel_id, u.alert_id, u.occasion
    on conflict (alert_id, channel_id, occasion) do nothing
    returning id, channel_id
  )
  select m.channel_id, array_agg(m.id order by m.id) from made m group by m.channel_id order by m.channel_id;
end
$$;
comment on function botbox.queue_alert_deliveries is
  'Writes down what is to be told to which channel now: alerts that opened, CRITICAL ones that nobody has acknowledged in time, those that are over; each once. Answers the new ones by channel, so that several go in one message; to be called in the transaction that makes their jobs.';
