create function botbox.refresh_correlations(p_now timestamptz default now())
returns integer
language sql
set search_path = botbox, pg_temp
as $$
  with returns as (
    select k.instrument_id,
           k.open_at,
           ln(k.close / lag(k.close) over (partition by k.instrument_id order by k.open_at))::double precision as log_return
      from candles k
     where k.timeframe = '1h'
       and k.open_at > p_now - interval '30 days'
       and k.instrument_id in (select f.instrument_id from feeds f)
  ),
  pairs as (
    select a.instrument_id as instrument_a,
           b.instrument_id as instrument_b,
           corr(a.log_return, b.log_return) as rho,
           count(*)::integer as samples
      from returns a
      join returns b on b.open_at = a.open_at and b.instrument_id > a.instrument_id
     where a.log_return is not null
       and b.log_return is not null
     group by a.instrument_id, b.instrument_id
    having count(*) >= 24
  ),
  written as (
    insert into correlations (instrument_a, instrument_b, rho, samples, computed_at)
    select p.instrument_a, p.instrument_b, least(greatest(p.rho, -1), 1), p.samples, p_now
      from pairs p
     where p.rho is not null
       and p.rho <> 'NaN'
    on conflict (instrument_a, instrument_b) do update
       set rho = excluded.rho,
           samples = excluded.samples,
           computed_at = excluded.computed_at
    returning 1
  )
  select count(*)::integer from written;
$$;
comment on function botbox.refresh_correlations is
  'Pearson correlation of hourly log returns over the last 30 days for every pair of followed instruments with at least 24 common hours.';
