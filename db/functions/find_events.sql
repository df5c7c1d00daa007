create function botbox.find_events(p_after bigint, p_missing bigint[] default '{}', p_limit integer default 1000)
returns table (event_id bigint, topic text, keys text[], at text)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select e.id, e.topic, e.keys, e.at::text
    from (
      select * from events where id = any (p_missing)
      union all
      (select * from events where id > p_after order by id limit p_limit)
    ) e
   order by e.id;
$$;
comment on function botbox.find_events is
  'Events after one, oldest first, and those of the given numbers that have appeared: a transaction that took its number early may commit late. Times as text, with their microseconds.';
