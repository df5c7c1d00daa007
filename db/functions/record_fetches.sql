create function botbox.record_fetches(p_results jsonb, p_worker_id text, p_now timestamptz default now())
returns void
language sql
set search_path = botbox, pg_temp
as $$
  with results as (
    select r.instrument_id, r.error
      from jsonb_to_recordset(p_results) as r (instrument_id bigint, error text)
  ),
  held as (
    select f.instrument_id
      from feeds f
      join results r on r.instrument_id = f.instrument_id
     where f.claimed_by = p_worker_id
     order by f.instrument_id
       for update of f
  ),
  ended as (
    update feeds f
       set claimed_by = null,
           claimed_until = null,
           consecutive_failures = case when r.error is null then 0 else f.consecutive_failures + 1 end,
           last_error = r.error,
           next_fetch_at = case
             when r.error is null then date_trunc('minute', p_now) + interval '1 minute'
             -- A failed fetch comes again after 1, 2, 4 … seconds, at the latest after 30.
             else p_now + make_interval(secs => least(2 ^ least(f.consecutive_failures, 5), 30))
           end
      from results r
      join held h on h.instrument_id = r.instrument_id
     where f.instrument_id = r.instrument_id
    returning f.instrument_id
  )
  select pg_notify('botbox_candles', count(*)::text) from ended;
$$;
comment on function botbox.record_fetches is
  'Ends the claims of a round of fetches: the next one is due at the next full minute, after a failure sooner.';
