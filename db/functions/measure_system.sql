create function botbox.measure_system(p_now timestamptz default now())
returns table (metric text, labels jsonb, value double precision)
language plpgsql
stable
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select 'orders_submitted_last_day', '{}'::jsonb, x.submitted::double precision from (
    select count(*) as submitted from orders o where o.created_at > p_now - interval '1 day' and o.sent_at is not null
  ) x
  union all
  select 'orders_filled_last_day', '{}', count(*)
    from orders o
   where o.created_at > p_now - interval '1 day'
     and o.sent_at is not null
     and o.filled_quantity > 0
  union all
  -- Several keys, such as accounts, share a label: the emptiest of them is what holds up calls.
  select 'limiter_tokens_ratio', jsonb_build_object('exchange', r.exchange_id, 'scope', r.scope, 'bucket', r.bucket),
         min(least(1, (r.tokens + greatest(extract(epoch from p_now - r.refilled_at), 0) * r.refill_per_second) / r.capacity))
    from rate_limits r
   group by r.exchange_id, r.scope, r.bucket
  union all
  select 'job_backlog', jsonb_build_object('queue', q.name, 'state', s.state), count(j.name)
    from pgboss.queue q
   cross join (values ('created'), ('retry'), ('active')) as s (state)
    left join pgboss.job j on j.name = q.name and j.state::text = s.state
   where q.name not like '\_\_%'
   group by q.name, s.state
  union all
  select 'alerts_open_by_severity', jsonb_build_object('severity', s.severity), count(a.id)
    from unnest(enum_range(null::severity)) as s (severity)
    left join alerts a on a.severity = s.severity and a.resolved_at is null
   group by s.severity
  union all
  select 'alert_channels', jsonb_build_object('state', s.state), count(c.id)
    from (values ('alive'), ('dead')) as s (state)
    left join alert_channels c on (c.consecutive_failures >= alert_threshold('CHANNEL_DEAD')) = (s.state = 'dead')
   group by s.state;
end
$$;
comment on function botbox.measure_system is
  'Figures of the whole system that no view has, for /metrics: orders of a day, what is left in the limiter''s buckets, jobs that wait, open alerts, channels. One row per metric and labels.';
