create function botbox.load_exchanges_in_use()
returns table (exchange_id text, market_types text[])
language sql
stable
set search_path = botbox, pg_temp
as $$
  select i.exchange_id, array_agg(distinct i.market_type::text order by i.market_type::text)
    from bots b
    join instruments i
      on i.id = b.instrument_id
      or i.id in (select l.instrument_id from bot_legs l where l.bot_id = b.id)
   where b.status <> 'DELETED'
      or exists (select from positions p where p.bot_id = b.id and p.status = 'OPEN')
   group by i.exchange_id
   order by i.exchange_id;
$$;
comment on function botbox.load_exchanges_in_use is 'Exchanges that bots or open positions are on, with the market types to ask prices for.';
