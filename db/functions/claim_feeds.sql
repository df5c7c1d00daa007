create function botbox.claim_feeds(
  p_worker_id text,
  p_limit integer default 50,
  p_lease_ms integer default 15000,
  p_instrument_ids bigint[] default null,
  p_now timestamptz default now()
)
returns table (
  instrument_id bigint,
  exchange_id text,
  symbol text,
  fetched_at timestamptz,
  last_candle_at timestamptz,
  windows jsonb
)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
begin
  -- From the markets rather than from the bots, of which there may be a hundred times as many: this is asked every second.
  insert into feeds (instrument_id, next_fetch_at)
  select i.id, p_now
    from instruments i
   where not exists (select from feeds f where f.instrument_id = i.id)
     and (
       exists (select from bots b where b.instrument_id = i.id and b.status <> 'DELETED')
       or exists (select from bot_legs g where g.instrument_id = i.id and (select b.status from bots b where b.id = g.bot_id) <> 'DELETED')
     )
   order by i.id
  on conflict do nothing;

  return query
  with due as (
    select f.instrument_id
      from feeds f
     where (f.claimed_until is null or f.claimed_until <= p_now)
       and case
             -- Markets of which every bot is deleted rest.
             when p_instrument_ids is null then
               f.next_fetch_at <= p_now
               and (
                 exists (select from bots b where b.instrument_id = f.instrument_id and b.status <> 'DELETED')
                 or exists (select from bot_legs g join bots b on b.id = g.bot_id where g.instrument_id = f.instrument_id and b.status <> 'DELETED')
               )
             -- Asked for by name: at once, unless it was fetched within the last second.
             else f.instrument_id = any (p_instrument_ids) and coalesce(f.fetched_at < p_now - interval '1 second', true)
           end
     order by f.next_fetch_at, f.instrument_id
     limit p_limit
       for update skip locked
  ),
  claimed as (
    update feeds f
       set claimed_by = p_worker_id,
           claimed_until = p_now + make_interval(secs => p_lease_ms / 1000.0)
      from due d
     where f.instrument_id = d.instrument_id
    returning f.*
  )
  select c.instrument_id, i.exchange_id, i.symbol, c.fetched_at, c.last_candle_at,
         coalesce(w.windows, '[]')
    from claimed c
    join instruments i on i.id = c.instrument_id
    -- History that bots' strategies need and that has not been backfilled yet; after a long time without workers all of it again.
    left join lateral (
      select jsonb_agg(jsonb_build_object('timeframe', n.timeframe, 'candles', n.candles)) as windows
        from (
          select w.timeframe, max(w.history) as candles
            -- Each version once, not for each of its bots.
            from (
                   select b.strategy_version_id
                     from bots b
                    where b.instrument_id = c.instrument_id
                      and b.status <> 'DELETED'
                   union
                   select b.strategy_version_id
                     from bot_legs g
                     join bots b on b.id = g.bot_id
                    where g.instrument_id = c.instrument_id
                      and b.status <> 'DELETED'
                 ) u
            join strategy_versions v on v.id = u.strategy_version_id
            cross join lateral (
              select v.timeframe, v.history
              union all
              select x.timeframe, x.history
                from jsonb_to_recordset(v.further_windows) as x (timeframe timeframe, history integer)
              -- Thirty days of hours, whatever its bots look at: correlations are told by them.
              union all
              select '1h', 720
            ) w
           group by w.timeframe
        ) n
        left join feed_backfills h
          on h.instrument_id = c.instrument_id
         and h.timeframe = n.timeframe
       where coalesce(h.candles, 0) < n.candles
          or c.last_candle_at < p_now - interval '1000 minutes'
    ) w on true;
end
$$;
comment on function botbox.claim_feeds is
  'Claims due feeds for one worker as a lease, with the windows still to be backfilled; with p_instrument_ids those feeds at once. Single flight: a feed claimed by another worker is left to it.';
