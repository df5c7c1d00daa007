create function botbox.refresh_candle_gaps(p_instrument_ids bigint[], p_since timestamptz, p_now timestamptz default now())
returns integer
language sql
set search_path = botbox, pg_temp
as $$
  with frames as (
    select distinct l.instrument_id, t.timeframe, t.length
      from unnest(p_instrument_ids) as l (instrument_id)
      -- Each version once, found by the market: of 100,000 bots most look at others.
     cross join lateral (
             select b.strategy_version_id
               from bots b
              where b.instrument_id = l.instrument_id
                and b.status <> 'DELETED'
             union
             select b.strategy_version_id
               from bot_legs g
               join bots b on b.id = g.bot_id
              where g.instrument_id = l.instrument_id
                and b.status <> 'DELETED'
           ) u
      join strategy_versions v on v.id = u.strategy_version_id
     cross join lateral (
             select '1m'::timeframe as timeframe
             union all
             select v.timeframe
             union all
             select x.timeframe from jsonb_to_recordset(v.further_windows) as x (timeframe timeframe)
           ) w
      join (values
             ('1m'::timeframe, interval '1 minute'), ('5m', interval '5 minutes'), ('15m', interval '15 minutes'),
             ('1h', interval '1 hour'), ('4h', interval '4 hours'), ('1d', interval '1 day')
           ) as t (timeframe, length) on t.timeframe = w.timeframe
  ),
  found as (
    select k.instrument_id, k.timeframe, k.previous_at + k.length as gap_from, k.open_at as gap_to
      from (
             select c.instrument_id, c.timeframe, f.length, c.open_at,
                    lag(c.open_at) over (partition by c.instrument_id, c.timeframe order by c.open_at) as previous_at
               from frames f
               join candles c
                 on c.instrument_id = f.instrument_id
                and c.timeframe = f.timeframe
                and c.open_at >= p_since
                and c.open_at < p_now
           ) k
     where k.open_at > k.previous_at + k.length
  ),
  closed as (
    delete from candle_gaps g
     using frames f
     where g.instrument_id = f.instrument_id
       and g.timeframe = f.timeframe
       -- The candle before a gap must lie within the range as well, or the gap cannot be seen.
       and g.gap_from >= p_since + f.length
       and not exists (
             select
               from found n
              where n.instrument_id = g.instrument_id
                and n.timeframe = g.timeframe
                and n.gap_from = g.gap_from
           )
  ),
  written as (
    insert into candle_gaps as g (instrument_id, timeframe, gap_from, gap_to, found_at, next_attempt_at)
    select n.instrument_id, n.timeframe, n.gap_from, n.gap_to, p_now, p_now
      from found n
     order by n.instrument_id, n.timeframe, n.gap_from
    on conflict (instrument_id, timeframe, gap_from) do update
       -- A part of it has come: what is left is asked for anew.
       set gap_to = excluded.gap_to,
           attempts = 0,
           next_attempt_at = p_now,
           confirmed_at = null
     where g.gap_to <> excluded.gap_to
    returning 1
  )
  select count(*)::integer from written;
$$;
comment on function botbox.refresh_candle_gaps is
  'Compares the known gaps of followed instruments with the candles since a time: minutes and the timeframes that strategies look at. New gaps are due at once, closed ones are forgotten; answers how many are new or changed.';
