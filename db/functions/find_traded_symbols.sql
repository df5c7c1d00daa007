create function botbox.find_traded_symbols(p_account_id bigint, p_since timestamptz default null)
returns table (symbol text, market_type botbox.market_type)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select i.symbol, i.market_type
    from instruments i
   where exists (
           select
             from orders o
            where o.account_id = p_account_id
              and o.instrument_id = i.id
              and (o.finished_at is null or p_since is null or o.created_at >= p_since - interval '1 day')
         )
      or exists (
           select
             from positions p
            where p.account_id = p_account_id
              and p.instrument_id = i.id
              and p.status = 'OPEN'
         )
   order by i.symbol;
$$;
comment on function botbox.find_traded_symbols is
  'Instruments in which an account can have fills since a time: exchanges that answer fills per symbol only are asked for these.';
