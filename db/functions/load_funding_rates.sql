create function botbox.load_funding_rates(
  p_instrument_ids bigint[],
  p_limit integer default 100,
  p_held jsonb default '[]',
  p_now timestamptz default now()
)
returns table (instrument_id bigint, funding_at double precision[], rate double precision[], revision bigint)
language sql
stable
set search_path = botbox, pg_temp
as $$
  -- Rates are settled a few times a day and asked for every minute: mostly nothing has changed.
  with changed as materialized (
    select i.id, f.funding_revision
      from unnest(p_instrument_ids) as i (id)
      left join feeds f on f.instrument_id = i.id
      left join jsonb_to_recordset(p_held) as h (instrument_id bigint, last_at double precision, revision bigint) on h.instrument_id = i.id
     where h.instrument_id is null
        or h.revision is distinct from f.funding_revision
        -- Also what was stored ahead of its time and has been settled since.
        or to_timestamp(h.last_at / 1000) is distinct from (
             select max(k.funding_at) from funding_rates k where k.instrument_id = i.id and k.funding_at <= p_now
           )
  )
  select c.id, r.funding_at, r.rate, c.funding_revision
    from changed c
   cross join lateral (
           select array_agg(extract(epoch from k.funding_at)::double precision * 1000 order by k.funding_at) as funding_at,
                  array_agg(k.rate::double precision order by k.funding_at) as rate
             from (
               select f.funding_at, f.rate
                 from funding_rates f
                where f.instrument_id = c.id
                  -- No look-ahead: a rate is known once it has been settled.
                  and f.funding_at <= p_now
                order by f.funding_at desc
                limit p_limit
             ) k
         ) r
   where r.funding_at is not null;
$$;
comment on function botbox.load_funding_rates is
  'The newest settled funding rates per instrument as columns, oldest first, times in epoch milliseconds; instruments without any are left out, and so are those of which the caller holds [{instrument_id, last_at, revision}] what is stored.';
