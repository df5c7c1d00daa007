create function botbox.roll_up_candles(
  p_instrument_id bigint,
  p_timeframe botbox.timeframe,
  p_from timestamptz,
  p_to timestamptz,
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_step record;
  v_length interval;
  v_first timestamptz;
  v_last timestamptz;
  v_rows integer;
  v_is_history boolean;
  v_total integer := 0;
begin
  -- Each timeframe from the one below it, the exchange's own candles among them: where a minute is missing and the exchange gave its
  -- five-minute candle, the hour is still covered. Where all are there the result is that of the minutes.
  for v_step in
    select *
      from (values
        ('1m'::timeframe, '5m'::timeframe, 5, 5),
        ('5m', '15m', 15, 3),
        ('15m', '1h', 60, 4),
        ('1h', '4h', 240, 4),
        ('4h', '1d', 1440, 6)
      ) as s (part, whole, minutes, parts)
     where s.part >= p_timeframe
     order by s.part
  loop
    -- Windows that contain one of the given candles and are over: the one that ends now, or one of which a part came late.
    v_length := make_interval(mins => v_step.minutes);
    v_first := date_bin(v_length, p_from, 'epoch'::timestamptz);
    v_last := date_bin(v_length, least(p_to, p_now - v_length), 'epoch'::timestamptz);
    -- Four minutes of five end no window at all.
    continue when v_first > v_last;
    with written as (
      insert into candles as k (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native, recorded_at)
      select p_instrument_id, v_step.whole, w.window_at, a.open, a.high, a.low, a.close, a.volume, false, p_now
        from generate_series(v_first, v_last, v_length) as w (window_at)
       -- Window by window from the index: joined as sets, all candles of the instrument were read for one that has ended.
       cross join lateral (
               select count(*) as parts, (array_agg(m.open order by m.open_at))[1] as open, max(m.high) as high, min(m.low) as low,
                      (array_agg(m.close order by m.open_at desc))[1] as close, sum(m.volume) as volume
                 from candles m
                where m.instrument_id = p_instrument_id
                  and m.timeframe = v_step.part
                  and m.open_at >= w.window_at
                  and m.open_at < w.window_at + v_length
                  -- The same in figures that are known before, so that a hypertable's other chunks are left alone.
                  and m.open_at >= v_first
                  and m.open_at < v_last + v_length
             ) a
       where a.parts = v_step.parts
      on conflict (instrument_id, timeframe, open_at) do update
         set open = excluded.open,
             high = excluded.high,
             low = excluded.low,
             close = excluded.close,
             volume = excluded.volume,
             -- Later than before by any clock: workers see by it that a candle has changed.
             recorded_at = greatest(p_now, k.recorded_at + interval '1 microsecond')
       -- The exchange's own candle wins over ours.
       where not k.is_native
         and (k.open, k.high, k.low, k.close, k.volume) is distinct from (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
      returning k.open_at
    )
    select count(*),
           coalesce(min(w.open_at) <= (
             select max(k.open_at)
               from candles k
              where k.instrument_id = p_instrument_id
                and k.timeframe = v_step.whole
                and k.open_at >= v_first
           ), false)
      into v_rows, v_is_history
      from written w;
    -- Also where it is the newest that has changed: nobody asks for it again before the next one closes, which may be tomorrow.
    if v_is_history then
      update feeds f set history_revision = f.history_revision + 1 where f.instrument_id = p_instrument_id;
    end if;
    v_total := v_total + v_rows;
  end loop;
  return v_total;
end
$$;
comment on function botbox.roll_up_candles is
  'Rolls the candles of a timeframe from p_from to p_to up into all longer ones, each from the one below it: only windows of which every part is there, and never over a native candle.';
