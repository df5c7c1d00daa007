create function botbox.acquire_call(
  p_exchange_id text,
  p_worker_id text,
  p_account_key text default null,
  p_account_bucket text default null,
  p_weight integer default 1,
  p_ip_key text default 'default',
  p_now timestamptz default now()
)
returns table (
  is_granted boolean,
  refusal text,
  retry_after_ms integer,
  is_probe boolean,
  consecutive_failures integer
)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_breaker circuit_breakers;
  v_is_probe boolean := false;
  v_wait_ms integer;
begin
  select * into strict v_breaker from circuit_breakers where exchange_id = p_exchange_id;
  if v_breaker.state <> 'CLOSED' then
    -- One public read of one worker is the probe; a prober that died gives way when its time is over.
    update circuit_breakers
       set state = 'HALF_OPEN', probed_by = p_worker_id, held_by = null, probe_at = p_now + interval '60 seconds', changed_at = p_now
     where exchange_id = p_exchange_id
       and state <> 'CLOSED'
       and probe_at <= p_now
       and p_account_key is null;
    if not found then
      return query select false, 'BREAKER_OPEN', 
                          -- Held open without an end, or for longer than is worth waiting: asked again after a minute.
                          greatest(ceil(least(extract(epoch from coalesce(v_breaker.probe_at - p_now, interval '1 minute')), 60) * 1000)::integer, 100), false,
                          v_breaker.consecutive_failures;
      return;
    end if;
    v_is_probe := true;
  end if;

  -- The same order of locks everywhere, IP before account, so that two callers cannot wait for each other.
  v_wait_ms := take_tokens(p_exchange_id, 'IP', p_ip_key, 'all', p_weight, p_now);
  if v_wait_ms = 0 and p_account_key is not null then
    v_wait_ms := take_tokens(p_exchange_id, 'ACCOUNT', p_account_key, p_account_bucket, 1, p_now);
    if v_wait_ms > 0 then
      -- Nothing is sent, so the IP gets its tokens back; its bucket is still locked by this transaction.
      update rate_limits
         set tokens = least(tokens + p_weight, capacity), granted_count = granted_count - p_weight
       where exchange_id = p_exchange_id
         and scope = 'IP'
         and scope_key = p_ip_key
         and bucket = 'all';
    end if;
  end if;
  if v_wait_ms > 0 and v_is_probe then
    update circuit_breakers
       set state = 'OPEN', probed_by = null, probe_at = p_now + make_interval(secs => v_wait_ms / 1000.0)
     where exchange_id = p_exchange_id;
  end if;
  return query select v_wait_ms = 0, case when v_wait_ms > 0 then 'RATE_LIMIT' end, v_wait_ms, v_is_probe and v_wait_ms = 0,
                      v_breaker.consecutive_failures;
end
$$;
comment on function botbox.acquire_call is
  'Asks for one call to the exchange: the breaker first, then tokens of the IP''s and the account''s buckets. A grant lapses after 1 s; a refusal says when to ask again.';
