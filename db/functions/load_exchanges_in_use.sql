create function botbox.load_exchanges_in_use()
returns table (exchange_id text, market_types text[])
language sql
stable
set search_path = botbox, pg_temp
as $$
  -- Asked for every second by every guard, so market by market: 100,000 bots on 300 markets take 30 ms, joined to their markets they
  -- took more than a minute.
  select i.exchange_id, array_agg(distinct i.market_type::text order by i.market_type::text)
    from instruments i
   where exists (select from bots b where b.instrument_id = i.id and b.status <> 'DELETED')
      or exists (select from bot_legs l where l.instrument_id = i.id and (select b.status from bots b where b.id = l.bot_id) <> 'DELETED')
      or exists (select from positions p where p.instrument_id = i.id and p.status = 'OPEN')
   group by i.exchange_id
   order by i.exchange_id;
$$;
comment on function botbox.load_exchanges_in_use is 'Exchanges that bots or open positions are on, with the market types to ask prices for.';
