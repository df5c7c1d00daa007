create function botbox.prune_minutes(
  p_life interval default interval '90 days',
  p_limit integer default 20000,
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_before timestamptz := p_now - p_life;
  v_known timestamptz := date_bin(interval '1 day', p_now - p_life, 'epoch'::timestamptz) + interval '1 day';
  v_chunk record;
  v_is_minutes boolean;
  v_rows integer;
begin
  -- What workers fetched for their bots counts as fetched only while it is there, or a later backfill would pass over it. By whole days,
  -- so that it is written once a day.
  update candle_coverage h
     set covered = h.covered - tstzmultirange(tstzrange('-infinity', v_known)),
         updated_at = p_now
   where h.timeframe = '1m'
     and h.source = 'FEED'
     and h.covered && tstzmultirange(tstzrange('-infinity', v_known));

  if is_hypertable(p_table => 'candles') then
    -- One worker at a time: the chunk that another one looks at would vanish under it.
    if not pg_try_advisory_xact_lock(hashtextextended('botbox.prune_minutes', 0)) then
      return 0;
    end if;
    v_before := '-infinity';
    for v_chunk in
      select c.chunk, c.range_start, c.range_end from find_old_chunks(p_table => 'candles', p_before => p_now - p_life) c
    loop
      -- A chunk holds minutes only or none of them: any row tells.
      execute format(
        'select coalesce((select candle_partition(k.timeframe) = candle_partition(''1m''::timeframe) from %s k limit 1), false)', v_chunk.chunk
      ) into v_is_minutes;
      continue when not v_is_minutes;
      if exists (
        select
          from candle_coverage h
         where h.timeframe = '1m'
           and h.source in ('BACKFILL', 'IMPORT')
           and h.covered && tstzrange(v_chunk.range_start, v_chunk.range_end)
      ) then
        -- History that a person asked for lies among them: the others go row by row, below.
        v_before := v_chunk.range_end;
        continue;
      end if;
      execute format('select count(*)::integer from %s', v_chunk.chunk) into v_rows;
      if drop_chunk(p_chunk => v_chunk.chunk) then
        return v_rows;
      end if;
    end loop;
  end if;

  with ranges as (
    select i.id as instrument_id, r.part
      from instruments i
      left join lateral (
             select range_agg(c.part) as kept
               from candle_coverage h
              cross join lateral unnest(h.covered) as c (part)
              where h.instrument_id = i.id
                and h.timeframe = '1m'
                and h.source in ('BACKFILL', 'IMPORT')
           ) k on true
     cross join lateral unnest(tstzmultirange(tstzrange('-infinity', v_before)) - coalesce(k.kept, '{}')) as r (part)
  ),
  old as (
    select c.instrument_id, c.open_at
      from ranges r
     cross join lateral (
             select k.instrument_id, k.open_at
               from candles k
              where k.instrument_id = r.instrument_id
                and k.timeframe = '1m'
                and k.open_at >= lower(r.part)
                and k.open_at < upper(r.part)
              order by k.open_at
              limit p_limit
           ) c
     limit p_limit
  )
  delete from candles c
   using old o
   where c.instrument_id = o.instrument_id
     and c.timeframe = '1m'
     and c.open_at = o.open_at;
  get diagnostics v_rows = row_count;

  delete from candle_gaps g where g.timeframe = '1m' and g.gap_to < p_now - p_life;
  return v_rows;
end
$$;
comment on function botbox.prune_minutes is
  'One-minute candles past their life go, those of longer timeframes and history that was backfilled or imported on request stay: on TimescaleDB one whole chunk, elsewhere up to p_limit rows. Answers how many went.';
