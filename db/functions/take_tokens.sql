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
    -- A fifth of the budget as burst, the rest as refill: together 80% of what is published, in any window of the exchange's.
    -- A grant is used within 250 ms, so that what arrives in one window was granted in one that is longer by as much.
    insert into rate_limits (
      exchange_id, scope, scope_key, bucket, published_limit, window_ms, capacity, refill_per_second, tokens, refilled_at
    )
    select p_exchange_id, p_scope, p_scope_key, p_bucket, r.published_limit, r.window_ms, c.capacity,
           trunc((r.published_limit * 0.8 - c.capacity) / (r.window_ms / 1000.0 + 0.25), 6), c.capacity, p_now
      from rate_limit_rules r
     cross join lateral (select greatest(r.published_limit * 0.16, 1) as capacity) c
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
    -- A call heavier than the bucket would wait for ever: it takes the full bucket.
    when v_tokens < least(p_weight, v_limit.capacity) then (least(p_weight, v_limit.capacity) - v_tokens) / nullif(v_limit.refill_per_second, 0)
    else 0
  end;

  update rate_limits
     set tokens = case when v_wait > 0 then v_tokens else greatest(v_tokens - p_weight, 0) end,
         refilled_at = greatest(refilled_at, p_now),
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
