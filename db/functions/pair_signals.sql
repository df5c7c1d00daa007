create function botbox.pair_signals(p_signal botbox.signal_input, p_legs jsonb)
returns botbox.signal_input[]
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_signals signal_input[];
  v_signal signal_input := p_signal;
  v_leg record;
begin
  v_signal.group_id := gen_random_uuid();
  -- Several lots are one quantity, the same for both legs; a close takes everything.
  v_signal.lots := null;
  v_signals := array[v_signal];
  for v_leg in
    select l.instrument_id, i.symbol, coalesce(g.candle_at, p_signal.candle_at) as candle_at,
           coalesce(g.price, k.last, p.average_entry_price) as price
      from bot_legs l
      join instruments i on i.id = l.instrument_id
      left join jsonb_to_recordset(p_legs) as g (instrument_id bigint, candle_at timestamptz, price numeric)
        on g.instrument_id = l.instrument_id
      left join tickers k on k.instrument_id = l.instrument_id
      left join positions p
        on p.bot_id = l.bot_id
       and p.instrument_id = l.instrument_id
       and p.status = 'OPEN'
     where l.bot_id = p_signal.bot_id
     order by l.leg
  loop
    if v_leg.price is null then
      raise exception 'bot % decided on a pair without a price of its leg %', p_signal.bot_id, v_leg.symbol
        using errcode = 'null_value_not_allowed';
    end if;
    v_signal.instrument_id := v_leg.instrument_id;
    v_signal.candle_at := v_leg.candle_at;
    v_signal.price := v_leg.price;
    v_signal.direction := case p_signal.direction when 'LONG' then 'SHORT' when 'SHORT' then 'LONG' else p_signal.direction end;
    v_signals := v_signals || v_signal;
  end loop;
  return v_signals;
end
$$;
comment on function botbox.pair_signals is
  'One signal per leg of a two-leg bot from the decision about its first: the others are held the other way round and have their own candle and price.';
