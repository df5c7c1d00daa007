create function botbox.begin_backfill(
  p_instrument_id bigint,
  p_timeframe botbox.timeframe,
  p_from timestamptz,
  p_to timestamptz,
  p_source text default 'BACKFILL',
  p_afresh boolean default false,
  p_now timestamptz default now()
)
returns table (range_from timestamptz, range_to timestamptz)
language sql
set search_path = botbox, pg_temp
as $$
  with begun as (
    insert into candle_coverage as h (instrument_id, timeframe, source, covered, wanted_from, wanted_to, updated_at)
    select p_instrument_id, p_timeframe, p_source,
           -- What workers had fetched of it is not fetched again, but is kept from now on like the rest.
           case
             when p_source = 'BACKFILL' and not p_afresh then coalesce((
               select f.covered * tstzmultirange(tstzrange(p_from, p_to))
                 from candle_coverage f
                where f.instrument_id = p_instrument_id
                  and f.timeframe = p_timeframe
                  and f.source = 'FEED'
             ), '{}')
             else '{}'
           end,
           p_from, p_to, p_now
     where p_source <> 'FEED'
    on conflict (instrument_id, timeframe, source) do update
       set wanted_from = excluded.wanted_from,
           wanted_to = excluded.wanted_to,
           -- Afresh: what was fetched of this range before counts no more.
           covered = case when p_afresh then h.covered - tstzmultirange(tstzrange(p_from, p_to)) else h.covered + excluded.covered end,
           updated_at = p_now
    returning 1
  ),
  -- What workers fetched for their bots was fetched from the same exchange; an imported file may be anybody's.
  present as (
    select coalesce(range_agg(c.part), '{}') as covered
      from candle_coverage h
     cross join lateral unnest(h.covered) as c (part)
     where h.instrument_id = p_instrument_id
       and h.timeframe = p_timeframe
       and h.source in ('FEED', 'BACKFILL')
       and not p_afresh
  )
  select lower(r.part), upper(r.part)
    from present p
   cross join lateral unnest(tstzmultirange(tstzrange(p_from, p_to)) - p.covered) as r (part)
   order by lower(r.part);
$$;
comment on function botbox.begin_backfill is
  'Notes the range of history that is wanted and answers the parts of it that were not fetched yet, oldest first; a run that was stopped goes on with them.';
