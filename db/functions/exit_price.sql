create function botbox.exit_price(p_signal botbox.signal_input, p_tick_size numeric, p_fraction numeric)
returns numeric
language sql
immutable parallel safe
begin atomic
  select case
    when p_signal.direction = 'CLOSE' or p_fraction is null then null
    else nullif(greatest(
      round(
        p_signal.price * (1 + case p_signal.direction when 'LONG' then p_fraction else -p_fraction end) / p_tick_size
      ) * p_tick_size,
      0
    ), 0)
  end;
end;
comment on function botbox.exit_price is
  'Price of a stop (negative fraction) or target (positive fraction) of an entry, in its direction, rounded to the tick.';
