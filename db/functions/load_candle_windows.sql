create function botbox.load_candle_windows(p_requests jsonb, p_now timestamptz default now())
returns table (
  instrument_id bigint,
  timeframe botbox.timeframe,
  open_at double precision[],
  open double precision[],
  high double precision[],
  low double precision[],
  close double precision[],
  volume double precision[],
  previous_direction botbox.regime_direction,
  previous_volatility botbox.regime_volatility
)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select r.instrument_id, r.timeframe, w.open_at, w.open, w.high, w.low, w.close, w.volume, g.direction, g.volatility
    from jsonb_to_recordset(p_requests) as r (instrument_id bigint, timeframe timeframe, candles integer)
   cross join lateral (
           select array_agg(extract(epoch from k.open_at)::double precision * 1000 order by k.open_at) as open_at,
                  array_agg(k.open::double precision order by k.open_at) as open,
                  array_agg(k.high::double precision order by k.open_at) as high,
                  array_agg(k.low::double precision order by k.open_at) as low,
                  array_agg(k.close::double precision order by k.open_at) as close,
                  array_agg(k.volume::double precision order by k.open_at) as volume
             from (
               select c.*
                 from candles c
                where c.instrument_id = r.instrument_id
                  and c.timeframe = r.timeframe
                  -- No look-ahead: a candle is visible only once its end has passed.
                  and c.open_at <= p_now - case r.timeframe
                        when '1m' then interval '1 minute'
                        when '5m' then interval '5 minutes'
                        when '15m' then interval '15 minutes'
                        when '1h' then interval '1 hour'
                        when '4h' then interval '4 hours'
                        else interval '1 day'
                      end
                order by c.open_at desc
                limit r.candles
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
  'The newest closed candles per instrument and timeframe as columns, oldest first, times in epoch milliseconds; floats, for indicators only.';
