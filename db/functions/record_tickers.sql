create function botbox.record_tickers(p_exchange_id text, p_tickers jsonb, p_now timestamptz default now())
returns integer
language sql
set search_path = botbox, pg_temp
as $$
  with given as (
    select i.id, t.bid, t.ask, t.last, t.mark, t.quoted_at
      from jsonb_to_recordset(p_tickers) as t (symbol text, bid numeric, ask numeric, last numeric, mark numeric, quoted_at timestamptz)
      join instruments i on i.exchange_id = p_exchange_id and i.symbol = t.symbol
     where t.last > 0
       and coalesce(t.bid <= t.ask, true)
  ),
  written as (
    insert into tickers as k (instrument_id, bid, ask, last, mark, quoted_at, recorded_at)
    select g.id, nullif(g.bid, 0), nullif(g.ask, 0), g.last, nullif(g.mark, 0), g.quoted_at, p_now
      from given g
     order by g.id
    on conflict (instrument_id) do update
       set bid = excluded.bid,
           ask = excluded.ask,
           last = excluded.last,
           mark = excluded.mark,
           quoted_at = excluded.quoted_at,
           recorded_at = p_now
     where k.quoted_at < excluded.quoted_at
    returning instrument_id
  )
  select count(*)::integer from written;
$$;
comment on function botbox.record_tickers is 'Stores the newest prices of an exchange''s instruments; older and impossible ones (bid above ask, no price) are passed over.';
