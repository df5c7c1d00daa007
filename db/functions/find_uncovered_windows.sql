create function botbox.find_uncovered_windows(p_instrument_ids bigint[], p_now timestamptz default now())
returns table (instrument_id bigint, timeframe botbox.timeframe, open_at timestamptz)
language sql
stable
set search_path = botbox, pg_temp
as $$
  with needed as (
    select distinct l.instrument_id, w.timeframe, t.minutes
      from unnest(p_instrument_ids) as l (instrument_id)
      -- Each version once, found by the market: of 100,000 bots most look at others.
     cross join lateral (
             select b.strategy_version_id
               from bots b
              where b.instrument_id = l.instrument_id
                and b.status = 'ACTIVE'
             union
             select b.strategy_version_id
               from bot_legs g
               join bots b on b.id = g.bot_id
              where g.instrument_id = l.instrument_id
                and b.status = 'ACTIVE'
           ) u
      join strategy_versions v on v.id = u.strategy_version_id
     cross join lateral (
             select v.timeframe
             union all
             select x.timeframe from jsonb_to_recordset(v.further_windows) as x (timeframe timeframe)
           ) w
      join (values
             ('5m'::timeframe, 5), ('15m'::timeframe, 15), ('1h'::timeframe, 60), ('4h'::timeframe, 240), ('1d'::timeframe, 1440)
           ) as t (timeframe, minutes) on t.timeframe = w.timeframe
  )
  select n.instrument_id, n.timeframe, w.open_at
    from needed n
   cross join lateral (
           select date_bin(make_interval(mins => n.minutes), p_now, 'epoch'::timestamptz) - make_interval(mins => n.minutes) as open_at
         ) w
   where p_now < w.open_at + make_interval(mins => n.minutes) + interval '5 minutes'
     and not exists (
           select
             from candles k
            where k.instrument_id = n.instrument_id
              and k.timeframe = n.timeframe
              and k.open_at = w.open_at
         );
$$;
comment on function botbox.find_uncovered_windows is
  'Windows that closed in the last five minutes and could not be rolled up because minutes are missing: the exchange''s own candle is to be fetched.';
