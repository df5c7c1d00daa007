create function botbox.prune_requests(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_rows integer;
  v_total integer;
begin
  delete from events where at < p_now - interval '10 minutes';
  get diagnostics v_total = row_count;
  delete from idempotent_requests where started_at < p_now - interval '1 day';
  get diagnostics v_rows = row_count;
  v_total := v_total + v_rows;
  delete from sessions where expires_at < p_now;
  get diagnostics v_rows = row_count;
  v_total := v_total + v_rows;
  delete from login_codes where expires_at < p_now;
  get diagnostics v_rows = row_count;
  return v_total + v_rows;
end
$$;
comment on function botbox.prune_requests is
  'Deletes events after ten minutes, kept answers after a day, and sessions and login codes that have expired; answers how many rows went.';
