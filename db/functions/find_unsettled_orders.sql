create function botbox.find_unsettled_orders(
  p_account_ids bigint[] default null,
  p_order_ids bigint[] default null,
  p_now timestamptz default now()
)
returns table (
  order_id bigint,
  account_id bigint,
  exchange_id text,
  account_mode botbox.account_mode,
  instrument_id bigint,
  symbol text,
  market_type botbox.market_type,
  client_order_id text,
  exchange_order_id text,
  status botbox.order_status,
  quantity text,
  filled_quantity text,
  sent_at timestamptz,
  unknown_since timestamptz
)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select o.id, o.account_id, a.exchange_id, a.mode, o.instrument_id, i.symbol, i.market_type, o.client_order_id, o.exchange_order_id,
         o.status, o.quantity::text, o.filled_quantity::text, o.sent_at, o.unknown_since
    from orders o
    join accounts a on a.id = o.account_id
    join instruments i on i.id = o.instrument_id
    join circuit_breakers k on k.exchange_id = a.exchange_id
   where o.status in ('OPEN', 'PARTIALLY_FILLED', 'UNKNOWN')
     and o.finished_at is null
     and k.state = 'CLOSED'
     and (p_account_ids is null or o.account_id = any (p_account_ids))
     and (p_order_ids is null or o.id = any (p_order_ids))
   order by o.status <> 'UNKNOWN', o.sent_at;
$$;
comment on function botbox.find_unsettled_orders is
  'Orders whose end the exchange has not told yet, unknown ones first; quantities as decimal text.';
