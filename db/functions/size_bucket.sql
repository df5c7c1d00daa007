create function botbox.size_bucket(p_published_limit numeric, p_window_ms integer, p_capacity numeric default null)
returns table (capacity numeric, refill_per_second numeric)
language sql
immutable parallel safe
begin atomic
  -- A fifth of the budget as burst, the rest as refill: together 80% of what is published, in any window of the exchange's.
  -- A grant is used within 250 ms, so that what arrives in one window was granted in one that is longer by as much.
  -- Small limits need room for one whole call, and half of the budget for the refill, or nothing would come back.
  select c.capacity, trunc((p_published_limit * 0.8 - c.capacity) / (p_window_ms / 1000.0 + 0.25), 6)
    from (select coalesce(p_capacity, least(greatest(p_published_limit * 0.16, 1), p_published_limit * 0.4)) as capacity) c;
end;
comment on function botbox.size_bucket is
  'Capacity and refill of a token bucket that keeps to 80% of a published limit in any window; with the capacity given, the refill that goes with it.';
