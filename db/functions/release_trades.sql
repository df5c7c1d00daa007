create function botbox.release_trades(
  p_trade_ids uuid[],
  p_worker_id text,
  p_retry_after_ms integer default 0,
  p_error text default null,
  p_now timestamptz default now()
)
returns integer
language sql
set search_path = botbox, pg_temp
as $$
  with held as (
    select t.id
      from trade_queue t
     where t.id = any (p_trade_ids)
       and t.status = 'EXECUTING'
       and t.claimed_by = p_worker_id
       -- A trade whose order may have been sent is never handed back.
       and not exists (select from orders o where o.trade_id = t.id and o.not_accepted_at is null)
     order by t.id
       for update
  ),
  released as (
    update trade_queue t
       set status = 'PENDING',
           claimed_by = null,
           claimed_until = null,
           attempts = greatest(t.attempts - 1, 0),
           error = coalesce(p_error, t.error),
           next_attempt_at = p_now + make_interval(secs => p_retry_after_ms / 1000.0)
      from held h
     where t.id = h.id
    returning t.id
  )
  select count(*)::integer from released;
$$;
comment on function botbox.release_trades is
  'Hands claimed trades back unsent, for a denied call or at shutdown; the attempt is not counted. p_error: what stood in its way, which is what is told of it should it expire.';
