create function botbox.prune_history(
  p_checks_life interval default interval '24 hours',
  p_ticks_life interval default interval '30 days',
  p_limit integer default 20000,
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_rows integer;
  v_total integer := 0;
begin
  delete from checks c
   using (
     select bot_id, due_at, kind
       from checks
      where due_at < p_now - p_checks_life
        and signal_id is null
      limit p_limit
   ) old
   where c.bot_id = old.bot_id
     and c.due_at = old.due_at
     and c.kind = old.kind;
  get diagnostics v_total = row_count;

  delete from ticks where tick_at < p_now - p_ticks_life;
  get diagnostics v_rows = row_count;
  v_total := v_total + v_rows;

  delete from workers where heartbeat_at < p_now - interval '7 days';
  get diagnostics v_rows = row_count;
  return v_total + v_rows;
end
$$;
comment on function botbox.prune_history is
  'Deletes checks without signal, ticks and workers past their life, in bounded batches; answers how many rows went.';
