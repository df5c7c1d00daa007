create function botbox.liquidation_price(
  p_direction botbox.direction,
  p_entry_price numeric,
  p_leverage numeric,
  p_maintenance_rate numeric default 0.01
)
returns numeric
language sql
immutable parallel safe
begin atomic
  select p_entry_price * case p_direction
    when 'LONG' then 1 - 1 / p_leverage + p_maintenance_rate
    else 1 + 1 / p_leverage - p_maintenance_rate
  end;
end;
comment on function botbox.liquidation_price is
  'Where a perpetual position has lost all of its own margin but what the exchange keeps for its maintenance, 1% of the value unless told. With cross margin the exchange liquidates later, never sooner unless other positions lose too.';
