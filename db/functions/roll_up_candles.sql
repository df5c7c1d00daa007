create function botbox.roll_up_candles(
  p_instrument_id bigint,
  p_from timestamptz,
  p_to timestamptz,
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_frame record;
  v_rows integer;
  v_total integer := 0;
begin
  for v_frame in
    select *
      from (values
        ('5m'::timeframe, 5), ('15m'::timeframe, 15), ('1h'::timeframe, 60), ('4h'::timeframe, 240), ('1d'::timeframe, 1440)
      ) as f (timeframe, minutes)
  loop
    insert into candles as k (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native, recorded_at)
    select p_instrument_id, v_frame.timeframe, w.window_at,
           (array_agg(m.open order by m.open_at))[1],
           max(m.high),
           min(m.low),
           (array_agg(m.close order by m.open_at desc))[1],
           sum(m.volume),
           false,
           p_now
      -- Windows that contain one of the given minutes and are over: the one that ends now, or one of which a minute came late.
      from generate_series(
             date_bin(make_interval(mins => v_frame.minutes), p_from, 'epoch'::timestamptz),
             least(p_to, p_now - make_interval(mins => v_frame.minutes)),
             make_interval(mins => v_frame.minutes)
           ) as w (window_at)
      join candles m
        on m.instrument_id = p_instrument_id
       and m.timeframe = '1m'
       and m.open_at >= w.window_at
       and m.open_at < w.window_at + make_interval(mins => v_frame.minutes)
     group by w.window_at
    having count(*) = v_frame.minutes
    on conflict (instrument_id, timeframe, open_at) do update
       set open = excluded.open,
           high = excluded.high,
           low = excluded.low,
           close = excluded.close,
           volume = excluded.volume,
           recorded_at = p_now
     -- The exchange's own candle wins over ours.
     where not k.is_native
       and (k.open, k.high, k.low, k.close, k.volume) is distinct from (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume);
    get diagnostics v_rows = row_count;
    v_total := v_total + v_rows;
  end loop;
  return v_total;
end
$$;
comment on function botbox.roll_up_candles is
  'Rolls the minutes from p_from to p_to up into 5m, 15m, 1h, 4h and 1d: only windows of which every minute is there, and never over a native candle.';
