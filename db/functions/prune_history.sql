create function botbox.prune_history(
  p_ticks_life interval default interval '30 days',
  p_equity_life interval default interval '365 days',
  p_check_minutes_life interval default interval '365 days',
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_rows integer;
  v_total integer;
begin
  delete from ticks where tick_at < p_now - p_ticks_life;
  get diagnostics v_total = row_count;

  delete from check_minutes where minute_at < p_now - p_check_minutes_life;
  get diagnostics v_rows = row_count;
  v_total := v_total + v_rows;

  delete from workers where heartbeat_at < p_now - interval '7 days';
  get diagnostics v_rows = row_count;
  v_total := v_total + v_rows;

  -- The newest row of each account stays, whatever its age: it holds the peak.
  delete from account_equity e
   where e.at < p_now - p_equity_life
     and exists (select from account_equity n where n.account_id = e.account_id and n.at > e.at);
  get diagnostics v_rows = row_count;
  return v_total + v_rows;
end
$$;
comment on function botbox.prune_history is 'Deletes ticks, counted minutes and equity past their life and workers that were last heard a week ago; answers how many rows went.';
