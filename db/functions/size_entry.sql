create function botbox.size_entry(p_bot botbox.bots, p_instrument botbox.instruments, p_price numeric)
returns numeric
language sql
stable
set search_path = botbox, pg_temp
as $$
  select floor(
           case p_bot.sizing
             when 'FIXED_NOTIONAL' then p_bot.sizing_value
             when 'CAPITAL_FRACTION' then p_bot.sizing_value * a.capital
           end
           / (p_price * p_instrument.contract_size) / p_instrument.lot_size
         ) * p_instrument.lot_size
    from accounts a
   where a.id = p_bot.account_id;
$$;
comment on function botbox.size_entry is 'Quantity of an entry by the bot''s sizing, in base or contracts, rounded down to the lot.';
