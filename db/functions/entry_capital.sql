create function botbox.entry_capital(p_notional numeric, p_leverage numeric, p_taker_fee_rate numeric)
returns numeric
language sql
immutable parallel safe
begin atomic
  select p_notional / p_leverage + p_notional * p_taker_fee_rate;
end;
comment on function botbox.entry_capital is 'Capital that an entry binds, in the settlement asset: initial margin (all of it on spot, leverage 1) plus the taker fee.';
