create function botbox.find_bucket_size(
  p_exchange_id text,
  p_scope botbox.limit_scope,
  p_bucket text,
  p_published_limit numeric default null,
  p_now timestamptz default now()
)
returns table (published_limit numeric, window_ms integer, capacity numeric, refill_per_second numeric)
language sql
stable
set search_path = botbox, pg_temp
as $$
  -- The shortest window sizes the burst; the refill is the slowest that any of the windows allows beside that burst.
  with rules as (
    select case when row_number() over (order by r.window_ms) = 1 then coalesce(p_published_limit, r.published_limit) else r.published_limit end as published_limit,
           r.window_ms
      from rate_limit_rules r
     where r.exchange_id = p_exchange_id
       and r.scope = p_scope
       and r.bucket = p_bucket
  ),
  burst as (
    select min(s.capacity) as capacity
      from rules u
     cross join lateral size_bucket(p_published_limit => u.published_limit, p_window_ms => u.window_ms) s
  )
  select (array_agg(u.published_limit order by u.window_ms))[1], min(u.window_ms), b.capacity, min(s.refill_per_second)
    from rules u
   cross join burst b
   cross join lateral size_bucket(p_published_limit => u.published_limit, p_window_ms => u.window_ms, p_capacity => b.capacity) s
   group by b.capacity;
$$;
comment on function botbox.find_bucket_size is
  'The bucket that keeps to 80% of every published limit of this kind at once; published_limit and window_ms are those of its shortest window. p_published_limit: the exchange''s own figure for that one. No row: there is no such limit.';
