create function botbox.find_due_gaps(p_limit integer default 1000, p_now timestamptz default now())
returns table (
  instrument_id bigint,
  exchange_id text,
  symbol text,
  timeframe botbox.timeframe,
  gap_from timestamptz,
  gap_to timestamptz
)
language sql
stable
set search_path = botbox, pg_temp
as $$
  with due as materialized (
    select d.instrument_id, d.timeframe, d.gap_from, d.gap_to
      from candle_gaps d
     where d.confirmed_at is null
       and d.next_attempt_at <= p_now
     order by d.next_attempt_at
     limit p_limit
  ),
  -- Once for each market, not for each of its gaps or, as a planner may have it, for each pair of a gap and a market.
  followed as materialized (
    select m.instrument_id
      from (select distinct d.instrument_id from due d) m
     -- Two questions that an index answers each: asked as one they read every bot for every market.
     where exists (select from bots b where b.instrument_id = m.instrument_id and b.status <> 'DELETED')
        or exists (select from bot_legs l where l.instrument_id = m.instrument_id and (select b.status from bots b where b.id = l.bot_id) <> 'DELETED')
  )
  select d.instrument_id, i.exchange_id, i.symbol, d.timeframe, d.gap_from, d.gap_to
    from due d
    join followed f on f.instrument_id = d.instrument_id
    join instruments i on i.id = d.instrument_id
    join circuit_breakers k on k.exchange_id = i.exchange_id and k.state = 'CLOSED'
   where i.is_trading
   order by d.instrument_id, d.timeframe, d.gap_from;
$$;
comment on function botbox.find_due_gaps is
  'Gaps that the exchange is to be asked about now, by instrument, timeframe and time; none while its breaker is not CLOSED.';
