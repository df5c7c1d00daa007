create function botbox.record_candles(p_batch jsonb, p_now timestamptz default now())
returns table (instrument_id bigint, stored integer, rolled_up integer)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_fetch record;
  v_stored integer;
  v_first timestamptz;
  v_last timestamptz;
  v_rolled integer;
  v_newest timestamptz;
  v_is_history boolean;
begin
  -- Feeds in id order, so that two batches cannot wait for each other.
  for v_fetch in
    select b.*
      from jsonb_to_recordset(p_batch) as b (
             instrument_id bigint, timeframe timeframe, candles jsonb, fetched_at timestamptz, refused_rows integer, backfilled integer,
             source text, covered_from timestamptz, covered_to timestamptz
           )
     order by b.instrument_id, b.timeframe
  loop
    -- Instead of a foreign key, which candles do not have.
    if not exists (select from instruments i where i.id = v_fetch.instrument_id) then
      raise exception 'there is no instrument %', v_fetch.instrument_id using errcode = 'foreign_key_violation';
    end if;
    -- Writers of one instrument take turns. Whether a candle comes last is judged by all that are stored: two that do not see each
    -- other would both be last, and the later of them would come between without being told as such.
    perform pg_advisory_xact_lock(hashtextextended('botbox.record_candles ' || v_fetch.instrument_id, 0));
    with given as (
      -- An exchange may send a candle twice; the later one counts.
      select distinct on ((c.value ->> 0)::numeric)
             to_timestamp((c.value ->> 0)::numeric / 1000) as open_at,
             (c.value ->> 1)::numeric as open,
             (c.value ->> 2)::numeric as high,
             (c.value ->> 3)::numeric as low,
             (c.value ->> 4)::numeric as close,
             (c.value ->> 5)::numeric as volume
        from jsonb_array_elements(v_fetch.candles) with ordinality c (value, position)
       order by (c.value ->> 0)::numeric, c.position desc
    ),
    written as (
      insert into candles as k (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native, recorded_at)
      select v_fetch.instrument_id, v_fetch.timeframe, g.open_at, g.open, g.high, g.low, g.close, g.volume, true, p_now
        from given g
       order by g.open_at
      on conflict (instrument_id, timeframe, open_at) do update
         set open = excluded.open,
             high = excluded.high,
             low = excluded.low,
             close = excluded.close,
             volume = excluded.volume,
             is_native = true,
             -- Later than before by any clock: workers see by it that a candle has changed.
             recorded_at = greatest(p_now, k.recorded_at + interval '1 microsecond')
       where (k.open, k.high, k.low, k.close, k.volume, k.is_native)
             is distinct from (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, true)
      returning k.open_at
    )
    select count(*), min(w.open_at), max(w.open_at),
           -- The statement does not see its own candles: the newest of before. From the first given one on, so that a hypertable's older
           -- chunks are left alone.
           (
             select max(k.open_at)
               from candles k
              where k.instrument_id = v_fetch.instrument_id
                and k.timeframe = v_fetch.timeframe
                and k.open_at >= (select min(g.open_at) from given g)
           )
      into v_stored, v_first, v_last, v_newest
      from written w;
    -- The newest minute may change: whoever holds it is told it once more with the next. A longer candle's next one may be a day away.
    v_is_history := v_first < v_newest or (v_first = v_newest and v_fetch.timeframe <> '1m');

    v_rolled := 0;
    if v_stored > 0 then
      v_rolled := roll_up_candles(
        p_instrument_id => v_fetch.instrument_id, p_timeframe => v_fetch.timeframe, p_from => v_first, p_to => v_last, p_now => p_now
      );
    end if;

    -- In the same transaction as the candles: whoever goes on after a crash asks for nothing twice and passes over nothing.
    if v_fetch.source is not null then
      insert into candle_coverage as h (instrument_id, timeframe, source, covered, candles, refused_rows, updated_at)
      values (
        v_fetch.instrument_id, v_fetch.timeframe, v_fetch.source,
        tstzmultirange(tstzrange(v_fetch.covered_from, v_fetch.covered_to)), v_stored, coalesce(v_fetch.refused_rows, 0), p_now
      )
      on conflict (instrument_id, timeframe, source) do update
         set covered = h.covered + excluded.covered,
             candles = h.candles + excluded.candles,
             refused_rows = h.refused_rows + excluded.refused_rows,
             updated_at = p_now;
    end if;

    if v_fetch.backfilled is not null then
      insert into feed_backfills (instrument_id, timeframe, candles, completed_at)
      values (v_fetch.instrument_id, v_fetch.timeframe, v_fetch.backfilled, p_now)
      on conflict (instrument_id, timeframe) do update
         set candles = greatest(feed_backfills.candles, excluded.candles),
             completed_at = excluded.completed_at;
    end if;

    update feeds f
       set revision = f.revision + case when v_stored > 0 then 1 else 0 end,
           history_revision = f.history_revision + case when v_is_history then 1 else 0 end,
           -- Rows of an imported file are not the exchange's.
           refused_rows = f.refused_rows + case when v_fetch.source = 'IMPORT' then 0 else coalesce(v_fetch.refused_rows, 0) end,
           last_candle_at = case when v_fetch.timeframe = '1m' then greatest(f.last_candle_at, v_last) else f.last_candle_at end,
           fetched_at = case when v_fetch.timeframe = '1m' then greatest(f.fetched_at, v_fetch.fetched_at) else f.fetched_at end
     where f.instrument_id = v_fetch.instrument_id;

    return query select v_fetch.instrument_id, v_stored, v_rolled;
  end loop;
end
$$;
comment on function botbox.record_candles is
  'Stores fetched closed candles, corrects changed ones, rolls them up and moves the feed''s freshness; a batch of several instruments and timeframes, candles as [open_ms, open, high, low, close, volume]. With source, covered_from and covered_to the range counts as covered.';
