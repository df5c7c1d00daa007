create function botbox.load_funding_rates(p_instrument_ids bigint[], p_limit integer default 100, p_now timestamptz default now())
returns table (instrument_id bigint, funding_at double precision[], rate double precision[])
language sql
stable
set search_path = botbox, pg_temp
as $$
  select i.id, r.funding_at, r.rate
    from unnest(p_instrument_ids) as i (id)
   cross join lateral (
           select array_agg(extract(epoch from k.funding_at)::double precision * 1000 order by k.funding_at) as funding_at,
                  array_agg(k.rate::double precision order by k.funding_at) as rate
             from (
               select f.funding_at, f.rate
                 from funding_rates f
                where f.instrument_id = i.id
                  -- No look-ahead: a rate is known once it has been settled.
                  and f.funding_at <= p_now
                order by f.funding_at desc
                limit p_limit
             ) k
         ) r
   where r.funding_at is not null;
$$;
comment on function botbox.load_funding_rates is
  'The newest settled funding rates per instrument as columns, oldest first, times in epoch milliseconds; instruments without any are left out.';
