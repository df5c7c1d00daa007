create function botbox.find_event_range()
returns table (oldest_id bigint, newest_id bigint)
language sql
stable
set search_path = botbox, pg_temp
as $$
  -- The sequence tells the newest number also when every row was pruned.
  select coalesce((select min(e.id) from events e), n.newest + 1), n.newest
    from (
      select greatest(coalesce((select max(e.id) from events e), 0), coalesce(pg_sequence_last_value(pg_get_serial_sequence('botbox.events', 'id')), 0)) as newest
    ) n;
$$;
comment on function botbox.find_event_range is 'The oldest event that is kept and the newest number that was given.';
