create function botbox.record_clock_offset(p_exchange_id text, p_offset_ms double precision, p_now timestamptz default now())
returns void
language sql
set search_path = botbox, pg_temp
as $$
  update exchanges
     set clock_offset_ms = p_offset_ms, clock_measured_at = p_now
   where id = p_exchange_id;
$$;
comment on function botbox.record_clock_offset is
  'Notes how far the exchange''s clock was ahead of the worker''s that measured it, for people; each process uses its own measurement.';
