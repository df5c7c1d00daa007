create function botbox.record_heartbeat(
  p_worker_id text,
  p_host text,
  p_process_id integer,
  p_roles text[],
  p_version text,
  p_started_at timestamptz,
  p_figures jsonb default '{}',
  p_is_stopping boolean default false,
  p_now timestamptz default now()
)
returns void
language sql
set search_path = botbox, pg_temp
as $$
  insert into workers as w (id, host, process_id, roles, version, started_at, heartbeat_at, figures, stopped_at)
  values (p_worker_id, p_host, p_process_id, p_roles, p_version, p_started_at, p_now, p_figures, case when p_is_stopping then p_now end)
  on conflict (id) do update
     set heartbeat_at = p_now,
         figures = excluded.figures,
         stopped_at = excluded.stopped_at;
$$;
comment on function botbox.record_heartbeat is 'A worker''s sign of life every 10 s, with its figures; the last one says that it stopped in good order.';
