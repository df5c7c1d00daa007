create function botbox.record_tick(
  p_worker_id text,
  p_due_bots integer,
  p_duration_ms double precision,
  p_now timestamptz default now()
)
returns void
language sql
set search_path = botbox, pg_temp
as $$
  insert into ticks (tick_at, due_bots, duration_ms, worker_id)
  values (date_trunc('minute', p_now), p_due_bots, p_duration_ms, p_worker_id)
  on conflict (tick_at) do update
     set due_bots = ticks.due_bots + excluded.due_bots,
         duration_ms = greatest(ticks.duration_ms, excluded.duration_ms);
  select pg_notify('botbox_checks', p_due_bots::text) where p_due_bots > 0;
$$;
comment on function botbox.record_tick is
  'Records a scheduling run and wakes the checkers; a second run in the same minute adds to its row.';
