create function botbox.pair_quantity(p_bot botbox.bots, p_legs botbox.signal_input[], p_lots integer default 1)
returns numeric
language sql
stable
set search_path = botbox, pg_temp
as $$
  -- The dearer leg bounds both, and both must be able to trade what comes out: a multiple of either lot.
  select floor(least(min(s.base) * p_lots, min(s.most)) / lcm(min(s.lot), max(s.lot))) * lcm(min(s.lot), max(s.lot))
    from unnest(p_legs) n
    join instruments i on i.id = n.instrument_id
   cross join lateral (
           select size_entry(p_bot => p_bot, p_instrument => i, p_price => n.price, p_atr => n.atr) * i.contract_size as base,
                  least(i.maximum_quantity * i.contract_size, i.maximum_notional / n.price) as most,
                  i.lot_size * i.contract_size as lot
         ) s;
$$;
comment on function botbox.pair_quantity is
  'Quantity of a pair in units of the base asset, the same for both legs: by the bot''s sizing per leg, at most what one order may hold, rounded down to a multiple of both lots.';
