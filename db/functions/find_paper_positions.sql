create function botbox.find_paper_positions(p_account_id bigint)
returns table (symbol text, quantity text)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select i.symbol, trim_scale(sum(case o.side when 'BUY' then o.quantity else -o.quantity end))::text
    from paper_orders o
    join instruments i on i.id = o.instrument_id
   where o.account_id = p_account_id
     and i.market_type = 'LINEAR'
   group by i.symbol
  having sum(case o.side when 'BUY' then o.quantity else -o.quantity end) <> 0
   order by i.symbol;
$$;
comment on function botbox.find_paper_positions is
  'Net positions of a paper account from the paper venue''s own orders, signed decimal text, as an exchange in one-way mode would report them.';
