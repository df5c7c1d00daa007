create function botbox.next_grid_point(p_at timestamptz, p_interval_minutes integer)
returns timestamptz
language sql
immutable parallel safe
set search_path = botbox, pg_temp
as $$
  select date_bin(make_interval(mins => p_interval_minutes), p_at, 'epoch'::timestamptz)
         + make_interval(mins => p_interval_minutes);
$$;
comment on function botbox.next_grid_point is
  'First point after p_at on the grid of an interval, counted from the epoch: a schedule made of such points cannot drift.';
