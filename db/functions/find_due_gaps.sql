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
  select g.instrument_id, i.exchange_id, i.symbol, g.timeframe, g.gap_from, g.gap_to
    from (
           select d.*
             from candle_gaps d
            where d.confirmed_at is null
              and d.next_attempt_at <= p_now
            order by d.next_attempt_at
            limit p_limit
         ) g
    join instruments i on i.id = g.instrument_id
    join circuit_breakers k on k.exchange_id = i.exchange_id and k.state = 'CLOSED'
   where i.is_trading
     -- Two questions that an index answers each: asked as one they read every bot for every market.
     and (
       exists (select from bots b where b.instrument_id = g.instrument_id and b.status <> 'DELETED')
       or exists (select from bot_legs l where l.instrument_id = g.instrument_id and (select b.status from bots b where b.id = l.bot_id) <> 'DELETED')
     )
   order by g.instrument_id, g.timeframe, g.gap_from;
$$;
comment on function botbox.find_due_gaps is
  'Gaps that the exchange is to be asked about now, by instrument, timeframe and time; none while its breaker is not CLOSED.';
