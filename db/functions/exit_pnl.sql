create function botbox.exit_pnl(
  p_direction botbox.direction,
  p_entry_price numeric,
  p_exit_price numeric,
  p_quantity numeric,
  p_contract_size numeric
)
returns numeric
language sql
immutable parallel safe
begin atomic
  select (p_exit_price - p_entry_price) * p_quantity * p_contract_size * case p_direction when 'LONG' then 1 else -1 end;
end;
comment on function botbox.exit_pnl is 'Profit of closing a quantity, before fees, in the settlement asset of a linear market.';
