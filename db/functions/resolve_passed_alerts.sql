create function botbox.resolve_passed_alerts(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_rows integer;
  v_total integer;
begin
  -- What was unknown for long is known by now: found, refused or expired.
  update alerts a
     set resolved_at = p_now
   where a.code in ('ORDER_UNKNOWN', 'DUPLICATE_CLIENT_ID')
     and a.resolved_at is null
     and not exists (select from orders o where a.subject = 'order ' || o.id and o.status = 'UNKNOWN' and o.finished_at is null);
  get diagnostics v_total = row_count;
  -- Events pass; a ban lasts as long as its block.
  update alerts a
     set resolved_at = p_now
    from alert_rules r
   where r.code = a.code
     and a.resolved_at is null
     and a.last_seen_at < p_now - make_interval(mins => r.quiet_minutes)
     and not (
           a.code = 'LIMIT_EXCEEDED'
           and exists (
                 select
                   from rate_limits l
                  where a.subject = concat_ws(' ', l.exchange_id, l.scope, l.bucket)
                    and l.blocked_until > p_now
               )
         );
  get diagnostics v_rows = row_count;
  return v_total + v_rows;
end
$$;
comment on function botbox.resolve_passed_alerts is
  'Resolves alerts of orders that are known by now, and of events that were not seen again for the quiet time of their rule; answers how many.';
