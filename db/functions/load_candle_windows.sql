create function botbox.load_candle_windows(p_requests jsonb, p_now timestamptz default now())
returns table (
  instrument_id bigint,
  timeframe botbox.timeframe,
  is_whole boolean,
  candles integer,
  open_at double precision[],
  open double precision[],
  high double precision[],
  low double precision[],
  close double precision[],
  volume double precision[],
  recorded_at double precision[],
  history_revision bigint,
  previous_direction botbox.regime_direction,
  previous_volatility botbox.regime_volatility
)
language sql
stable
set search_path = botbox, pg_temp
as $$
  with requests as (
    select r.*, f.history_revision as stored_revision,
           to_timestamp(r.first_at / 1000) as first_known,
           to_timestamp(r.last_at / 1000) as last_known,
           -- No look-ahead: a candle is visible only once its end has passed.
           p_now - case r.timeframe
             when '1m' then interval '1 minute'
             when '5m' then interval '5 minutes'
             when '15m' then interval '15 minutes'
             when '1h' then interval '1 hour'
             when '4h' then interval '4 hours'
             else interval '1 day'
           end as open_until
      from jsonb_to_recordset(p_requests) as r (
             instrument_id bigint, timeframe timeframe, candles integer,
             first_at double precision, last_at double precision, known integer, recorded numeric, history_revision bigint
           )
      left join feeds f on f.instrument_id = r.instrument_id
  ),
  -- Whether what the worker holds is what is stored, its last candle aside. Once each: the answer is asked for at four places.
  asked as materialized (
    select r.*,
           case
             when r.known is null or r.last_known > r.open_until then false
             -- Nothing but new candles since. Minutes alone are ever deleted, none of them within a week.
             when r.history_revision = r.stored_revision
               and (r.timeframe <> '1m' or r.first_known > p_now - interval '7 days') then true
             -- What came before a window that is short would lengthen it.
             when r.known < r.candles then false
             -- Candle by candle: one that came late or was corrected has a later recorded_at, and one that is gone is missing in the count.
             else coalesce((
               select count(k.open_at) = r.known
                      -- Summed as intervals: 200 windows of 585 candles are compared in 96 ms, as numbers in 208.
                      and extract(epoch from sum(k.recorded_at - 'epoch') filter (where k.open_at < r.last_known)) * 1000000
                          is not distinct from r.recorded
                 from candles k
                where k.instrument_id = r.instrument_id
                  and k.timeframe = r.timeframe
                  and k.open_at >= r.first_known
                  and k.open_at <= r.last_known
             ), false)
           end as is_known
      from requests r
  )
  select r.instrument_id, r.timeframe, not r.is_known, n.candles, w.open_at, w.open, w.high, w.low, w.close, w.volume, w.recorded_at,
         r.stored_revision, g.direction, g.volatility
    from asked r
    -- A whole window is as long as the most demanding bot needs it, so that no later check asks for more of it.
   cross join lateral (
           select case
                    when r.is_known then r.candles
                    else greatest(r.candles, (
                           select max(d.history)
                             from bots b
                             join strategy_versions v on v.id = b.strategy_version_id
                            cross join lateral (
                                    select v.timeframe, v.history
                                    union all
                                    select x.timeframe, x.history
                                      from jsonb_to_recordset(v.further_windows) as x (timeframe timeframe, history integer)
                                  ) d
                            where b.status = 'ACTIVE'
                              and d.timeframe = r.timeframe
                              and b.id in (
                                    select y.id from bots y where y.instrument_id = r.instrument_id
                                    union all
                                    select z.bot_id from bot_legs z where z.instrument_id = r.instrument_id
                                  )
                         ))
                  end as candles
         ) n
   cross join lateral (
           select array_agg(extract(epoch from k.open_at)::double precision * 1000 order by k.open_at) as open_at,
                  array_agg(k.open::double precision order by k.open_at) as open,
                  array_agg(k.high::double precision order by k.open_at) as high,
                  array_agg(k.low::double precision order by k.open_at) as low,
                  array_agg(k.close::double precision order by k.open_at) as close,
                  array_agg(k.volume::double precision order by k.open_at) as volume,
                  array_agg((extract(epoch from k.recorded_at) * 1000000)::double precision order by k.open_at) as recorded_at
             from (
               select c.*
                 from candles c
                where c.instrument_id = r.instrument_id
                  and c.timeframe = r.timeframe
                  and c.open_at <= r.open_until
                  and c.open_at >= case when r.is_known then r.last_known else '-infinity' end
                order by c.open_at desc
                -- One more than are asked for, since the last known one is told again.
                limit n.candles + r.is_known::integer
             ) k
         ) w
    -- The regime at the candle before: its thresholds have hysteresis.
    left join lateral (
           select x.direction, x.volatility
             from regimes x
            where x.instrument_id = r.instrument_id
              and x.timeframe = r.timeframe
              and x.candle_at < to_timestamp(w.open_at[cardinality(w.open_at)] / 1000)
            order by x.candle_at desc
            limit 1
         ) g on true
   where w.open_at is not null;
$$;
comment on function botbox.load_candle_windows is
  'The newest closed candles per instrument and timeframe as columns, oldest first, times in epoch milliseconds; floats, for indicators only. To whom tells what it holds - first_at, last_at, known (count), recorded (sum of recorded_at in epoch microseconds, all but the last), history_revision (as it was told) - only the candles from last_at on, unless something before has changed: is_whole, then of as many candles as any active bot needs.';
