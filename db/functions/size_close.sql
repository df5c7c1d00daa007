create function botbox.size_close(p_position botbox.positions, p_instrument botbox.instruments, p_signal botbox.signal_input)
returns botbox.close_size
language plpgsql
immutable parallel safe
set search_path = botbox, pg_temp
as $$
declare
  v_lot numeric := p_instrument.lot_size;
  -- Rounded down to the lot size: what a fee in the base asset leaves beyond it is closed in the books as dust.
  v_held numeric := floor(p_position.quantity / v_lot) * v_lot;
  v_smallest numeric := greatest(
    p_instrument.minimum_quantity,
    ceil(p_instrument.minimum_notional / (p_signal.price * p_instrument.contract_size) / v_lot) * v_lot
  );
  v_largest numeric := floor(
    least(p_instrument.maximum_quantity, p_instrument.maximum_notional / (p_signal.price * p_instrument.contract_size)) / v_lot
  ) * v_lot;
  v_lots integer := p_signal.lots;
  v_quantity numeric := v_held;
begin
  if p_position.id is null then
    return null;
  end if;
  if p_signal.quantity is not null then
    v_quantity := floor(least(p_signal.quantity, p_position.quantity) / v_lot) * v_lot;
    v_lots := coalesce(v_lots, greatest(floor(p_position.lots * v_quantity / nullif(p_position.quantity, 0)), 1));
  elsif v_lots < p_position.lots then
    v_quantity := floor(p_position.quantity * v_lots / p_position.lots / v_lot) * v_lot;
  end if;
  -- A part too small to be sold is sold as soon as it makes an order; with what would be too small a rest, all is sold.
  if p_signal.lots is not null then
    v_quantity := greatest(v_quantity, v_smallest);
  end if;
  if v_quantity >= v_held or v_held - v_quantity < v_smallest then
    v_quantity := v_held;
    v_lots := null;
  end if;
  -- One order holds at most what the exchange takes. The rest of a whole close follows as a retry, that of a part when asked again.
  if v_quantity > v_largest then
    v_lots := case when v_lots is not null then greatest(floor(v_lots * v_largest / v_quantity), least(v_lots, 1)) end;
    v_quantity := v_largest;
  end if;
  return row(v_quantity, v_lots)::close_size;
end
$$;
comment on function botbox.size_close is
  'Quantity of a close and the lots it stands for, null for all, 0 for the rest of a lot that is counted already: lots asked for as their share of the position, or the quantity asked for; rounded down to the lot size, never so that less is left than can be sold.';
