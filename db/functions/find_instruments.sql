create function botbox.find_instruments(p_exchange_id text, p_symbols text[] default null)
returns table (
  id bigint,
  symbol text,
  exchange_symbol text,
  market_type botbox.market_type,
  base_asset text,
  quote_asset text,
  settle_asset text,
  is_trading boolean
)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select i.id, i.symbol, i.exchange_symbol, i.market_type, i.base_asset, i.quote_asset, i.settle_asset, i.is_trading
    from instruments i
   where i.exchange_id = p_exchange_id
     and (p_symbols is null or i.symbol = any (p_symbols) or i.exchange_symbol = any (p_symbols))
   order by i.symbol;
$$;
comment on function botbox.find_instruments is 'Instruments of an exchange, all of them or by unified or exchange symbol.';
