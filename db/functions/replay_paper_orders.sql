create function botbox.replay_paper_orders(p_account_id bigint)
returns table (instrument_id bigint, net numeric, average_price numeric, realised numeric)
language plpgsql
stable
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_order record;
  v_instrument_id bigint;
  v_net numeric;
  v_average numeric;
  v_realised numeric;
begin
  -- One pass in the order of time: an average cost cannot be had by summing, and a recursive query reads all for each step.
  for v_order in
    select o.instrument_id, o.price::numeric as price, i.contract_size::numeric as contract_size,
           case o.side when 'BUY' then o.quantity else -o.quantity end as change
      from paper_orders o
      join instruments i on i.id = o.instrument_id
     where o.account_id = p_account_id
       and i.market_type = 'LINEAR'
     order by o.instrument_id, o.filled_at, o.id
  loop
    if v_order.instrument_id is distinct from v_instrument_id then
      if v_instrument_id is not null then
        return query select v_instrument_id, v_net, v_average, v_realised;
      end if;
      v_instrument_id := v_order.instrument_id;
      v_net := 0;
      v_average := 0;
      v_realised := 0;
    end if;
    if v_net * v_order.change >= 0 then
      v_average := (v_average * abs(v_net) + v_order.price * abs(v_order.change)) / (abs(v_net) + abs(v_order.change));
    else
      v_realised := v_realised
        + (v_order.price - v_average) * sign(v_net) * least(abs(v_order.change), abs(v_net)) * v_order.contract_size;
      if abs(v_order.change) > abs(v_net) then
        v_average := v_order.price;
      end if;
    end if;
    v_net := v_net + v_order.change;
  end loop;
  if v_instrument_id is not null then
    return query select v_instrument_id, v_net, v_average, v_realised;
  end if;
end
$$;
comment on function botbox.replay_paper_orders is
  'Net position, its average price and the profit realised so far, per derivative of a paper account, as an exchange in one-way mode would count them.';
