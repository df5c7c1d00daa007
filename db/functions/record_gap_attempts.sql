create function botbox.record_gap_attempts(p_attempts jsonb, p_now timestamptz default now())
returns integer
language sql
set search_path = botbox, pg_temp
as $$
  with tried as (
    select t.instrument_id, t.timeframe, t.gap_from, t.gap_to, t.error
      from jsonb_to_recordset(p_attempts) as t (instrument_id bigint, timeframe timeframe, gap_from timestamptz, gap_to timestamptz, error text)
  ),
  written as (
    update candle_gaps g
       set tried_at = p_now,
           attempts = g.attempts + case when t.error is null then 1 else 0 end,
           -- Three answers without the candles, the last after seven hours: the exchange has none. A failed call is no answer.
           next_attempt_at = case
             when t.error is not null then p_now + interval '5 minutes'
             when g.attempts = 0 then p_now + interval '1 hour'
             when g.attempts = 1 then p_now + interval '6 hours'
           end,
           confirmed_at = case when t.error is null and g.attempts >= 2 then p_now end
      from tried t
     where g.instrument_id = t.instrument_id
       and g.timeframe = t.timeframe
       and g.gap_from = t.gap_from
       and g.gap_to = t.gap_to
       and g.confirmed_at is null
    returning g.confirmed_at
  )
  select count(w.confirmed_at)::integer from written w;
$$;
comment on function botbox.record_gap_attempts is
  'Notes what the exchange answered about gaps [{instrument_id, timeframe, gap_from, gap_to, error}]: asked again after an hour, after six more, then CONFIRMED; answers how many were confirmed.';
