create function botbox.record_strategies(p_strategies jsonb)
returns integer
language sql
set search_path = botbox, pg_temp
as $$
  with written as (
    insert into strategies as s (id, name, title, default_interval_minutes)
    select n.id, n.name, n.title, n.default_interval_minutes
      from jsonb_to_recordset(p_strategies) as n (id text, name text, title text, default_interval_minutes integer)
     order by n.id
    on conflict (id) do update
       set name = excluded.name,
           title = excluded.title,
           default_interval_minutes = excluded.default_interval_minutes
     where (s.name, s.title, s.default_interval_minutes) is distinct from (excluded.name, excluded.title, excluded.default_interval_minutes)
    returning 1
  )
  select count(*)::integer from written;
$$;
comment on function botbox.record_strategies is 'Takes over the code''s registry of strategies; answers how many rows changed.';
