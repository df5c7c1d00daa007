-- Chunks of the hypertable depend on it, so it is replaced rather than made anew. Its results must never change.
create or replace function botbox.candle_partition(p_timeframe anyelement)
returns integer
language plpgsql
immutable parallel safe
set search_path = botbox, pg_temp
as $$
begin
  return case when p_timeframe::text = '1m' then 0 else 1500000000 end;
end
$$;
comment on function botbox.candle_partition is
  'TimescaleDB only: which half of the chunks of candles a timeframe belongs to. Minutes have one of their own, so that they go as whole chunks.';
