create function botbox.fit_order(p_quantity numeric, p_price numeric, p_instrument botbox.instruments)
returns numeric
language sql
immutable parallel safe
begin atomic
  select floor(
           least(p_quantity, p_instrument.maximum_quantity, p_instrument.maximum_notional / (p_price * p_instrument.contract_size))
           / p_instrument.lot_size
         ) * p_instrument.lot_size;
end;
comment on function botbox.fit_order is
  'The largest part of a quantity that one order of the instrument may have at this price, by its present lot size and maximums; 0 where that is less than a lot.';
