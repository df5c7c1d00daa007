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
  v_instrument instruments;
  v_held numeric;
  v_quantity numeric := p_quantity;
  v_price numeric := p_price;
  v_stop numeric;
  v_id bigint;
begin
  select * into strict v_instrument from instruments where id = p_instrument_id;
  if exists (select from paper_orders where client_order_id = p_client_order_id) then
    return null;
  end if;

  -- Where the order depends on what is held, orders of the account take turns.
  if v_instrument.market_type = 'LINEAR' and p_reduce_only then
    perform pg_advisory_xact_lock(hashtextextended('paper_orders|' || p_account_id, 0));
    select coalesce(sum(case o.side when p_side then -o.quantity else o.quantity end), 0)
      into v_held
      from paper_orders o
     where o.account_id = p_account_id
       and o.instrument_id = p_instrument_id;
    if v_held <= 0 then
      raise exception 'there is no position that a reduce-only % could reduce', p_side using errcode = 'check_violation';
    end if;
    v_quantity := least(p_quantity, v_held);
  elsif v_instrument.market_type = 'SPOT' and p_side = 'SELL' then
    perform pg_advisory_xact_lock(hashtextextended('paper_orders|' || p_account_id, 0));
    select coalesce(sum(held.quantity), 0)
      into v_held
      from (
             select e.amount::numeric as quantity
               from ledger_entries e
              where e.account_id = p_account_id
                and e.asset = v_instrument.base_asset
                and e.kind = 'TRANSFER'
             union all
             select case o.side when 'BUY' then o.quantity else -o.quantity end
                    - case when o.fee_asset = v_instrument.base_asset then o.fee else 0 end
               from paper_orders o
               join instruments i on i.id = o.instrument_id
              where o.account_id = p_account_id
                and i.market_type = 'SPOT'
                and i.base_asset = v_instrument.base_asset
           ) held;
    if v_held < p_quantity then
      raise exception 'insufficient balance: % % held', v_held, v_instrument.base_asset using errcode = 'check_violation';
    end if;
  end if;

  -- A stop that was touched a moment ago is not filled at the better price of now.
  select p.stop_loss_price
    into v_stop
    from orders o
    join trade_queue t on t.id = o.trade_id and t.trigger_reason = 'STOP_LOSS'
    join positions p on p.id = t.position_id
   where o.client_order_id = p_client_order_id
     and o.account_id = p_account_id;
  v_price := case p_side when 'SELL' then least(p_price, v_stop) else greatest(p_price, v_stop) end;

  insert into paper_orders (account_id, instrument_id, client_order_id, side, quantity, price, fee, fee_asset, reduce_only, filled_at)
  select p_account_id, p_instrument_id, p_client_order_id, p_side, v_quantity, fill.price,
         case
           when v_instrument.market_type = 'SPOT' and p_side = 'BUY' then v_quantity
           else v_quantity * fill.price * v_instrument.contract_size
         end * v_instrument.taker_fee_rate,
         case when v_instrument.market_type = 'SPOT' and p_side = 'BUY' then v_instrument.base_asset else v_instrument.settle_asset end,
         p_reduce_only, p_now
    from accounts a
   cross join lateral (
           -- Slippage always against us, rounded to the tick away from us.
           select case p_side
                    when 'BUY' then ceil(v_price * (1 + a.paper_slippage_bps / 10000) / v_instrument.tick_size)
                    else greatest(floor(v_price * (1 - a.paper_slippage_bps / 10000) / v_instrument.tick_size), 1)
                  end * v_instrument.tick_size as price
         ) fill
   where a.id = p_account_id
  on conflict (client_order_id) do nothing
  returning id into v_id;
  return v_id;
end
$$;
comment on function botbox.submit_paper_order is
  'The paper venue''s order entry: fills a market order at once at p_price, of a stop-loss at the stop where that is worse, plus slippage and taker fee; null if the client order id was used before, as an exchange would refuse it. Refuses (check_violation) a spot sale of more than is held and a reduce-only order without a position to reduce; a larger one is cut to it.';
