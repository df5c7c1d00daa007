create function botbox.next_grid_point(p_at timestamptz, p_interval_minutes integer)
returns timestamptz
language sql
immutable parallel safe
begin atomic
  -- By nothing that depends on the session's time zone, as adding an interval does: what does is not inlined, and this is asked once a check.
  select to_timestamp(
    (floor(extract(epoch from p_at - 'epoch'::timestamptz) / (p_interval_minutes * 60)) + 1)::double precision * (p_interval_minutes * 60)
  );
end;
comment on function botbox.next_grid_point is
  'First point after p_at on the grid of an interval, counted from the epoch: a schedule made of such points cannot drift.';
