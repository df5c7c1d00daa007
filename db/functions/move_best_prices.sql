create function botbox.move_best_prices(p_max_age_ms integer default 15000, p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_count integer;
begin
  -- A transaction of its own, apart from queue_exits: whoever books fills holds the account and waits for its positions, so that
  -- nobody may wait for accounts while holding positions. What is being booked at this moment is left to the next round.
  -- One quote per market and direction, as in queue_exits.
  with quotes as materialized (
    select k.instrument_id, d.direction, exit_quote(k, d.direction, p_max_age_ms, p_now) as price
      from tickers k
     cross join unnest(enum_range(null::direction)) as d (direction)
  ),
  moved as (
    select p.id, q.price
      from positions p
      join quotes q on q.instrument_id = p.instrument_id and q.direction = p.direction
     where p.status = 'OPEN'
       and p.trailing_stop_fraction is not null
       and case p.direction when 'LONG' then q.price > p.best_price else q.price < p.best_price end
     order by p.id
       for no key update of p skip locked
  )
  update positions p
     set best_price = m.price,
         updated_at = p_now
    from moved m
   where p.id = m.id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function botbox.move_best_prices is
  'Moves best_price of every open position with a trailing stop to the fresh price, where that is better; answers how many moved. Prices that are stale or cannot be true move nothing.';
