create function botbox.find_paper_positions(p_account_id bigint)
returns table (symbol text, quantity text, entry_price text)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select i.symbol, trim_scale(r.net)::text, r.average_price::text
    from replay_paper_orders(p_account_id => p_account_id) r
    join instruments i on i.id = r.instrument_id
   where r.net <> 0
   order by i.symbol;
$$;
comment on function botbox.find_paper_positions is
  'Net positions of a paper account from the paper venue''s own orders, signed decimal text with their average price, as an exchange in one-way mode would report them.';
