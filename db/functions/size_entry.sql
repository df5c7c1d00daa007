create function botbox.size_entry(p_bot botbox.bots, p_instrument botbox.instruments, p_price numeric, p_atr numeric default null)
returns numeric
language sql
stable
set search_path = botbox, pg_temp
as $$
  select floor(
           least(
             case p_bot.sizing
               when 'FIXED_NOTIONAL' then p_bot.sizing_value / (p_price * p_instrument.contract_size)
               when 'CAPITAL_FRACTION' then p_bot.sizing_value * a.capital / (p_price * p_instrument.contract_size)
               -- One average range against the position costs the share; in a still market the leverage is the limit.
               when 'VOLATILITY_TARGET' then case when p_atr >= 0 then least(
                 a.capital * p_bot.sizing_value / nullif(p_atr * p_instrument.contract_size, 0),
                 a.capital * p_bot.leverage / (p_price * p_instrument.contract_size)
               ) end
             end,
             case when p_bot.sizing <> 'VOLATILITY_TARGET' or p_atr >= 0 then p_instrument.maximum_quantity end,
             case when p_bot.sizing <> 'VOLATILITY_TARGET' or p_atr >= 0 then p_instrument.maximum_notional / (p_price * p_instrument.contract_size) end
           )
           / p_instrument.lot_size
         ) * p_instrument.lot_size
    from accounts a
   where a.id = p_bot.account_id;
$$;
comment on function botbox.size_entry is
  'Quantity of one lot by the bot''s sizing, in base or contracts, rounded down to the lot size and at most the instrument''s largest order by quantity and by notional. VOLATILITY_TARGET: capital × value / (ATR × contract size), never more notional than capital × leverage; null where the ATR is not known.';
