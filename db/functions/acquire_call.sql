create function botbox.acquire_call(
  p_exchange_id text,
  p_worker_id text,
  p_account_key text default null,
  p_account_bucket text default null,
  p_weight integer default 1,
  p_ip_key text default 'default',
  p_ip_bucket text default 'all',
  p_calls integer default 1,
  p_is_urgent boolean default false,
  p_patience_ms integer default 0,
  p_now timestamptz default now()
)
returns table (
  is_granted boolean,
  granted_calls integer,
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
  v_calls integer := p_calls;
  v_ip token_grant;
  v_account token_grant;
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
      return query select false, 0, 'BREAKER_OPEN',
                          -- Held open without an end, or for longer than is worth waiting: asked again after a minute.
                          greatest(ceil(least(extract(epoch from coalesce(v_breaker.probe_at - p_now, interval '1 minute')), 60) * 1000)::integer, 100), false,
                          v_breaker.consecutive_failures;
      return;
    end if;
    v_is_probe := true;
    v_calls := 1;
  end if;

  -- The same order of locks everywhere, IP before account, so that two callers cannot wait for each other.
  v_ip := take_tokens(
    p_exchange_id => p_exchange_id, p_scope => 'IP', p_scope_key => p_ip_key, p_bucket => p_ip_bucket, p_weight => p_weight,
    p_calls => v_calls, p_is_urgent => p_is_urgent, p_patience_ms => p_patience_ms, p_now => p_now
  );
  if v_ip.granted_calls > 0 and p_account_key is not null then
    v_account := take_tokens(
      p_exchange_id => p_exchange_id, p_scope => 'ACCOUNT', p_scope_key => p_account_key, p_bucket => p_account_bucket, p_weight => 1,
      p_calls => v_ip.granted_calls, p_is_urgent => p_is_urgent, p_patience_ms => p_patience_ms, p_now => p_now
    );
    if v_account.granted_calls < v_ip.granted_calls then
      -- What is not sent gives the IP its tokens back; its bucket is still locked by this transaction.
      update rate_limits
         set tokens = least(tokens + (v_ip.granted_calls - v_account.granted_calls) * p_weight, capacity),
             granted_count = granted_count - (v_ip.granted_calls - v_account.granted_calls) * p_weight,
             window_used = greatest(window_used - (v_ip.granted_calls - v_account.granted_calls) * p_weight, 0),
             minute_granted = greatest(minute_granted - (v_ip.granted_calls - v_account.granted_calls), 0)
       where exchange_id = p_exchange_id
         and scope = 'IP'
         and scope_key = p_ip_key
         and bucket = p_ip_bucket;
      v_ip := v_account;
    end if;
  end if;
  if v_ip.granted_calls = 0 and v_is_probe then
    update circuit_breakers
       set state = 'OPEN', probed_by = null, probe_at = p_now + make_interval(secs => v_ip.wait_ms / 1000.0)
     where exchange_id = p_exchange_id;
  end if;
  return query select v_ip.granted_calls > 0, v_ip.granted_calls, case when v_ip.granted_calls = 0 then 'RATE_LIMIT' end, v_ip.wait_ms,
                      v_is_probe and v_ip.granted_calls > 0, v_breaker.consecutive_failures;
end
$$;
comment on function botbox.acquire_call is
  'Asks for one or more calls of a kind to the exchange: the breaker first, then tokens of the IP''s and the account''s buckets. A grant lapses after 250 ms. It may be for fewer calls than asked for: retry_after_ms says when the next one is worth asking for. p_patience_ms: how long the caller waits in all, for the count of denials.';
