create function botbox.take_tokens(
  p_exchange_id text,
  p_scope botbox.limit_scope,
  p_scope_key text,
  p_bucket text,
  p_weight integer,
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_limit rate_limits;
  v_tokens numeric;
  v_wait numeric;
begin
  perform pg_advisory_xact_lock(hashtextextended(concat_ws('|', 'rate_limits', p_exchange_id, p_scope, p_scope_key, p_bucket), 0));
  select *
    into v_limit
    from rate_limits
   where exchange_id = p_exchange_id
     and scope = p_scope
     and scope_key = p_scope_key
     and bucket = p_bucket;
  if not found then
    insert into rate_limits (
      exchange_id, scope, scope_key, bucket, published_limit, window_ms, capacity, refill_per_second, tokens, refilled_at
    )
    select p_exchange_id, p_scope, p_scope_key, p_bucket, r.published_limit, r.window_ms, c.capacity,
           c.refill_per_second, c.capacity, p_now
      from rate_limit_rules r
     cross join lateral size_bucket(p_published_limit => r.published_limit, p_window_ms => r.window_ms) c
     where r.exchange_id = p_exchange_id
       and r.scope = p_scope
       and r.bucket = p_bucket
    returning * into v_limit;
    if not found then
      raise exception 'no rate limit rule for % % %', p_exchange_id, p_scope, p_bucket using errcode = 'invalid_parameter_value';
    end if;
  end if;

  v_tokens := least(
    v_limit.capacity,
    v_limit.tokens + greatest(extract(epoch from p_now - v_limit.refilled_at), 0) * v_limit.refill_per_second
  );
  v_wait := case
    when v_limit.blocked_until > p_now then extract(epoch from v_limit.blocked_until - p_now)
    -- A call heavier than the bucket would wait for ever: it takes the full bucket and is paid off afterwards.
    when v_tokens < least(p_weight, v_limit.capacity)
      then greatest(extract(epoch from v_limit.refilled_at - p_now), 0)
           + coalesce((least(p_weight, v_limit.capacity) - v_tokens) / nullif(v_limit.refill_per_second, 0), 60)
    else 0
  end;

  update rate_limits
     set tokens = case when v_wait > 0 then v_tokens else greatest(v_tokens - p_weight, 0) end,
         refilled_at = greatest(refilled_at, p_now)
           + case
               when v_wait = 0 and p_weight > v_tokens and v_limit.refill_per_second > 0
                 then make_interval(secs => ((p_weight - v_tokens) / v_limit.refill_per_second)::double precision)
               else interval '0'
             end,
         granted_count = granted_count + case when v_wait > 0 then 0 else p_weight end,
         denied_count = denied_count + case when v_wait > 0 then 1 else 0 end,
         updated_at = p_now
   where exchange_id = p_exchange_id
     and scope = p_scope
     and scope_key = p_scope_key
     and bucket = p_bucket;
  return ceil(v_wait * 1000)::integer;
end
$$;
comment on function botbox.take_tokens is
  'Takes tokens from one bucket under its advisory lock and answers 0, or takes none and answers the milliseconds until enough will be there.';
