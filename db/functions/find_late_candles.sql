create function botbox.find_late_candles(p_windows jsonb, p_since timestamptz, p_limit integer default 1000)
returns table (instrument_id bigint, timeframe botbox.timeframe, open_at timestamptz, recorded_at timestamptz)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select c.instrument_id, c.timeframe, c.open_at, c.recorded_at
    from jsonb_to_recordset(p_windows) as w (instrument_id bigint, timeframe timeframe, first_at timestamptz, last_at timestamptz)
    join candles c
      on c.instrument_id = w.instrument_id
     and c.timeframe = w.timeframe
     and c.open_at between w.first_at and w.last_at
   -- Corrections of one moment are microseconds apart: whoever decided in that millisecond saw the last of them.
   where c.recorded_at >= p_since + interval '1 millisecond'
   order by c.instrument_id, c.timeframe, c.open_at
   limit p_limit;
$$;
comment on function botbox.find_late_candles is
  'Candles within the windows [{instrument_id, timeframe, first_at, last_at}] that were stored or corrected after a moment: whoever decided then saw others.';
