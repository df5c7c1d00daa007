create function botbox.claim_unsettled_orders(
  p_account_id bigint default null,
  p_limit integer default 20,
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
set search_path = botbox, pg_temp
as $$
  with due as (
    select o.id
      from orders o
      join accounts a on a.id = o.account_id
      join circuit_breakers k on k.exchange_id = a.exchange_id
     where o.status in ('OPEN', 'PARTIALLY_FILLED', 'UNKNOWN')
       and o.finished_at is null
       and k.state = 'CLOSED'
       -- Asked for by account, at a start or a reconciliation: at once.
       and case when p_account_id is null then o.next_query_at <= p_now else o.account_id = p_account_id end
     order by o.status <> 'UNKNOWN', o.next_query_at
     limit p_limit
       for update of o skip locked
  ),
  claimed as (
    update orders o
       set query_count = o.query_count + 1,
           -- Asked again after 2, 4, 8 … seconds, at the latest after 30.
           next_query_at = p_now + make_interval(secs => least(2 ^ least(o.query_count + 1, 5), 30))
      from due d
     where o.id = d.id
    returning o.*
  )
  select c.id, c.account_id, a.exchange_id, a.mode, c.instrument_id, i.symbol, i.market_type, c.client_order_id, c.exchange_order_id,
         c.status, c.quantity::text, c.filled_quantity::text, c.sent_at, c.unknown_since
    from claimed c
    join accounts a on a.id = c.account_id
    join instruments i on i.id = c.instrument_id
   order by c.status <> 'UNKNOWN', c.sent_at;
$$;
comment on function botbox.claim_unsettled_orders is
  'Orders whose end the exchange has not told yet and that are to be asked for now, unknown ones first; each is left to one worker until its next turn.';
