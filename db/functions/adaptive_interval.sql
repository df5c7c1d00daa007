create function botbox.adaptive_interval(p_base_minutes integer, p_volatility botbox.regime_volatility)
returns integer
language sql
immutable parallel safe
begin atomic
  select coalesce(
    case p_volatility
      when 'HIGH' then (select max(s.minutes) from unnest(array[1, 5, 15, 60]) as s (minutes) where s.minutes < p_base_minutes)
      when 'LOW' then (select min(s.minutes) from unnest(array[1, 5, 15, 60]) as s (minutes) where s.minutes > p_base_minutes)
    end,
    p_base_minutes
  );
end;
comment on function botbox.adaptive_interval is
  'Interval of a bot with adaptive intervals: one step of 1, 5, 15, 60 minutes shorter than its base in HIGH volatility, one longer in LOW, its base in NORMAL or where there is no such step. The regime brings the hysteresis.';
