create function botbox.entries_are_throttled(p_exchange_id text, p_now timestamptz default now())
returns boolean
language sql
stable
set search_path = botbox, pg_temp
as $$
  select exists (
    select
      from rate_limits r
     where r.exchange_id = p_exchange_id
       and r.reported_at > p_now - make_interval(secs => r.window_ms / 1000.0)
       and r.reported_used > 0.9 * r.published_limit
  );
$$;
comment on function botbox.entries_are_throttled is
  'True while more than 90% of a published limit of the exchange is used, by its own headers: entries pause, closes go on.';
