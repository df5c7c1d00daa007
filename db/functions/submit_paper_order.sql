create function botbox.submit_paper_order(
  p_account_id bigint,
  p_instrument_id bigint,
  p_client_order_id text,
  p_side botbox.side,
  p_quantity numeric,
  p_price numeric,
  p_reduce_only boolean default false,
  p_now timestamptz default now()
)
returns bigint
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_id bigint;
begin
  insert into paper_orders (account_id, instrument_id, client_order_id, side, quantity, price, fee, fee_asset, reduce_only, filled_at)
  select p_account_id, i.id, p_client_order_id, p_side, p_quantity, fill.price,
         case when i.market_type = 'SPOT' and p_side = 'BUY' then p_quantity else p_quantity * fill.price * i.contract_size end * i.taker_fee_rate,
         case when i.market_type = 'SPOT' and p_side = 'BUY' then i.base_asset else i.settle_asset end,
         p_reduce_only, p_now
    from instruments i
    join accounts a on a.id = p_account_id
   cross join lateral (
           -- Slippage always against us, rounded to the tick away from us.
           select case p_side
                    when 'BUY' then ceil(p_price * (1 + a.paper_slippage_bps / 10000) / i.tick_size)
                    else greatest(floor(p_price * (1 - a.paper_slippage_bps / 10000) / i.tick_size), 1)
                  end * i.tick_size as price
         ) fill
   where i.id = p_instrument_id
  on conflict (client_order_id) do nothing
  returning id into v_id;
  return v_id;
end
$$;
comment on function botbox.submit_paper_order is
  'The paper venue''s order entry: fills a market order at once at p_price plus slippage and taker fee; null if the client order id was used before, as an exchange would refuse it.';
