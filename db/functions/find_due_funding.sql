create function botbox.find_due_funding(p_now timestamptz default now())
returns table (instrument_id bigint, exchange_id text, symbol text, since_at timestamptz)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select f.instrument_id, i.exchange_id, i.symbol, coalesce(r.funding_at, p_now - interval '30 days')
    from feeds f
    join instruments i on i.id = f.instrument_id
    join circuit_breakers k on k.exchange_id = i.exchange_id and k.state = 'CLOSED'
    left join lateral (
           select max(x.funding_at) as funding_at from funding_rates x where x.instrument_id = f.instrument_id
         ) r on true
   where i.market_type = 'LINEAR'
     and coalesce(f.funding_due_at <= p_now, true)
     -- Two questions that an index answers each: asked as one they read every bot for every market.
     and (
       exists (select from bots b where b.instrument_id = f.instrument_id and b.status <> 'DELETED')
       or exists (select from bot_legs l where l.instrument_id = f.instrument_id and (select b.status from bots b where b.id = l.bot_id) <> 'DELETED')
     )
   order by f.instrument_id;
$$;
comment on function botbox.find_due_funding is
  'Perpetuals that living bots have as a leg and whose funding rates are due, with the time from which they are to be fetched: the last one known, at first 30 days back.';
