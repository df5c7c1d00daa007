create function botbox.take_tokens(
  p_exchange_id text,
  p_scope botbox.limit_scope,
  p_scope_key text,
  p_bucket text,
  p_weight integer,
  p_calls integer default 1,
  p_is_urgent boolean default false,
  p_patience_ms integer default 0,
  p_now timestamptz default now()
)
returns botbox.token_grant
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_limit rate_limits;
  v_pace numeric;
  v_capacity numeric;
  v_refill numeric;
  v_reserve numeric;
  v_needed numeric;
  v_tokens numeric;
  v_calls integer;
  v_wait numeric := 0;
  v_is_denied boolean;
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
      exchange_id, scope, scope_key, bucket, published_limit, window_ms, capacity, refill_per_second, tokens, refilled_at,
      paced_at, window_at, minute_at
    )
    select p_exchange_id, p_scope, p_scope_key, p_bucket, b.published_limit, b.window_ms, b.capacity, b.refill_per_second, b.capacity, p_now,
           p_now, p_now, p_now
      from find_bucket_size(p_exchange_id => p_exchange_id, p_scope => p_scope, p_bucket => p_bucket) b
    returning * into v_limit;
    if not found then
      raise exception 'no rate limit rule for % % %', p_exchange_id, p_scope, p_bucket using errcode = 'invalid_parameter_value';
    end if;
  end if;

  -- After a refusal of the exchange the bucket is half as big and half as fast, and grows back within ten minutes.
  v_pace := least(1, v_limit.pace + greatest(extract(epoch from p_now - v_limit.paced_at), 0) / 600);
  v_capacity := least(v_limit.capacity, greatest(v_limit.capacity * v_pace, 1));
  v_refill := v_limit.refill_per_second * v_pace;
  -- A quarter of the burst is for what cannot wait: closes, stops, and the asking for unknown orders.
  v_reserve := case when p_is_urgent then 0 else least(v_capacity * 0.25, greatest(v_capacity - 1, 0)) end;
  v_tokens := least(v_capacity, v_limit.tokens + greatest(extract(epoch from p_now - v_limit.refilled_at), 0) * v_refill);
  -- A call heavier than the bucket would wait for ever: it takes the full bucket and is paid off afterwards.
  v_needed := least(p_weight + v_reserve, v_capacity);
  v_calls := case
    when v_limit.blocked_until > p_now or v_tokens < v_needed then 0
    else least(greatest(floor((v_tokens - v_reserve) / p_weight), 1), p_calls)
  end;
  if v_calls < p_calls then
    v_wait := case
      when v_limit.blocked_until > p_now then extract(epoch from v_limit.blocked_until - p_now)
      else greatest(extract(epoch from v_limit.refilled_at - p_now), 0)
           + coalesce(greatest(v_needed - greatest(v_tokens - v_calls * p_weight, 0), 0) / nullif(v_refill, 0), 60)
    end;
  end if;

  -- Who can wait for the tokens gets them later: only what would come too late has been denied.
  v_is_denied := v_calls = 0 and v_wait * 1000 > p_patience_ms;

  update rate_limits r
     set tokens = greatest(v_tokens - v_calls * p_weight, 0),
         refilled_at = greatest(r.refilled_at, p_now)
           + case
               when v_calls * p_weight > v_tokens and v_refill > 0
                 then make_interval(secs => ((v_calls * p_weight - v_tokens) / v_refill)::double precision)
               else interval '0'
             end,
         granted_count = r.granted_count + v_calls * p_weight,
         denied_count = r.denied_count + (v_calls = 0)::integer,
         -- What the exchange's window and the minute have seen, for warnings: windows that follow each other, not every one.
         window_at = case when c.is_new_window then p_now else r.window_at end,
         window_used = c.window_used,
         minute_at = case when c.is_new_minute then p_now else r.minute_at end,
         minute_used = case when c.is_new_minute then c.window_used else greatest(r.minute_used, c.window_used) end,
         minute_granted = case when c.is_new_minute then 0 else r.minute_granted end + v_calls,
         minute_denied = case when c.is_new_minute then 0 else r.minute_denied end + v_is_denied::integer,
         last_used = case when c.is_new_minute then r.minute_used else r.last_used end,
         last_granted = case when c.is_new_minute then r.minute_granted else r.last_granted end,
         last_denied = case when c.is_new_minute then r.minute_denied else r.last_denied end,
         updated_at = p_now
    from (
           select w.is_new_window,
                  case when w.is_new_window then 0 else v_limit.window_used end + v_calls * p_weight as window_used,
                  v_limit.minute_at <= p_now - interval '1 minute' as is_new_minute
             from (select v_limit.window_at <= p_now - make_interval(secs => v_limit.window_ms / 1000.0) as is_new_window) w
         ) c
   where r.exchange_id = p_exchange_id
     and r.scope = p_scope
     and r.scope_key = p_scope_key
     and r.bucket = p_bucket;
  return row(v_calls, ceil(v_wait * 1000)::integer)::token_grant;
end
$$;
comment on function botbox.take_tokens is
  'Takes tokens for as many of p_calls calls of p_weight as there are, from one bucket under its advisory lock, and says when the next one would be granted. Only urgent calls may take the last quarter of the burst. p_patience_ms: how long the caller waits for them; a call that would wait longer counts as denied in the minute''s figures.';
