create function botbox.record_limit_report(
  p_exchange_id text,
  p_scope botbox.limit_scope,
  p_scope_key text,
  p_bucket text,
  p_used numeric default null,
  p_limit numeric default null,
  p_blocked_for_ms integer default null,
  p_reason text default null,
  p_now timestamptz default now()
)
returns void
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_limit rate_limits;
  -- No exchange allows nothing at all: a header that says so is not believed.
  v_published numeric := case when p_limit > 0 then p_limit end;
  -- Counted from here: the clock of the worker that was refused may be off by any amount.
  v_blocked_until timestamptz := p_now + make_interval(secs => p_blocked_for_ms / 1000.0);
  v_is_refusal boolean;
  v_pace numeric;
begin
  perform pg_advisory_xact_lock(hashtextextended(concat_ws('|', 'rate_limits', p_exchange_id, p_scope, p_scope_key, p_bucket), 0));
  select coalesce(v_blocked_until > p_now and coalesce(r.blocked_until <= p_now, true), false),
         least(1, r.pace + greatest(extract(epoch from p_now - r.paced_at), 0) / 600)
    into v_is_refusal, v_pace
    from rate_limits r
   where r.exchange_id = p_exchange_id
     and r.scope = p_scope
     and r.scope_key = p_scope_key
     and r.bucket = p_bucket;
  update rate_limits r
     set reported_used = coalesce(p_used, r.reported_used),
         reported_at = case when p_used is null then r.reported_at else p_now end,
         -- The exchange's own figure corrects ours in both directions, keeping burst and refill within 80% of it.
         published_limit = coalesce(v_published, r.published_limit),
         capacity = coalesce(b.capacity, r.capacity),
         refill_per_second = coalesce(b.refill_per_second, r.refill_per_second),
         tokens = least(r.tokens, coalesce(b.capacity, r.capacity)),
         -- Half as fast from now on, and back within ten minutes. Calls that were under way are refused together: they count once.
         pace = case when v_is_refusal then greatest(v_pace / 2, 0.0625) else r.pace end,
         paced_at = case when v_is_refusal then v_blocked_until else r.paced_at end,
         blocked_until = greatest(r.blocked_until, v_blocked_until),
         block_reason = case when v_blocked_until is null then r.block_reason else p_reason end,
         updated_at = p_now
    from rate_limits o
    left join lateral find_bucket_size(
           p_exchange_id => p_exchange_id, p_scope => p_scope, p_bucket => p_bucket, p_published_limit => v_published
         ) b on v_published is not null
   where (o.exchange_id, o.scope, o.scope_key, o.bucket) = (r.exchange_id, r.scope, r.scope_key, r.bucket)
     and r.exchange_id = p_exchange_id
     and r.scope = p_scope
     and r.scope_key = p_scope_key
     and r.bucket = p_bucket
  returning r.* into v_limit;
  if not found then
    return;
  end if;

  if v_blocked_until > p_now then
    perform raise_alert(
      p_code => 'LIMIT_EXCEEDED',
      p_severity => 'CRITICAL',
      p_subject => concat_ws(' ', p_exchange_id, p_scope, p_bucket),
      p_message => format('%s refused a call for its rate limit: %s', p_exchange_id, p_reason),
      p_details => jsonb_build_object('blocked_until', v_blocked_until),
      p_now => p_now
    );
  end if;
  if p_used > alert_threshold('LIMIT_HIGH_USE') * v_limit.published_limit then
    perform raise_alert(
      p_code => 'LIMIT_HIGH_USE',
      p_severity => 'WARNING',
      p_subject => concat_ws(' ', p_exchange_id, p_scope, p_bucket),
      p_message => format('%s of %s of the published limit used', p_used, v_limit.published_limit),
      p_now => p_now
    );
  end if;
end
$$;
comment on function botbox.record_limit_report is
  'What the exchange''s headers or its 429 say of a bucket: use, limit, and for how long nothing may be sent; a refusal halves its pace.';
