create function botbox.correlations_are_due(p_now timestamptz default now())
returns boolean
language sql
stable
set search_path = botbox, pg_temp
as $$
  select case
           -- Nothing is known yet: as soon as two markets have hours to compare.
           when k.computed_at is null then (select count(*) >= 2 from feed_backfills h where h.timeframe = '1h')
           when k.computed_at <= p_now - interval '1 hour' then true
           -- A market is new: an unknown correlation counts as none, so it is not left unknown for an hour.
           else k.computed_at <= p_now - interval '5 minutes'
             and exists (select from feed_backfills h where h.timeframe = '1h' and h.completed_at > k.computed_at)
         end
    from (select max(c.computed_at) as computed_at from correlations c) k;
$$;
comment on function botbox.correlations_are_due is
  'Whether correlations are to be computed: hourly, at once when there are none, and within five minutes of the first hours of a new market.';
