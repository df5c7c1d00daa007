create function botbox.record_funding_rates(p_results jsonb, p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_stored integer;
  v_changed bigint[];
begin
  -- Feeds in id order, as record_candles takes them, so that two batches cannot wait for each other.
  perform 1
     from feeds f
    where f.instrument_id in (select r.instrument_id from jsonb_to_recordset(p_results) as r (instrument_id bigint))
    order by f.instrument_id
      for no key update;

  with written as (
    insert into funding_rates as f (instrument_id, funding_at, rate, recorded_at)
    select r.instrument_id, to_timestamp((e.value ->> 0)::numeric / 1000), (e.value ->> 1)::numeric, p_now
      from jsonb_to_recordset(p_results) as r (instrument_id bigint, rates jsonb)
     cross join lateral jsonb_array_elements(r.rates) as e (value)
     order by 1, 2
    on conflict (instrument_id, funding_at) do update
       set rate = excluded.rate,
           recorded_at = p_now
     where f.rate <> excluded.rate
    returning f.instrument_id
  )
  select count(*), array_agg(distinct w.instrument_id) into v_stored, v_changed from written w;

  update feeds f
     set funding_revision = f.funding_revision + case when f.instrument_id = any (v_changed) then 1 else 0 end,
         funding_error = r.error,
         funding_due_at = case
           when r.error is not null then p_now + interval '1 minute'
           when n.next_at > p_now then n.next_at + interval '5 seconds'
           -- Published late, or not at all: every minute for an hour, then hourly.
           when n.next_at > p_now - interval '1 hour' then p_now + interval '1 minute'
           else p_now + interval '1 hour'
         end
    from jsonb_to_recordset(p_results) as r (instrument_id bigint, error text)
    left join lateral (
           -- Intervals differ and change: the shortest of the last few is the present one. Stamps may be some milliseconds past the hour.
           select max(x.funding_at) + coalesce(
                    date_bin(interval '1 minute', 'epoch'::timestamptz + min(x.funding_at - x.previous_at) + interval '30 seconds', 'epoch'::timestamptz)
                      - 'epoch'::timestamptz,
                    interval '8 hours'
                  ) as next_at
             from (
                    select k.funding_at, lag(k.funding_at) over (order by k.funding_at) as previous_at
                      from (
                             select y.funding_at
                               from funding_rates y
                              where y.instrument_id = r.instrument_id
                              order by y.funding_at desc
                              limit 4
                           ) k
                  ) x
         ) n on true
   where f.instrument_id = r.instrument_id;
  return v_stored;
end
$$;
comment on function botbox.record_funding_rates is
  'Stores fetched funding rates [{instrument_id, rates: [[funding_ms, rate]], error}], each once, and says when the exchange is asked next: after the next funding time, which the spacing of the rates tells.';
