create function botbox.record_limit_report(
  p_exchange_id text,
  p_scope botbox.limit_scope,
  p_scope_key text,
  p_bucket text,
  p_used numeric default null,
  p_limit numeric default null,
  p_blocked_until timestamptz default null,
  p_reason text default null,
  p_now timestamptz default now()
)
returns void
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_limit rate_limits;
begin
  perform pg_advisory_xact_lock(hashtextextended(concat_ws('|', 'rate_limits', p_exchange_id, p_scope, p_scope_key, p_bucket), 0));
  update rate_limits r
     set reported_used = coalesce(p_used, r.reported_used),
         reported_at = case when p_used is null then r.reported_at else p_now end,
         -- The exchange's own figure corrects ours in both directions, keeping burst and refill within 80% of it.
         published_limit = coalesce(p_limit, r.published_limit),
         capacity = case when p_limit is null then r.capacity else greatest(p_limit * 0.16, least(1, p_limit * 0.8)) end,
         refill_per_second = case
           when p_limit is null then r.refill_per_second
           else trunc((p_limit * 0.8 - greatest(p_limit * 0.16, least(1, p_limit * 0.8))) / (r.window_ms / 1000.0 + 0.25), 6)
         end,
         tokens = case
           when p_limit is null then r.tokens
           else least(r.tokens, greatest(p_limit * 0.16, least(1, p_limit * 0.8)))
         end,
         blocked_until = greatest(r.blocked_until, p_blocked_until),
         block_reason = case when p_blocked_until is null then r.block_reason else p_reason end,
         updated_at = p_now
   where r.exchange_id = p_exchange_id
     and r.scope = p_scope
     and r.scope_key = p_scope_key
     and r.bucket = p_bucket
  returning r.* into v_limit;
  if not found then
    return;
  end if;

  if p_blocked_until > p_now then
    perform raise_alert(
      p_code => 'LIMIT_EXCEEDED',
      p_severity => 'CRITICAL',
      p_subject => concat_ws(' ', p_exchange_id, p_scope, p_bucket),
      p_message => format('%s refused a call for its rate limit: %s', p_exchange_id, p_reason),
      p_details => jsonb_build_object('blocked_until', p_blocked_until),
      p_now => p_now
    );
  end if;
  if p_used > 0.6 * v_limit.published_limit then
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
  'What the exchange''s headers or its 429 say of a bucket: use, limit, and until when nothing may be sent.';
