create function botbox.set_rate_limit(
  p_exchange_id text,
  p_scope botbox.limit_scope,
  p_bucket text,
  p_window_ms integer,
  p_published_limit numeric,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns numeric
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_before numeric;
  v_key text;
begin
  select published_limit
    into v_before
    from rate_limit_rules
   where exchange_id = p_exchange_id
     and scope = p_scope
     and bucket = p_bucket
     and window_ms = p_window_ms
     for update;
  if not found then
    return null;
  end if;
  update rate_limit_rules
     set published_limit = p_published_limit
   where exchange_id = p_exchange_id
     and scope = p_scope
     and bucket = p_bucket
     and window_ms = p_window_ms;
  -- Buckets in use change at once, each under its lock, so that no grant under way is reckoned by both sizes.
  for v_key in
    select scope_key from rate_limits where exchange_id = p_exchange_id and scope = p_scope and bucket = p_bucket order by scope_key
  loop
    perform pg_advisory_xact_lock(hashtextextended(concat_ws('|', 'rate_limits', p_exchange_id, p_scope, v_key, p_bucket), 0));
    update rate_limits r
       set published_limit = b.published_limit,
           window_ms = b.window_ms,
           capacity = b.capacity,
           refill_per_second = b.refill_per_second,
           tokens = least(r.tokens, b.capacity),
           updated_at = p_now
      from find_bucket_size(p_exchange_id => p_exchange_id, p_scope => p_scope, p_bucket => p_bucket) b
     where r.exchange_id = p_exchange_id
       and r.scope = p_scope
       and r.scope_key = v_key
       and r.bucket = p_bucket;
  end loop;
  perform record_audit(
    p_actor => p_actor, p_action => 'limit.set', p_subject => concat_ws(' ', p_exchange_id, p_scope, p_bucket, p_window_ms || ' ms'),
    p_before => jsonb_build_object('published_limit', v_before), p_after => jsonb_build_object('published_limit', p_published_limit), p_now => p_now
  );
  return v_before;
end
$$;
comment on function botbox.set_rate_limit is
  'Changes a published limit that botbox keeps to, and sizes the buckets in use anew; what the exchange''s headers say later corrects it again. Answers the limit before; null: there is no such limit.';
