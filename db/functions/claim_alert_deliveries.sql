create function botbox.claim_alert_deliveries(p_delivery_ids bigint[], p_lease_ms integer default 30000, p_now timestamptz default now())
returns table (
  delivery_id bigint, occasion text, alert_id bigint, code text, severity botbox.severity, subject text, message text, details jsonb,
  occurrences integer, opened_at timestamptz, acknowledged_by text, resolved_at timestamptz
)
language sql
set search_path = botbox, pg_temp
as $$
  with claimed as (
    update alert_deliveries d
       set attempts = d.attempts + 1, claimed_until = p_now + make_interval(secs => p_lease_ms / 1000.0)
     where d.id = any (p_delivery_ids)
       and d.delivered_at is null
       and d.given_up_at is null
       and (d.claimed_until is null or d.claimed_until <= p_now)
    returning d.id, d.occasion, d.alert_id
  )
  select k.id, k.occasion, a.id, a.code, a.severity, a.subject, a.message, a.details, a.occurrences, a.opened_at, a.acknowledged_by, a.resolved_at
    from claimed k
    join alerts a on a.id = k.alert_id
   order by a.severity, k.id;
$$;
comment on function botbox.claim_alert_deliveries is
  'Of the given deliveries those that are still to be sent and that nobody is sending, with their alerts as they are now, the worst first; theirs for the lease.';
