create function botbox.find_paper_orders(
  p_account_id bigint,
  p_client_order_id text default null,
  p_since timestamptz default null,
  p_limit integer default 500
)
returns table (
  id bigint,
  instrument_id bigint,
  symbol text,
  client_order_id text,
  side botbox.side,
  quantity text,
  price text,
  fee text,
  fee_asset text,
  filled_at timestamptz
)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select o.id, o.instrument_id, i.symbol, o.client_order_id, o.side, o.quantity::text, o.price::text, o.fee::text, o.fee_asset, o.filled_at
    from paper_orders o
    join instruments i on i.id = o.instrument_id
   where o.account_id = p_account_id
     and (p_client_order_id is null or o.client_order_id = p_client_order_id)
     and (p_since is null or o.filled_at >= p_since)
   order by o.filled_at, o.id
   limit p_limit;
$$;
comment on function botbox.find_paper_orders is 'The paper venue''s answer to a query by client order id or to fills since a time, oldest first; numbers as decimal text.';
